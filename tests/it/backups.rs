//! A drive that is carried into a directory, and back out of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Drive, Output, User, command, content, over, sha256_hex};

/// Where backups go, and drives that come out of them.
struct Places {
    directory: TempDir,
}

impl Places {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn back_up(&self, drive: &Drive, more: &[&str]) -> Output {
        let backup = self.path("backup");
        drive.cairn(&[&["backup", backup.to_str().unwrap(), "--json"], more].concat())
    }

    fn restore(&self, data: &Path) -> Output {
        Output::of(command().arg("restore").arg(self.path("backup")).arg("--json").arg("--data").arg(data))
    }

    /// A blob of the backup.
    fn blob(&self, sha256: &str) -> PathBuf {
        self.path("backup").join("blobs").join(&sha256[..2]).join(sha256)
    }
}

fn audit(data: &Path) -> Output {
    Output::of(command().args(["events", "audit", "--deep", "--json"]).arg("--data").arg(data))
}

async fn upload(user: &User, seeds: std::ops::Range<u64>) {
    for seed in seeds {
        user.upload(&format!("文件 {seed}.bin"), &content(seed, 5_000)).await;
    }
}

/// The names and hashes of what somebody sees, as they can be downloaded.
async fn everything(user: &User) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for file in user.list("limit=200").await {
        let bytes = user.get("/file/download").query("id", &file.id).send().await.expect(200).body;
        assert_eq!(sha256_hex(&bytes), file.sha256);
        all.push((file.name, file.sha256));
    }
    all.sort();
    all
}

