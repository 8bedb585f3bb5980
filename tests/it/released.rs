//! Data directories of earlier releases, opened by this one. They never change; a new release adds its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use sha2::Digest;

use crate::harness::{Client, Drive, User, over, until_async};

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/data")
}

fn releases() -> Vec<String> {
    fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// What the drive of that release answered before it was stopped.
fn answers_of(release: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(directory().join(release).join("expected.json")).unwrap()).unwrap()
}

/// Its data, in a place of its own.
fn unpacked(release: &str) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    let archive = directory().join(release).join("data.tar.gz");
    let unpacked = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(place.path()).status().unwrap();
    assert!(unpacked.success());
    place
}

/// Nothing of it has become too old by now.
fn opened(data: &Path) -> Drive {
    Drive::on(
        data,
        &[("CAIRN_LIMITS__TRASH_EXPIRES_SECONDS", "9000000000"), ("CAIRN_LIMITS__VERSION_EXPIRES_SECONDS", "9000000000")],
    )
}

async fn signed_in(drive: &Drive, name: &str, answers: &Value) -> Client {
    let token = User::sign_in(&drive.client(), name, answers["password"].as_str().unwrap()).await;
    drive.client().with_token(&token)
}

async fn shown(client: &Client, path: &str) -> Value {
    client.get(path).send().await.expect(200).json()
}

/// The shares as the release showed them, without what it did not show.
fn without_later_fields(mut shares: Value) -> Value {
    for share in shares["items"].as_array_mut().unwrap() {
        share.as_object_mut().unwrap().remove("last_download_at");
    }
    shares
}

async fn assert_it_answers_as_before(drive: &Drive, answers: &Value) {
    let (alice, bob) = (signed_in(drive, "alice", answers).await, signed_in(drive, "bob", answers).await);
    assert_eq!(shown(&alice, "/file/query?limit=1000").await, answers["files"]);
    assert_eq!(shown(&alice, "/file/query?status=trashed").await, answers["trash"]);
    assert_eq!(shown(&alice, "/folder/query").await, answers["folders"]);
    assert_eq!(without_later_fields(shown(&alice, "/share/query").await), answers["shares"]);
    assert_eq!(shown(&bob, "/file/query").await, answers["bobs"]);
    let info = shown(&alice, "/user/info").await;
    for field in ["id", "signup_at", "used_bytes", "quota_bytes"] {
        assert_eq!(info[field], answers["info"][field], "{field}");
    }
    for file in answers["files"]["items"].as_array().unwrap() {
        let content = alice.get("/file/download").query("id", file["id"].as_str().unwrap()).send().await.expect(200).body;
        assert_eq!(hex::encode(sha2::Sha256::digest(&content)), file["sha256"].as_str().unwrap());
    }
}

/// The version of the rows of shares.
fn version_of_shares(drive: &Drive) -> u64 {
    let list = drive.cairn(&["projection", "list", "--json"]).success();
    let mut all = list.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.find(|one| one["name"] == "shares").unwrap()["version"].as_u64().unwrap()
}

#[tokio::test]
async fn the_data_of_every_release_is_opened_and_answers_as_it_did() {
    if over::servers() {
        return;
    }
    assert!(!releases().is_empty());
    for release in releases() {
        let place = unpacked(&release);
        let answers = answers_of(&release);
        let mut drive = opened(&place.path().join("data"));
        assert_it_answers_as_before(&drive, &answers).await;
        let well = || drive.cairn(&["projection", "status"]).code == Some(0);
        until_async("the rows are this program's", async || well().then_some(())).await;
        assert_it_answers_as_before(&drive, &answers).await;
        drive.stop();
        for verb in [&["projection", "verify"][..], &["events", "audit", "--deep"]] {
            let said = drive.cairn(verb);
            assert_eq!(said.code, Some(0), "{release}: {said:?}");
        }
    }
}

/// Something is in the way of the new tables, so that the old ones have to serve for as long as it takes to look.
#[tokio::test]
async fn tables_of_an_earlier_version_answer_and_are_followed_until_there_are_new_ones() {
    if over::servers() {
        return;
    }
    let place = unpacked("0.1.0");
    let (data, answers) = (place.path().join("data"), answers_of("0.1.0"));
    fs::create_dir(data.join("views.kept.db")).unwrap();
    let drive = opened(&data);
    assert_it_answers_as_before(&drive, &answers).await;
    assert_eq!(version_of_shares(&drive), 1);
    let alice = signed_in(&drive, "alice", &answers).await;
    let share = async || shown(&alice, "/share/query").await["items"][0].clone();
    assert_eq!((&share().await["downloads"], &share().await["last_download_at"]), (&json!(2), &Value::Null));
    let upload = alice.post("/file/upload").query("name", "new.txt").header("content-type", "application/octet-stream");
    let new = upload.body("new").send().await.expect(201).json();
    assert_eq!(shown(&alice, "/file/query").await["items"][0]["id"], new["id"], "what is written is read");
    let in_the_way = data.join("views.rebuild.db");
    until_async("the attempt has failed", async || in_the_way.is_dir().then_some(())).await;
    fs::remove_dir(&in_the_way).unwrap();
    until_async("the rows are made anew", async || (version_of_shares(&drive) == 2).then_some(())).await;
    let after = share().await;
    assert_eq!(after["downloads"], 2);
    assert!(after["last_download_at"].is_string(), "{after}");
    assert_eq!(shown(&alice, "/file/query").await["items"][0]["id"], new["id"]);
}
