//! A log that is carried away, and into another one.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::harness::{Drive, Output, User, cairn, command, content, sha256_hex};

/// A drive on which something has happened, and somebody who did it.
async fn busy() -> (Drive, User) {
    let drive = Drive::start();
    let user = drive.user().await;
    for n in 0..12_u64 {
        let file = user.upload(&format!("文件 “{n}”.txt"), &content(n % 5, 300)).await;
        if n % 3 == 0 {
            user.post("/file/delete").json(&json!({ "id": file.id })).send().await.expect(200);
        }
    }
    (drive, user)
}

/// Without what is a log's own.
pub(crate) fn bare(events: Vec<Value>) -> Vec<Value> {
    let strip = |mut event: Value| {
        event.as_object_mut().unwrap().remove("position");
        event
    };
    events.into_iter().map(strip).collect()
}

fn import(file: &Path, data: &Path) -> Output {
    Output::of(command().args(["events", "import"]).arg(file).arg("--data").arg(data).arg("--json"))
}

fn events_in(data: &Path) -> Vec<Value> {
    Output::of(command().args(["events", "list", "--json"]).arg("--data").arg(data)).json_lines()
}

fn export(drive: &Drive, file: &Path, more: &[&str]) -> Output {
    drive.cairn(&[&["events", "export", file.to_str().unwrap(), "--json"], more].concat())
}

#[tokio::test]
async fn an_exported_log_is_imported_event_for_event_and_is_a_drive_again() {
    let (mut drive, user) = busy().await;
    let place = tempfile::tempdir().unwrap();
    for name in ["drive.ndjson", "drive.ndjson.zst"] {
        let (file, data) = (place.path().join(name), place.path().join(format!("data of {name}")));
        let manifest = export(&drive, &file, &[]).json_lines().remove(0);
        let events = drive.events();
        assert_eq!(manifest["events"], events.len());
        assert_eq!((&manifest["first"], &manifest["log"]), (&events[0]["position"], &events[0]["id"]));
        let imported = import(&file, &data).json_lines().remove(0);
        let expected = json!({ "events": events.len(), "imported": events.len(), "digest": manifest["digest"] });
        assert_eq!(imported, expected);
        assert_eq!(bare(events_in(&data)), bare(events.clone()));
        let again = import(&file, &data).json_lines().remove(0);
        assert_eq!((&again["imported"], &again["digest"]), (&json!(0), &manifest["digest"]), "{again}");
    }
    let (plain, compressed) = (place.path().join("drive.ndjson"), place.path().join("drive.ndjson.zst"));
    assert!(fs::metadata(&compressed).unwrap().len() * 2 < fs::metadata(&plain).unwrap().len());
    // With the contents beside it, it is the same drive.
    drive.stop();
    let data = place.path().join("data of drive.ndjson");
    let copied = Command::new("cp").arg("-r").arg(drive.data().join("blobs")).arg(&data).status().unwrap();
    assert!(copied.success());
    let other = Drive::embedded_on(&data);
    let user = user.back_on(&other);
    let listed = user.list("limit=100").await;
    assert_eq!(listed.len(), 8);
    for file in listed {
        let downloaded = user.get("/file/download").query("id", &file.id).send().await.expect(200);
        assert_eq!(sha256_hex(&downloaded.body), file.sha256);
    }
}

#[tokio::test]
async fn an_export_goes_through_a_pipe_and_says_what_it_says_elsewhere() {
    let (drive, _) = busy().await;
    let place = tempfile::tempdir().unwrap();
    for more in [&[][..], &["--zstd"]] {
        let exporting = [&["events", "export", "-"], more].concat();
        let exported = drive.command(&exporting).stdout(Stdio::piped()).output().unwrap();
        assert!(exported.status.success() && String::from_utf8_lossy(&exported.stderr).contains("digest"), "{exported:?}");
        let data = place.path().join(format!("data{}", more.len()));
        let mut importing = command();
        importing.args(["events", "import", "-"]).arg("--data").arg(&data).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut importing = importing.spawn().unwrap();
        importing.stdin.take().unwrap().write_all(&exported.stdout).unwrap();
        assert!(importing.wait().unwrap().success());
        assert_eq!(bare(events_in(&data)), bare(drive.events()));
    }
}