#[tokio::test]
async fn a_restored_drive_has_everything_and_its_audit_is_clean() {
    let (drive, places) = (Drive::start(), Places::new());
    let user = drive.user().await;
    upload(&user, 0..5).await;
    let link =
        user.post("/file/downloadurl").json(&json!({ "id": user.list("limit=1").await[0].id })).send().await.expect(200).json();
    let made = places.back_up(&drive, &[]).json_lines().remove(0);
    assert_eq!((&made["contents"], &made["contents_written"]), (&json!(5), &json!(5)));
    assert_eq!(made["events"], drive.events().len());

    upload(&user, 3..8).await;
    let made = places.back_up(&drive, &[]).json_lines().remove(0);
    assert_eq!((&made["contents"], &made["contents_written"]), (&json!(8), &json!(3)), "only what is new");
    assert_eq!(places.back_up(&drive, &["--verify"]).json_lines()[0]["contents"], 8);
    let before = everything(&user).await;
    upload(&user, 20..21).await;

    let data = places.path("restored");
    let restored = places.restore(&data).json_lines().remove(0);
    assert_eq!((&restored["events"], &restored["digest"]), (&made["events"], &made["digest"]));
    let audited = audit(&data);
    assert_eq!(audited.code, Some(0), "{audited:?}");
    let again = places.restore(&data).json_lines().remove(0);
    assert_eq!((&again["events_written"], &again["copies_written"]), (&json!(0), &json!(0)), "a restore may be repeated");
    let other = Drive::embedded_on(&data);
    let user = user.back_on(&other);
    assert_eq!(everything(&user).await, before);
    let url = link["url"].as_str().unwrap();
    let path = &url[url.find("/file/").unwrap_or_else(|| panic!("{url}"))..];
    if !over::servers() {
        other.client().get(path).send().await.expect(200);
    }
    upload(&user, 30..31).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_while_people_work_is_the_drive_at_one_moment() {
    let (drive, places) = (Drive::start(), Places::new());
    let user = drive.user().await;
    upload(&user, 0..3).await;
    let busy = user.clone();
    let working = tokio::spawn(async move {
        for seed in 100..150_u64 {
            let file = busy.upload(&format!("{seed}.bin"), &content(seed, 2_000)).await;
            if seed % 3 == 0 {
                busy.post("/file/delete").json(&json!({ "id": file.id, "purge": true })).send().await.expect(204);
            }
        }
    });
    let mut made = 0;
    while !working.is_finished() || made == 0 {
        tokio::task::block_in_place(|| places.back_up(&drive, &[]).success());
        made += 1;
        let data = places.path(&format!("restored {made}"));
        tokio::task::block_in_place(|| places.restore(&data).success());
        let audited = tokio::task::block_in_place(|| audit(&data));
        assert_eq!(audited.code, Some(0), "{audited:?}");
    }
    working.await.unwrap();
}

#[tokio::test]
async fn a_backup_that_is_damaged_is_noticed_and_mended_by_the_next() {
    let (drive, places) = (Drive::start(), Places::new());
    let user = drive.user().await;
    upload(&user, 0..4).await;
    let files = user.list("limit=10").await;
    places.back_up(&drive, &[]).success();
    let (damaged, missing) = (places.blob(&files[0].sha256), places.blob(&files[1].sha256));
    let mut bytes = fs::read(&damaged).unwrap();
    bytes[9] ^= 1;
    fs::remove_file(&damaged).unwrap();
    fs::write(&damaged, &bytes).unwrap();
    fs::remove_file(&missing).unwrap();
    let data = places.path("restored");
    let lacking = places.restore(&data);
    assert!(lacking.code == Some(3) && lacking.stderr.contains(&files[0].sha256), "{lacking:?}");
    assert_eq!(missing_in(&lacking), [&files[0].sha256, &files[1].sha256].into_iter().cloned().collect());
    assert_eq!(audit(&data).code, Some(3));

    let named = BTreeSet::from([files[0].sha256.clone(), files[1].sha256.clone()]);
    for more in [&["--verify"][..], &["--verify"], &["--verify", "--yes"]] {
        assert_eq!(fs::read(&damaged).unwrap(), bytes, "nothing is removed before a yes");
        let verified = places.back_up(&drive, more);
        assert_eq!((verified.code, missing_in(&verified)), (Some(3), named.clone()), "{verified:?}");
        assert_eq!(verified.stderr.contains("With --yes"), more.len() == 1, "{verified:?}");
    }
    assert!(!damaged.exists());

    assert_eq!(places.back_up(&drive, &[]).json_lines()[0]["contents_written"], 2);
    places.back_up(&drive, &["--verify"]).success();
    assert_eq!(places.restore(&data).json_lines()[0]["copies_written"], 2, "what was missing is put in afterwards");
    assert_eq!(audit(&data).code, Some(0));
}

#[tokio::test]
async fn one_directory_takes_one_backup_at_a_time() {
    let (drive, places) = (Drive::start(), Places::new());
    upload(&drive.user().await, 0..1).await;
    places.back_up(&drive, &[]).success();
    let other = fs::File::open(places.path("backup")).unwrap();
    other.lock().unwrap();
    let refused = places.back_up(&drive, &[]);
    assert!(refused.code == Some(1) && refused.stderr.contains("under way"), "{refused:?}");
    drop(other);
    places.back_up(&drive, &["--verify"]).success();
    places.back_up(&drive, &[]).success();
}

#[test]
fn a_store_that_is_not_configured_is_told_with_what_to_do() {
    let places = Places::new();
    let data = places.path("data");
    let cairn = |arguments: &[&str]| Output::of(command().args(arguments).arg("--data").arg(&data));
    cairn(&["bench", "generate", "--events", "3000"]).success();
    let refused = cairn(&["backup", places.path("backup").to_str().unwrap()]);
    assert!(refused.code == Some(1) && refused.stderr.contains("[stores.far]"), "{refused:?}");
}

/// What a backup or a restore names as missing.
fn missing_in(output: &Output) -> BTreeSet<String> {
    let told: Value = serde_json::from_str(output.stdout.lines().last().unwrap()).unwrap();
    told["missing"].as_array().unwrap().iter().map(|one| one["sha256"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_backup_that_was_not_finished_leaves_the_one_before_it_as_good_as_it_was() {
    let (drive, places) = (Drive::start(), Places::new());
    let user = drive.user().await;
    upload(&user, 0..3).await;
    let made = places.back_up(&drive, &[]).json_lines().remove(0);
    let (note, log) = (places.path("backup").join("backup.json"), places.path("backup").join("events.ndjson.zst"));
    let noted = fs::read(&note).unwrap();
    upload(&user, 3..6).await;
    places.back_up(&drive, &[]).success();
    // What a kill leaves behind: the older note beside a log that has more, at first whole, then cut off.
    fs::write(&note, &noted).unwrap();
    let whole = fs::read(&log).unwrap();
    for (number, kept) in [whole.len(), whole.len() - 5].into_iter().enumerate() {
        fs::write(&log, &whole[..kept]).unwrap();
        let verified = places.back_up(&drive, &["--verify"]).json_lines().remove(0);
        assert_eq!((&verified["events"], &verified["digest"]), (&made["events"], &made["digest"]));
        let data = places.path(&format!("restored {number}"));
        let restored = places.restore(&data).json_lines().remove(0);
        assert_eq!((&restored["events"], &restored["contents"]), (&made["events"], &json!(3)));
        let audited = audit(&data);
        assert_eq!(audited.code, Some(0), "{audited:?}");
        assert_eq!(places.restore(&data).json_lines()[0]["events_written"], 0);
    }
    let other = String::from_utf8(noted).unwrap().replace(made["digest"].as_str().unwrap(), &sha256_hex(b"another"));
    fs::write(&note, other).unwrap();
    let refused = places.restore(&places.path("nowhere"));
    assert!(refused.code == Some(1) && refused.stderr.contains("another digest"), "{refused:?}");
    assert!(!places.path("nowhere").exists());
    assert_eq!(places.back_up(&drive, &[]).json_lines()[0]["contents"], 6, "the next one is whole again");
    places.back_up(&drive, &["--verify"]).success();
}

#[tokio::test]
async fn a_drive_that_has_lost_a_content_is_backed_up_without_it() {
    let (drive, places) = (Drive::start(), Places::new());
    let user = drive.user().await;
    upload(&user, 0..3).await;
    let lost = user.list("limit=1").await[0].sha256.clone();
    let lies = drive.files_in("blobs").into_iter().find(|path| path.ends_with(&lost)).unwrap();
    fs::remove_file(lies).unwrap();
    let named = BTreeSet::from([lost.clone()]);
    for more in [&[][..], &[], &["--verify"]] {
        let made = places.back_up(&drive, more);
        assert_eq!((made.code, missing_in(&made)), (Some(3), named.clone()), "{made:?}");
    }
    let note: Value = serde_json::from_slice(&fs::read(places.path("backup").join("backup.json")).unwrap()).unwrap();
    assert_eq!((&note["missing"], &note["contents"]), (&json!([lost]), &json!(3)));
    let data = places.path("restored");
    let restored = places.restore(&data);
    assert_eq!((restored.code, missing_in(&restored)), (Some(3), named), "{restored:?}");
    let audited = audit(&data);
    assert!(audited.code == Some(3) && audited.stdout.contains(&lost), "{audited:?}");
    assert_eq!(audited.stdout.matches("\"lost\"").count(), 1, "{audited:?}");
}

#[tokio::test]
async fn nothing_is_restored_where_the_log_can_not_be_used() {
    let (drive, places) = (Drive::start(), Places::new());
    upload(&drive.user().await, 0..2).await;
    places.back_up(&drive, &[]).success();
    let data = places.path("other");
    let mut other = Drive::embedded_on(&data);
    other.user().await;
    other.stop();
    fs::remove_file(data.join("secret")).unwrap();
    let refused = places.restore(&data);
    assert!(refused.code == Some(1) && refused.stderr.contains("empty log"), "{refused:?}");
    assert!(!data.join("secret").exists() && other.files_in("blobs").is_empty(), "nothing was written");

    let used = places.path("used");
    places.restore(&used).success();
    let mut again = Drive::embedded_on(&used);
    again.user().await;
    again.stop();
    let refused = places.restore(&used);
    assert!(refused.code == Some(1) && refused.stderr.contains("used since"), "{refused:?}");

    let away = places.path("away");
    let mut asked = command();
    asked.arg("restore").arg(places.path("backup")).arg("--data").arg(&away);
    let unreachable = Output::of(asked.env("CAIRN_LOG__URL", "mysql://nobody@127.0.0.1:9/none"));
    assert!(unreachable.code.is_some_and(|code| code != 0), "{unreachable:?}");
    assert!(!away.join("secret").exists() && !away.join("blobs").exists(), "nothing was written");
}

#[tokio::test]
async fn a_backup_is_not_put_into_what_it_is_a_backup_of() {
    let drive = Drive::start();
    drive.user().await;
    for place in ["a/bk", "bk", "absent/../a/bk"] {
        let refused = drive.cairn(&["backup", drive.data().join(place).to_str().unwrap()]);
        assert!(refused.code == Some(1) && refused.stderr.contains("drive's own"), "{refused:?}");
    }
    assert!(!drive.data().join("a").exists() && !drive.data().join("bk").exists());
}

#[tokio::test]
async fn what_is_no_backup_and_what_is_no_empty_drive_are_refused() {
    let (drive, places) = (Drive::start(), Places::new());
    let user = drive.user().await;
    upload(&user, 0..1).await;
    let absent = places.restore(&places.path("data"));
    assert!(absent.code == Some(1) && absent.stderr.contains("no whole backup"), "{absent:?}");
    fs::create_dir(places.path("backup")).unwrap();
    fs::write(places.path("backup").join("holiday.jpg"), b"a picture").unwrap();
    let refused = places.back_up(&drive, &[]);
    assert!(refused.code == Some(1) && refused.stderr.contains("empty directory"), "{refused:?}");
    fs::remove_file(places.path("backup").join("holiday.jpg")).unwrap();
    places.back_up(&drive, &[]).success();

    let other = Drive::start();
    other.user().await;
    let refused = places.back_up(&other, &[]);
    assert!(refused.code == Some(1) && refused.stderr.contains("not written from this log"), "{refused:?}");
    let mut other = Drive::embedded_on(&places.path("other"));
    let running = places.restore(other.data());
    assert!(running.code == Some(1) && running.stderr.contains("running"), "{running:?}");
    other.user().await;
    other.stop();
    let refused = places.restore(other.data());
    assert!(refused.code == Some(1) && refused.stderr.contains("empty log"), "{refused:?}");
    let note: Value = serde_json::from_slice(&fs::read(places.path("backup").join("backup.json")).unwrap()).unwrap();
    assert_eq!(note["contents"], 1);
}
