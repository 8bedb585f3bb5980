//! What an audit finds, and that it finds nothing where nothing is wrong.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{Drive, content, over, until_async};

/// The findings, and what was looked at.
fn audit(drive: &Drive, more: &[&str]) -> (Option<i32>, Vec<Value>, Value) {
    let output = drive.cairn(&[&["events", "audit", "--json"], more].concat());
    let mut lines: Vec<Value> = output.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let looked = lines.pop().unwrap_or_else(|| panic!("{output:?}"));
    (output.code, lines, looked)
}

fn codes(findings: &[Value]) -> Vec<&str> {
    findings.iter().map(|finding| finding["finding"].as_str().unwrap()).collect()
}

/// How far digests are kept, as the drive says itself.
async fn digested(drive: &Drive) -> u64 {
    let metrics = drive.client().get("/metrics").send().await.expect(200).body;
    let metrics = String::from_utf8(metrics).unwrap();
    let value = metrics.lines().find_map(|line| line.strip_prefix("cairn_log_digested_position "));
    value.map_or(0, |value| value.parse().unwrap())
}

async fn busy() -> Drive {
    let drive = Drive::start();
    let user = drive.user().await;
    for n in 0..6_u64 {
        let file = user.upload(&format!("{n}.txt"), &content(n, 400)).await;
        if n == 0 {
            user.post("/file/delete").json(&json!({ "id": file.id, "purge": true })).send().await.expect(204);
        }
    }
    drive
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drive_as_it_should_be_passes_also_while_it_is_written_to() {
    let drive = busy().await;
    let (code, findings, looked) = audit(&drive, &["--deep"]);
    assert_eq!((code, findings), (Some(0), Vec::new()));
    assert_eq!(looked["log"]["events"], drive.events().len());
    assert_eq!((&looked["contents"]["copies"], &looked["contents"]["bytes_read"]), (&json!(6), &json!(2400)));
    let said = drive.cairn(&["events", "audit"]).success();
    assert!(said.contains("all is as it should be") && said.contains("--expect"), "{said}");

    let user = drive.user().await;
    let writing = tokio::spawn(async move {
        for n in 100..160 {
            user.upload(&format!("{n}.txt"), &content(n, 300)).await;
        }
    });
    while !writing.is_finished() {
        let (code, findings, _) = tokio::task::block_in_place(|| audit(&drive, &[]));
        assert_eq!((code, findings), (Some(0), Vec::new()));
    }
    writing.await.unwrap();
}

#[tokio::test]
async fn an_event_that_was_altered_behind_the_drives_back_is_named() {
    let drive = busy().await;
    let events = drive.events();
    let told = audit(&drive, &[]).2["log"].clone();
    let digest = format!("{}:{}", told["events"], told["digest"].as_str().unwrap());
    drive.user().await;
    assert_eq!(audit(&drive, &["--expect", &digest]).0, Some(0));
    let altered = events.iter().find(|event| event["type"] == "FileAdded").unwrap();
    let position = altered["position"].as_u64().unwrap();
    // What was appended a moment ago is digested a moment later.
    until_async("its digest is kept", async || (digested(&drive).await >= position).then_some(())).await;
    over::tamper(drive.data(), &format!("UPDATE events SET data = REPLACE(data, '.txt', '.exe') WHERE position = {position}"));
    let (code, findings, _) = audit(&drive, &["--expect", &digest]);
    assert_eq!(code, Some(3));
    assert_eq!(codes(&findings), ["altered", "other_digest"], "{findings:?}");
    assert_eq!(findings[0]["position"], position);
    let said = drive.cairn(&["events", "audit", "--no-blobs"]);
    assert!(said.stdout.contains(&format!("position {position}: the log was altered")), "{said:?}");
}

#[tokio::test]
async fn an_audit_says_how_far_it_could_compare() {
    let mut drive = busy().await;
    let events = drive.events();
    let last = events.last().unwrap()["position"].as_u64().unwrap();
    until_async("its digest is kept", async || (digested(&drive).await >= last).then_some(())).await;
    drive.stop();
    let (_, _, looked) = audit(&drive, &["--no-blobs"]);
    assert_eq!((&looked["log"]["compared"], &looked["log"]["events"]), (&json!(events.len()), &json!(events.len())));
    over::tamper(drive.data(), "DELETE FROM log_digest");
    assert_eq!(audit(&drive, &["--no-blobs"]).2["log"]["compared"], 0);
    let said = drive.cairn(&["events", "audit", "--no-blobs"]).success();
    assert!(said.contains("None of them was compared"), "{said}");
}

#[tokio::test]
async fn positions_that_were_changed_are_told() {
    let mut drive = busy().await;
    drive.stop();
    over::tamper(drive.data(), "UPDATE events SET position = position + 1000 WHERE position > 5");
    if over::servers() {
        // There, a row of its own says where the log ends.
        over::tamper(drive.data(), "UPDATE log_head SET position = position + 1000");
    }
    let (code, findings, _) = audit(&drive, &["--no-blobs"]);
    assert_eq!((code, codes(&findings)), (Some(3), vec!["hole"]), "{findings:?}");
    assert_eq!(findings[0]["position"], 1006);
}

/// In a database the column makes any id as long as ids are.
#[tokio::test]
async fn what_is_no_event_is_told_and_passed_over() {
    if over::servers() {
        return;
    }
    let mut drive = busy().await;
    let events = drive.events();
    drive.stop();
    let added = events.iter().rev().find(|event| event["type"] == "FileAdded").unwrap();
    let position = added["position"].as_u64().unwrap();
    over::tamper(drive.data(), &format!("UPDATE events SET id = x'00' WHERE position = {position}"));
    let (code, findings, looked) = audit(&drive, &[]);
    assert_eq!((code, codes(&findings), &findings[0]["position"]), (Some(3), vec!["no_event"], &json!(position)), "{findings:?}");
    assert_eq!(looked["log"]["events"], events.len() - 1, "all the others");
}

#[tokio::test]
async fn contents_that_are_missing_wrong_or_too_many_are_told() {
    if over::servers() {
        return;
    }
    let drive = busy().await;
    let blobs = drive.files_in("blobs");
    assert!(blobs.len() >= 5, "{blobs:?}");
    let name = |index: usize| blobs[index].file_name().unwrap().to_str().unwrap().to_owned();
    let intact = fs::read(&blobs[2]).unwrap();
    fs::remove_file(&blobs[0]).unwrap();
    let mut bytes = fs::read(&blobs[1]).unwrap();
    bytes.pop();
    fs::write(&blobs[1], &bytes).unwrap();
    let mut damaged = intact.clone();
    damaged[7] ^= 1;
    fs::write(&blobs[2], &damaged).unwrap();
    let stranger = "ab".repeat(32);
    let directory = blobs[3].parent().unwrap().parent().unwrap();
    fs::create_dir_all(directory.join("ab")).unwrap();
    fs::write(directory.join("ab").join(&stranger), b"stranger").unwrap();
    let (code, findings, _) = audit(&drive, &[]);
    assert_eq!(code, Some(3));
    let mut found: Vec<_> = codes(&findings);
    found.sort_unstable();
    assert_eq!(found, ["lost", "orphan", "size"], "{findings:?}");
    let (_, findings, _) = audit(&drive, &["--deep"]);
    let message = |code: &str| findings.iter().find(|finding| finding["finding"] == code).unwrap()["message"].as_str().unwrap();
    assert!(message("damaged").contains(&name(2)) && message("lost").contains(&name(0)) && message("size").contains(&name(1)));
    assert!(message("orphan").contains(&stranger));
}