#[tokio::test]
async fn an_export_goes_on_where_it_was_cut_off_and_with_what_is_new() {
    let (drive, user) = busy().await;
    let place = tempfile::tempdir().unwrap();
    for name in ["drive.ndjson", "drive.ndjson.zst"] {
        let file = place.path().join(name);
        export(&drive, &file, &[]).success();
        let refused = export(&drive, &file, &[]);
        assert!(refused.code == Some(1) && refused.stderr.contains("--resume"), "{refused:?}");
        user.upload(&format!("new {name}"), b"new").await;
        let whole = export(&drive, &place.path().join(format!("whole {name}")), &[]).json_lines();
        assert_eq!(export(&drive, &file, &["--resume"]).json_lines(), whole, "with what is new");
        let bytes = fs::read(&file).unwrap();
        for length in [0, 5, 40, bytes.len() / 3, bytes.len() - 30, bytes.len() - 1] {
            fs::write(&file, &bytes[..length]).unwrap();
            assert_eq!(export(&drive, &file, &["--resume"]).json_lines(), whole, "{name} of {length} bytes");
            assert_eq!(import(&file, &place.path().join(format!("{name} {length}"))).json_lines()[0]["digest"], whole[0]["digest"]);
        }
    }
    let other = Drive::start();
    other.user().await;
    let file = place.path().join("drive.ndjson");
    let before = fs::read(&file).unwrap();
    let refused = export(&other, &file, &["--resume"]);
    assert!(refused.code == Some(1) && refused.stderr.contains("not written from this log"), "{refused:?}");
    assert_eq!(fs::read(&file).unwrap(), before, "and the file is as it was");
}

#[tokio::test]
async fn a_file_that_is_no_export_is_not_gone_on_with() {
    let (drive, _) = busy().await;
    let place = tempfile::tempdir().unwrap();
    let whole = place.path().join("drive.ndjson.zst");
    export(&drive, &whole, &[]).success();
    let mut longer = fs::read(&whole).unwrap();
    longer.extend_from_slice(b"my precious diary");
    let foreign: &[&[u8]] = &[
        b"my precious diary",
        b"my precious diary\n",
        b"{\"cairn\":\"diary",
        // The beginning of a compressed file, of which nothing can be read yet.
        &[0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x99],
        &longer,
    ];
    for bytes in foreign {
        let file = place.path().join("diary");
        fs::write(&file, bytes).unwrap();
        let refused = export(&drive, &file, &["--resume"]);
        assert!(refused.code == Some(1) && refused.stderr.contains("can't be gone on with"), "{refused:?}");
        assert_eq!(fs::read(&file).unwrap(), *bytes, "it is as it was");
    }
}

#[tokio::test]
async fn one_file_is_written_by_one_export_at_a_time() {
    let (drive, _) = busy().await;
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("drive.ndjson");
    export(&drive, &file, &[]).success();
    let whole = fs::read(&file).unwrap();
    let other = fs::File::open(&file).unwrap();
    other.lock().unwrap();
    let refused = export(&drive, &file, &["--resume"]);
    assert!(refused.code == Some(1) && refused.stderr.contains("another export is writing it"), "{refused:?}");
    assert_eq!(fs::read(&file).unwrap(), whole);
    drop(other);
    export(&drive, &file, &["--resume"]).success();
}

#[tokio::test]
async fn a_compressed_file_that_is_damaged_is_refused_behind_a_line() {
    let (drive, _) = busy().await;
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("drive.ndjson.zst");
    let events = export(&drive, &file, &[]).json_lines()[0]["events"].as_u64().unwrap();
    let data = place.path().join("data");
    let cut_off = import(&altered(&file, |bytes| bytes.truncate(bytes.len() - 10)), &data);
    assert!(cut_off.code == Some(1) && cut_off.stderr.contains(&format!("after line {}:", events + 1)), "{cut_off:?}");
    assert!(cut_off.stderr.contains("nothing was imported"), "{cut_off:?}");
    let longer = import(&altered(&file, |bytes| bytes.extend_from_slice(b"and something else")), &data);
    assert!(longer.code == Some(1) && longer.stderr.contains(&format!("after line {}:", events + 2)), "{longer:?}");
}

/// The file, changed, under another name.
fn altered(file: &Path, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
    let mut bytes = fs::read(file).unwrap();
    change(&mut bytes);
    let path = file.with_extension("altered");
    fs::write(&path, bytes).unwrap();
    path
}

