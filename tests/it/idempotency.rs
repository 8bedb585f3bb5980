//! `Idempotency-Key` on every POST: a retry returns the first answer and changes nothing; the same key for something else is
//! refused.

use reqwest::Method;
use serde_json::{Value, json};
use sha2::Digest;

use crate::harness::{Answer, Call, Client, Drive, PASSWORD, User, content, sha256_hex};

/// One call that changes something, and the same path with something else in it.
struct Case {
    first: Box<dyn Fn() -> Call>,
    different: Option<Box<dyn Fn() -> Call>>,
    status: u16,
}

fn case(status: u16, first: impl Fn() -> Call + 'static, different: impl Fn() -> Call + 'static) -> Case {
    Case { first: Box::new(first), different: Some(Box::new(different)), status }
}

fn json_case(client: &Client, path: &'static str, status: u16, body: Value, different: Value) -> Case {
    let (client, again) = (client.clone(), client.clone());
    case(status, move || client.post(path).json(&body), move || again.post(path).json(&different))
}

/// A retry gives the same answer and adds no event; another request under the key is refused and adds none either.
async fn check(drive: &Drive, key: &str, case: Case) -> Answer {
    let first = (case.first)().header("idempotency-key", key).send().await.expect(case.status);
    let events = drive.events();
    for _ in 0..2 {
        let again = (case.first)().header("idempotency-key", key).send().await.expect(case.status);
        assert_eq!(String::from_utf8_lossy(&again.body), String::from_utf8_lossy(&first.body), "{key}");
        assert_eq!(again.header("cairn-position"), first.header("cairn-position"), "{key}");
    }
    if let Some(different) = &case.different {
        let refused = different().header("idempotency-key", key).send().await;
        refused.problem(422, "idempotency_key_reused");
    }
    assert_eq!(drive.events().len(), events.len(), "{key}");
    first
}

#[tokio::test]
async fn accounts() {
    let drive = Drive::start();
    let client = drive.client();
    let credentials = json!({ "username": "keyed", "password": PASSWORD });
    let other = json!({ "username": "keyed-other", "password": PASSWORD });
    check(&drive, "up", json_case(&client, "/user/signup", 201, credentials.clone(), other)).await;
    let somebody = json!({ "username": "somebody", "password": PASSWORD });
    client.post("/user/signup").json(&somebody).send().await.expect(201);
    let session = check(&drive, "in", json_case(&client, "/user/signin", 200, credentials.clone(), somebody)).await.json();
    // A guess under a used key is told nothing but that it is wrong.
    let guess = json!({ "username": "keyed", "password": "something else" });
    let guessed = client.post("/user/signin").header("idempotency-key", "in").json(&guess).send().await;
    guessed.problem(401, "bad_credentials");
    let user = client.with_token(session["token"].as_str().unwrap());
    user.get("/user/info").send().await.expect(200);
    let change = json!({ "old_password": PASSWORD, "new_password": "a new password" });
    let different = json!({ "old_password": PASSWORD, "new_password": "another password" });
    check(&drive, "password", json_case(&user, "/user/password", 204, change, different)).await;
    user.post("/user/signout").header("idempotency-key", "out").send().await.expect(204);
    let again = user.post("/user/signout").header("idempotency-key", "out").send().await;
    assert!(matches!(again.status, 204 | 401), "{again:?}");
}

#[tokio::test]
async fn whole_uploads() {
    let drive = Drive::start();
    let user = drive.user().await;
    let bytes = content(71, 300_000);
    let raw = |user: User, name: &'static str, bytes: Vec<u8>| move || user.raw_upload(name, bytes.clone());
    let first = raw(user.clone(), "a.bin", bytes.clone());
    check(&drive, "raw-name", case(201, first.clone(), raw(user.clone(), "b.bin", bytes.clone()))).await;
    check(&drive, "raw-bytes", case(201, first, raw(user.clone(), "a.bin", content(72, 300_000)))).await;
    let form = |user: User, name: &'static str| {
        move || {
            let part = reqwest::multipart::Part::bytes(content(73, 1_000)).file_name(name);
            user.post("/file/upload").form(reqwest::multipart::Form::new().part("file", part))
        }
    };
    check(&drive, "form", case(201, form(user.clone(), "a.bin"), form(user.clone(), "b.bin"))).await;
    assert_eq!(user.list("").await.len(), 3);
    assert_eq!(drive.files_in("staging").len(), 0);
    assert_eq!(drive.files_in("blobs").len(), 2);
}

#[tokio::test]
async fn entries() {
    let drive = Drive::start();
    let user = drive.user().await;
    let (a, b) = (user.upload("a.txt", b"a").await, user.upload("b.txt", b"b").await);
    let by_id = |path, status, body: Value| {
        let mut different = body.clone();
        different["id"] = json!(b.id);
        json_case(&user, path, status, body, different)
    };
    check(&drive, "link", by_id("/file/downloadurl", 200, json!({ "id": a.id }))).await;
    check(&drive, "update", by_id("/file/update", 200, json!({ "id": a.id, "name": "c.txt" }))).await;
    check(&drive, "trash", by_id("/file/delete", 200, json!({ "id": a.id }))).await;
    check(&drive, "restore", by_id("/file/restore", 200, json!({ "id": a.id }))).await;
    check(&drive, "purge", by_id("/file/delete", 204, json!({ "id": a.id, "purge": true }))).await;
    assert_eq!(user.list("").await, [b]);
}

