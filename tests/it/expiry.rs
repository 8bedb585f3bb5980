//! Uploads that nobody finishes end by themselves, and their space comes back.

use serde_json::json;

use crate::harness::{Drive, until, until_async};

#[tokio::test]
async fn an_upload_that_nobody_finishes_expires_and_gives_its_space_back() {
    let drive = Drive::with(&[("CAIRN_LIMITS__UPLOAD_EXPIRES_SECONDS", "2")]);
    let user = drive.user().await;
    let wish = json!({ "name": "forgotten.bin", "size": 1_000_000, "part_size": 500_000 });
    let upload = user.init(&wish).await;
    user.part(&upload.upload_id, 1, vec![1; 500_000]).send().await.expect(200);
    assert!(!drive.files_in("staging").is_empty());
    let ended = until_async("the upload expires", async || {
        let status = user.status(&upload.upload_id).await;
        (status.state == "expired").then_some(status)
    })
    .await;
    assert_eq!(ended.file, None);
    until("its space is back", || drive.files_in("staging").is_empty().then_some(()));
    assert_eq!(user.open_uploads().await, []);
    user.part(&upload.upload_id, 2, vec![1; 500_000]).send().await.problem(409, "upload_closed");
    user.complete(&upload.upload_id).await.problem(409, "upload_closed");
    assert_ne!(user.init(&wish).await.upload_id, upload.upload_id, "a new one can be started");
}

#[tokio::test]
async fn every_part_gives_an_upload_more_time() {
    let drive = Drive::start();
    let user = drive.user().await;
    let upload = user.init(&json!({ "name": "slow.bin", "size": 10, "part_size": 5 })).await;
    user.part(&upload.upload_id, 2, "67890").send().await.expect(200);
    let later = user.status(&upload.upload_id).await;
    assert!(later.expires_at > upload.expires_at, "{} is not after {}", later.expires_at, upload.expires_at);
    assert_eq!(user.open_uploads().await[0].expires_at, later.expires_at);
}

#[tokio::test]
async fn the_trash_empties_itself() {
    let drive = Drive::with(&[("CAIRN_LIMITS__TRASH_EXPIRES_SECONDS", "1")]);
    let user = drive.user().await;
    let (file, kept) = (user.upload("a.txt", b"hello").await, user.upload("b.txt", b"hello").await);
    let folder = user.post("/folder/create").json(&json!({ "name": "old" })).send().await.expect(201).json();
    user.post("/file/delete").json(&json!({ "id": file.id })).send().await.expect(200);
    user.post("/folder/delete").json(&json!({ "id": folder["id"] })).send().await.expect(200);
    until_async("the trash is empty", async || {
        let folders: Vec<serde_json::Value> = user.pages("/folder/query?status=trashed").await;
        (user.list("status=trashed").await.is_empty() && folders.is_empty()).then_some(())
    })
    .await;
    assert_eq!(user.list("").await, [kept]);
    user.get("/file/meta").query("id", &file.id).send().await.problem(404, "not_found");
}