#[tokio::test]
async fn what_was_altered_or_cut_off_is_refused_at_its_line_and_nothing_is_imported() {
    let (drive, _) = busy().await;
    let place = tempfile::tempdir().unwrap();
    let (file, data) = (place.path().join("drive.ndjson"), place.path().join("data"));
    let count = export(&drive, &file, &[]).json_lines()[0]["events"].as_u64().unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let offset = |line: usize| lines[..line - 1].iter().map(|line| line.len() + 1).sum::<usize>();
    let refused_at = |path: &Path, line: usize| {
        let refused = import(path, &data);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stderr.contains(&format!("line {line}:")), "line {line}: {refused:?}");
        assert!(!data.join("events.db").exists(), "nothing was made");
    };
    for line in [2, 7, lines.len() - 1] {
        let at = offset(line) + lines[line - 1].find("\"time\":").unwrap() + 12;
        refused_at(&altered(&file, |bytes| bytes[at] ^= 1), line);
        refused_at(&altered(&file, |bytes| bytes.truncate(at)), line);
        refused_at(&altered(&file, |bytes| drop(bytes.drain(offset(line)..offset(line + 1)))), line);
    }
    refused_at(&altered(&file, |bytes| bytes.truncate(offset(lines.len()))), lines.len());
    refused_at(&altered(&file, |bytes| bytes.extend_from_slice(b"{}\n")), lines.len() + 1);
    assert_eq!(count as usize, lines.len() - 2);

    let picture = place.path().join("picture.png");
    fs::write(&picture, [0x89, b'P', b'N', b'G', 13, 10, 26, 10]).unwrap();
    let refused = import(&picture, &data);
    assert!(refused.code == Some(1) && refused.stderr.contains("not an export"), "{refused:?}");
    let absent = import(&place.path().join("absent.ndjson"), &data);
    assert!(absent.code == Some(1) && absent.stderr.contains("absent.ndjson"), "{absent:?}");
}

#[tokio::test]
async fn an_import_that_was_interrupted_goes_on_and_one_into_another_log_is_refused() {
    let (drive, _) = busy().await;
    let place = tempfile::tempdir().unwrap();
    let (file, data) = (place.path().join("drive.ndjson"), place.path().join("data"));
    let manifest = export(&drive, &file, &[]).json_lines().remove(0);
    // What came before the cut is taken in, and nobody sees it.
    let text = fs::read(&file).unwrap();
    let mut importing = command();
    importing.args(["events", "import", "-"]).arg("--data").arg(&data).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = importing.spawn().unwrap();
    child.stdin.take().unwrap().write_all(&text[..text.len() / 2]).unwrap();
    let cut = child.wait_with_output().unwrap();
    assert_eq!(cut.status.code(), Some(1));
    assert!(!data.join("events.db").exists());
    let said = String::from_utf8_lossy(&cut.stderr).into_owned();
    let all = manifest["events"].as_u64().unwrap();
    let there: u64 = (1..all).rev().find(|taken| said.contains(&format!("{taken} events were taken in"))).expect(&said);
    assert!(there > 3, "{there} of {all}");
    let imported = import(&file, &data).json_lines().remove(0);
    assert_eq!((&imported["imported"], &imported["digest"]), (&json!(all - there), &manifest["digest"]));
    assert_eq!(bare(events_in(&data)), bare(drive.events()));
    assert!(!data.join("events.import.db").exists());

    let (other, _) = busy().await;
    let foreign = place.path().join("other.ndjson");
    export(&other, &foreign, &[]).success();
    let refused = import(&foreign, &data);
    assert!(refused.code == Some(1) && refused.stderr.contains("empty log"), "{refused:?}");
    let running = Output::of(&mut drive.command(&["events", "import", file.to_str().unwrap()]));
    assert!(running.code == Some(1) && running.stderr.contains("running"), "{running:?}");
    assert!(cairn(&["events", "import", "--help"]).success().contains("Examples"));
}

#[tokio::test]
async fn an_import_that_was_interrupted_is_no_obstacle_to_another_one() {
    let ((drive, _), (other, _)) = (busy().await, busy().await);
    let place = tempfile::tempdir().unwrap();
    let (file, foreign, data) = (place.path().join("drive.ndjson"), place.path().join("other.ndjson"), place.path().join("data"));
    let manifest = export(&drive, &file, &[]).json_lines().remove(0);
    export(&other, &foreign, &[]).success();
    let cut = altered(&foreign, |bytes| bytes.truncate(bytes.len() / 2));
    assert_eq!(import(&cut, &data).code, Some(1));
    assert!(data.join("events.import.db").exists());
    let imported = import(&file, &data).json_lines().remove(0);
    assert_eq!((&imported["imported"], &imported["digest"]), (&manifest["events"], &manifest["digest"]));
    assert_eq!(bare(events_in(&data)), bare(drive.events()));
}