#[tokio::test]
async fn folders() {
    let drive = Drive::start();
    let user = drive.user().await;
    let create = json_case(&user, "/folder/create", 201, json!({ "name": "a" }), json!({ "name": "b" }));
    let made = check(&drive, "create", create).await.json();
    let other = user.post("/folder/create").json(&json!({ "name": "other" })).send().await.expect(201).json();
    let by_id = |path, status, body: Value| {
        let mut different = body.clone();
        different["id"] = other["id"].clone();
        json_case(&user, path, status, body, different)
    };
    let id = &made["id"];
    check(&drive, "update", by_id("/folder/update", 200, json!({ "id": id, "name": "c" }))).await;
    check(&drive, "trash", by_id("/folder/delete", 200, json!({ "id": id }))).await;
    check(&drive, "restore", by_id("/folder/restore", 200, json!({ "id": id }))).await;
    check(&drive, "purge", by_id("/folder/delete", 204, json!({ "id": id, "purge": true }))).await;
}

#[tokio::test]
async fn instant_uploads() {
    let drive = Drive::start();
    let (owner, user) = (drive.user().await, drive.user().await);
    let bytes = content(74, 10_000);
    owner.upload("theirs.bin", &bytes).await;
    let wish = json!({ "sha256": sha256_hex(&bytes), "size": bytes.len(), "name": "a" });
    let different = json!({ "sha256": sha256_hex(&bytes), "size": bytes.len(), "name": "b" });
    let offer = json_case(&user, "/file/fastupload", 200, wish.clone(), different.clone());
    let challenge = check(&drive, "offer", offer).await.json();
    let mut hasher = sha2::Sha256::new_with_prefix(hex::decode(challenge["nonce"].as_str().unwrap()).unwrap());
    hasher.update(&bytes);
    let answer = json!({ "challenge_id": challenge["challenge_id"], "proof": hex::encode(hasher.finalize()) });
    let wrong = json!({ "challenge_id": challenge["challenge_id"], "proof": "0".repeat(64) });
    check(&drive, "prove", json_case(&user, "/file/fastupload/prove", 201, answer, wrong)).await;
    check(&drive, "own", json_case(&user, "/file/fastupload", 201, wish, different)).await;
    assert_eq!(user.list("").await.len(), 2);
}

/// Nobody is there to fetch anything, so that nothing but the requests stands on the log.
#[tokio::test]
async fn offline_downloads() {
    let services = "account,upload,download,share,projector,saga,janitor";
    let drive = Drive::with(&[("CAIRN_SERVER__SERVICES", services), ("CAIRN_OFFLINE__ALLOW", "127.0.0.1")]);
    let user = drive.user().await;
    let wish = |path: &str| json!({ "url": format!("http://127.0.0.1:1{path}") });
    let first = check(&drive, "fetch", json_case(&user, "/offline/create", 202, wish("/a"), wish("/b"))).await.json();
    let other = user.post("/offline/create").json(&wish("/c")).send().await.expect(202).json();
    let (this, that) = (json!({ "id": first["id"] }), json!({ "id": other["id"] }));
    check(&drive, "stop", json_case(&user, "/offline/cancel", 200, this, that)).await;
}

#[tokio::test]
async fn uploads_in_parts() {
    let drive = Drive::start();
    let user = drive.user().await;
    let init = |name: &str| json!({ "name": name, "size": 10, "part_size": 5 });
    let upload = check(&drive, "init", json_case(&user, "/file/mpupload/init", 201, init("a"), init("b"))).await.json();
    let id = upload["upload_id"].as_str().unwrap().to_owned();
    let part = |index: u64, bytes: &'static str| {
        let (user, id) = (user.clone(), id.clone());
        move || user.call(Method::POST, "/file/mpupload/uppart").query("upload_id", &id).query("index", index).body(bytes)
    };
    check(&drive, "part-index", case(200, part(1, "12345"), part(2, "12345"))).await;
    check(&drive, "part-bytes", case(200, part(2, "12345"), part(2, "54321"))).await;
    let other = user.init(&init("other")).await.upload_id;
    let (this, that) = (json!({ "upload_id": id }), json!({ "upload_id": other }));
    check(&drive, "complete", json_case(&user, "/file/mpupload/complete", 201, this.clone(), that.clone())).await;
    check(&drive, "cancel", json_case(&user, "/file/mpupload/cancel", 204, that, this)).await;
    assert_eq!(user.download(&user.list("").await[0].id).await, b"1234512345");
}

#[tokio::test]
async fn a_key_belongs_to_its_user_and_outlives_a_restart() {
    let mut drive = Drive::start();
    let (user, other) = (drive.user().await, drive.user().await);
    let call = |user: &User, bytes: &'static str| user.raw_upload("a.txt", bytes).header("idempotency-key", "mine").send();
    let first = call(&user, "one").await.expect(201);
    call(&other, "two").await.expect(201);
    assert!(drive.stop().success());
    drive.start_again();
    let user = user.back_on(&drive);
    assert_eq!(call(&user, "one").await.expect(201).body, first.body);
    call(&user, "two").await.problem(422, "idempotency_key_reused");
    assert_eq!(user.list("").await.len(), 1);
}

#[tokio::test]
async fn of_many_with_one_key_at_once_one_changes_something() {
    let drive = Drive::start();
    let user = drive.user().await;
    let calls = (0..8).map(|_| user.raw_upload("a.txt", "a").header("idempotency-key", "at-once").send());
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(|answer| answer.status == 201), "{answers:?}");
    assert!(answers.iter().all(|answer| answer.json()["id"] == answers[0].json()["id"]));
    assert_eq!(user.list("").await.len(), 1);
}
