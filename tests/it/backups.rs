//! A drive that is carried into a directory, and back out of it.

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
    let refused = places.restore(&data);
    assert!(refused.code == Some(1) && refused.stderr.contains(&files[0].sha256), "{refused:?}");
    assert!(!data.join("events.db").exists(), "without its contents there is no drive");

    let verified = places.back_up(&drive, &["--verify"]);
    assert_eq!(verified.code, Some(1), "{verified:?}");
    assert!(verified.stdout.contains(&files[0].sha256) && verified.stdout.contains(&files[1].sha256), "{verified:?}");

    assert_eq!(places.back_up(&drive, &[]).json_lines()[0]["contents_written"], 2);
    places.back_up(&drive, &["--verify"]).success();
    places.restore(&data).success();
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
