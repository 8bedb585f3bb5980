//! Nobody gets beyond what they may hold.

use futures_util::future::join_all;
use serde_json::json;

use crate::harness::{Drive, User, content, until_async};

/// A drive with an operator.
async fn scene() -> (Drive, User) {
    let drive = Drive::start();
    let operator = drive.user_called("operator").await;
    drive.cairn(&["user", "grant", "operator", "admin"]).success();
    until_async("the role counts", async || (operator.get("/admin/events").send().await.status == 200).then_some(())).await;
    (drive, operator)
}

async fn allow(operator: &User, user: &User, bytes: u64) {
    let wish = json!({ "username": user.name, "quota_bytes": bytes });
    operator.post("/admin/users/quota").json(&wish).send().await.expect(200);
}

#[tokio::test]
async fn sixty_four_uploads_at_once_stay_within_the_quota_to_the_byte() {
    let (drive, operator) = scene().await;
    let user = drive.user().await;
    allow(&operator, &user, 10_000).await;
    let uploads = (0..64).map(|number| user.raw_upload(&format!("{number}.bin"), content(number, 300)).send());
    let answers = join_all(uploads).await;
    let stored = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(stored, 33);
    for refused in answers.into_iter().filter(|answer| answer.status != 201) {
        refused.problem(413, "quota_exceeded");
    }
    assert_eq!(user.info().await["used_bytes"], 9_900);
    user.upload("rest.bin", &content(99, 100)).await;
    user.raw_upload("more.bin", "x").send().await.problem(413, "quota_exceeded");
    user.upload("empty.bin", b"").await;
    let info = user.info().await;
    assert_eq!((&info["used_bytes"], &info["quota_bytes"]), (&json!(10_000), &json!(10_000)));
}

#[tokio::test]
async fn every_way_in_keeps_to_the_quota() {
    let (drive, operator) = scene().await;
    let (user, friend) = (drive.user().await, drive.user().await);
    let file = user.upload("a.bin", &content(1, 600)).await;
    allow(&operator, &user, 1_000).await;
    let wish = json!({ "name": "b.bin", "size": 500 });
    user.post("/file/mpupload/init").json(&wish).send().await.problem(413, "quota_exceeded");
    let wish = json!({ "sha256": file.sha256, "size": 600, "name": "copy.bin" });
    user.post("/file/fastupload").json(&wish).send().await.problem(413, "quota_exceeded");
    user.raw_upload("c.bin", content(2, 500)).query("replace_id", &file.id).send().await.problem(413, "quota_exceeded");
    let theirs = friend.upload("d.bin", &content(3, 500)).await;
    let share = friend.post("/share/create").json(&json!({ "file_id": theirs.id })).send().await.expect(201).json();
    let save = || user.post("/share/save").json(&json!({ "token": share["token"] })).send();
    save().await.problem(413, "quota_exceeded");
    // An upload in parts holds what it will need, and gives it back when it is cancelled.
    let upload = user.init(&json!({ "name": "e.bin", "size": 400 })).await;
    user.raw_upload("f.bin", "x").send().await.problem(413, "quota_exceeded");
    user.cancel(&upload.upload_id).await.expect(204);
    user.upload("f.bin", &content(4, 400)).await;
    // The trash counts until it is emptied.
    user.post("/file/delete").json(&json!({ "id": file.id })).send().await.expect(200);
    save().await.problem(413, "quota_exceeded");
    user.post("/file/delete").json(&json!({ "id": file.id, "purge": true })).send().await.expect(204);
    save().await.expect(201);
    assert_eq!(user.info().await["used_bytes"], 900);
}

#[tokio::test]
async fn a_kill_loses_no_space() {
    let (mut drive, operator) = scene().await;
    let user = drive.user().await;
    allow(&operator, &user, 1_000).await;
    user.init(&json!({ "name": "open.bin", "size": 300 })).await;
    user.upload("a.bin", &content(1, 300)).await;
    drive.kill();
    drive.start_again();
    let user = user.back_on(&drive);
    user.raw_upload("b.bin", content(2, 401)).send().await.problem(413, "quota_exceeded");
    user.upload("b.bin", &content(2, 400)).await;
    let open = user.open_uploads().await.remove(0);
    user.part(&open.upload_id, 1, content(3, 300)).send().await.expect(200);
    user.complete(&open.upload_id).await.expect(201);
    assert_eq!(user.info().await["used_bytes"], 1_000);
    user.raw_upload("c.bin", "x").send().await.problem(413, "quota_exceeded");
}
