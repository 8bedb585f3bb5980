//! Whoever changes something sees it at once, also from another connection when they name the position.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{Drive, File, shared};

#[tokio::test]
async fn whoever_writes_reads_it_without_asking() {
    let user = shared().user().await;
    for n in 0..30_u64 {
        let file = user.upload(&format!("{n}.txt"), n.to_string().as_bytes()).await;
        assert_eq!(user.list("limit=1").await.len() as u64 + user.list("").await.len() as u64, 2 * n + 2);
        let name = format!("{n}-renamed.txt");
        user.post("/file/update").json(&json!({ "id": file.id, "name": name })).send().await.expect(200);
        let meta: File = user.get("/file/meta").query("id", &file.id).send().await.expect(200).read_as();
        assert_eq!(meta.name, name);
    }
}

#[tokio::test]
async fn positions_grow_and_a_read_may_ask_for_one() {
    let user = shared().user().await;
    let mut before = 0;
    for n in 0..10 {
        let answer = user.raw_upload(&format!("{n}.txt"), n.to_string()).send().await.expect(201);
        let position = answer.position();
        assert!(position > before);
        before = position;
        let other = user.another_session().await;
        let list = other.get("/file/query").header("cairn-min-position", position).send().await.expect(200);
        assert_eq!(list.items().len(), n + 1);
    }
}

#[tokio::test]
async fn every_command_answers_with_its_position() {
    let drive = shared();
    let client = drive.client();
    let credentials = json!({ "username": "positioned", "password": "a good password" });
    let mut positions = vec![client.post("/user/signup").json(&credentials).send().await.expect(201).position()];
    let session = client.post("/user/signin").json(&credentials).send().await.expect(200);
    positions.push(session.position());
    let user = client.with_token(session.json()["token"].as_str().unwrap());
    let post = |path: &str, body: serde_json::Value| user.post(path).json(&body).send();
    let upload =
        user.post("/file/upload").query("name", "a").header("content-type", "text/plain").body("a").send().await.expect(201);
    positions.push(upload.position());
    let id = json!({ "id": upload.json()["id"] });
    positions.push(post("/file/update", json!({ "id": upload.json()["id"], "name": "b" })).await.expect(200).position());
    positions.push(post("/file/delete", id.clone()).await.expect(200).position());
    positions.push(post("/file/restore", id.clone()).await.expect(200).position());
    let init = post("/file/mpupload/init", json!({ "name": "c", "size": 0 })).await.expect(201);
    positions.push(init.position());
    let upload_id = json!({ "upload_id": init.json()["upload_id"] });
    positions.push(post("/file/mpupload/complete", upload_id).await.expect(201).position());
    positions.push(post("/file/delete", json!({ "id": upload.json()["id"], "purge": true })).await.expect(204).position());
    positions.push(user.post("/user/signout").send().await.expect(204).position());
    assert!(positions.is_sorted_by(|earlier, later| earlier < later), "{positions:?}");
}

/// It would be waited for in vain, so nobody waits.
#[tokio::test]
async fn a_position_beyond_the_end_of_the_log_is_refused_at_once() {
    let mut drive = Drive::with(&[("CAIRN_VIEWS__WAIT_MILLISECONDS_MAX", "60000")]);
    let user = drive.user().await;
    let last = user.raw_upload("a.txt", "a").send().await.expect(201).position();
    let began = Instant::now();
    for beyond in [last + 1_000, 1_000_000_000, u64::MAX] {
        for path in ["/file/query", "/user/info", "/folder/query", "/share/query", "/offline/query", "/file/mpupload/query"] {
            user.get(path).header("cairn-min-position", beyond).try_send().await.unwrap().invalid("Cairn-Min-Position");
        }
    }
    assert!(began.elapsed() < Duration::from_secs(10), "nobody waits: {:?}", began.elapsed());
    user.get("/file/query").header("cairn-min-position", last).send().await.expect(200);
    assert!(drive.stop().success());
    let log = drive.log();
    assert!(!log.contains("ERROR"), "{log}");
}
