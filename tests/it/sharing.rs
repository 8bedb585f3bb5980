//! Shares, as those who hold them meet them.

use futures_util::future::join_all;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::harness::{Call, Client, Drive, File, RawConnection, User, content, until_async};

/// `Share` of the API, with what is shown only once.
#[derive(Debug, Clone, Deserialize)]
struct Created {
    id: String,
    token: String,
    url: String,
}

async fn share(owner: &User, file: &File, terms: Value) -> Created {
    let mut wish = terms;
    wish["file_id"] = json!(file.id);
    owner.post("/share/create").json(&wish).send().await.expect(201).read_as()
}

fn get(client: &Client, token: &str) -> Call {
    client.get("/share/download").query("token", token)
}

async fn info(client: &Client, token: &str) -> u16 {
    client.get("/share/info").query("token", token).send().await.status
}

/// The share as its owner's list has it.
async fn listed(owner: &User, id: &str) -> Value {
    let all: Vec<Value> = owner.pages("/share/query?limit=2").await;
    all.into_iter().find(|share| share["id"] == id).expect("the share is in the list")
}

/// The same once it shows that many downloads: they are others' doing, so no answer to the owner waits for them. More of them must not follow.
async fn listed_with_downloads(owner: &User, id: &str, downloads: u64) -> Value {
    let there = async || Some(listed(owner, id).await).filter(|share| share["downloads"].as_u64() >= Some(downloads));
    let shown = until_async("the list shows the downloads", there).await;
    assert_eq!(shown["downloads"], downloads);
    shown
}

#[tokio::test]
async fn whoever_holds_the_token_downloads_without_an_account() {
    let drive = Drive::start();
    let (owner, bytes) = (drive.user().await, content(1, 300_000));
    let file = owner.upload("报告 2026.pdf", &bytes).await;
    let made = share(&owner, &file, json!({ "max_downloads": 3 })).await;
    assert!(made.token.len() >= 32 && made.url.ends_with(&format!("/s/{}", made.token)), "{made:?}");
    let anybody = drive.client();
    let seen = anybody.get("/share/info").query("token", &made.token).send().await.expect(200).json();
    let expected = json!({
        "name": "报告 2026.pdf", "size": 300_000, "owner": owner.name, "needs_password": false, "expires_at": null
    });
    assert_eq!(seen, expected);
    let head = anybody.call(Method::HEAD, "/share/download").query("token", &made.token).send().await.expect(200);
    assert_eq!(head.header("content-length"), Some("300000"));
    let got = get(&anybody, &made.token).send().await.expect(200);
    assert_eq!(got.body, bytes);
    assert_eq!(got.header("etag"), Some(&*format!("\"{}\"", file.sha256)));
    assert!(got.header("content-disposition").is_some_and(|value| value.starts_with("attachment; filename")));
    get(&anybody, &made.token).header("if-none-match", got.header("etag").unwrap()).send().await.expect(304);
    get(&anybody, &made.token).header("range", "bytes=300000-").send().await.problem(416, "range_not_satisfiable");
    let shown = listed_with_downloads(&owner, &made.id, 1).await;
    assert_eq!((&shown["state"], &shown["name"]), (&json!("active"), &json!("报告 2026.pdf")));
    assert!(shown.get("token").is_none());
}

/// A browser shows the same page either way; whoever only looks at the status knows as well.
#[tokio::test]
async fn the_page_of_a_link_that_leads_nowhere_is_404() {
    let drive = Drive::start();
    let owner = drive.user().await;
    let file = owner.upload("a.txt", b"hello").await;
    let made = share(&owner, &file, json!({ "max_downloads": 1 })).await;
    let anybody = drive.client();
    let page = async |token: &str| anybody.get(&format!("/s/{token}")).send().await;
    let alive = page(&made.token).await.expect(200);
    let tag = alive.header("etag").unwrap().to_owned();
    get(&anybody, &made.token).send().await.expect(200);
    let flipped = format!("{}{}", &made.token[..made.token.len() - 1], if made.token.ends_with('0') { '1' } else { '0' });
    for dead in [made.token.as_str(), &flipped, "unknown", "%ff"] {
        let answer = page(dead).await.expect(404);
        assert_eq!((answer.header("content-type"), &answer.body), (Some("text/html; charset=utf-8"), &alive.body), "{dead}");
    }
    anybody.get(&format!("/s/{}", made.token)).header("if-none-match", &tag).send().await.expect(404);
    let other = share(&owner, &file, json!({})).await;
    anybody.get(&format!("/s/{}", other.token)).header("if-none-match", &tag).send().await.expect(304);
    owner.post("/share/revoke").json(&json!({ "id": other.id })).send().await.expect(204);
    page(&other.token).await.expect(404);
}

#[tokio::test]
async fn exactly_as_many_downloads_succeed_as_there_may_be() {
    let drive = Drive::start();
    let (owner, bytes) = (drive.user().await, content(2, 200_000));
    let file = owner.upload("a.bin", &bytes).await;
    let made = share(&owner, &file, json!({ "max_downloads": 7 })).await;
    let anybody = drive.client();
    let answers = join_all((0..40).map(|_| get(&anybody, &made.token).send())).await;
    let (good, bad): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(good.len(), 7);
    assert!(good.iter().all(|answer| answer.body == bytes));
    for answer in bad {
        answer.problem(404, "not_found");
    }
    assert_eq!(info(&anybody, &made.token).await, 404);
    assert_eq!(listed_with_downloads(&owner, &made.id, 7).await["state"], "used_up");
    // All of it is a download, however it is asked for.
    get(&anybody, &made.token).header("range", "bytes=0-").send().await.problem(404, "not_found");
    // More may be allowed later.
    owner.post("/share/update").json(&json!({ "id": made.id, "max_downloads": 8 })).send().await.expect(200);
    get(&anybody, &made.token).send().await.expect(200);
    get(&anybody, &made.token).send().await.problem(404, "not_found");
}

#[tokio::test]
async fn a_download_in_ranges_or_one_that_broke_off_counts_once() {
    let drive = Drive::start();
    let (owner, bytes) = (drive.user().await, content(3, 24 << 20));
    let file = owner.upload("a.bin", &bytes).await;
    let anybody = drive.client();
    let in_ranges = share(&owner, &file, json!({ "max_downloads": 1 })).await;
    let mut got = Vec::new();
    for first in (0..bytes.len()).step_by(8 << 20) {
        let range = format!("bytes={first}-{}", first + (8 << 20) - 1);
        got.extend(get(&anybody, &in_ranges.token).header("range", range).send().await.expect(206).body);
    }
    assert_eq!(got, bytes);
    let used_up = async || (info(&anybody, &in_ranges.token).await == 404).then_some(());
    until_async("the share is used up", used_up).await;
    listed_with_downloads(&owner, &in_ranges.id, 1).await;

    let broken = share(&owner, &file, json!({ "max_downloads": 1 })).await;
    let mut connection = RawConnection::open(drive.address());
    connection.send(format!("GET /share/download?token={} HTTP/1.1\r\nhost: x\r\n\r\n", broken.token));
    assert!(!connection.receive(1_000).is_empty());
    drop(connection);
    let rest = async || {
        let call = get(&anybody, &broken.token).header("range", "bytes=1000-");
        Some(call.send().await).filter(|answer| answer.status == 206)
    };
    assert_eq!(until_async("what broke off goes on", rest).await.body, &bytes[1_000..]);
    listed_with_downloads(&owner, &broken.id, 1).await;
}

/// The system takes all of a small answer at once; whoever goes away without having read it has not got it.
#[tokio::test]
async fn a_small_download_that_nobody_has_read_may_be_begun_again() {
    let drive = Drive::start();
    let (owner, bytes) = (drive.user().await, content(4, 10_000));
    let file = owner.upload("a.bin", &bytes).await;
    let anybody = drive.client();
    for after in ["keep-alive", "close"] {
        let broken = share(&owner, &file, json!({ "max_downloads": 1 })).await;
        let mut connection = RawConnection::open(drive.address());
        let path = format!("/share/download?token={}", broken.token);
        connection.send(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: {after}\r\n\r\n"));
        assert!(!connection.receive(1_000).is_empty());
        drop(connection);
        let again = async || Some(get(&anybody, &broken.token).send().await).filter(|answer| answer.status == 200);
        assert_eq!(until_async("what broke off is begun again", again).await.body, bytes, "{after}");
        listed_with_downloads(&owner, &broken.id, 1).await;
        get(&anybody, &broken.token).send().await.problem(404, "not_found");
        get(&anybody, &broken.token).header("range", "bytes=0-").send().await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn unknown_revoked_expired_and_used_up_tokens_are_answered_alike() {
    let drive = Drive::start();
    let owner = drive.user().await;
    let file = owner.upload("a.txt", b"hello").await;
    let anybody = drive.client();
    let revoked = share(&owner, &file, json!({ "password": "between us" })).await;
    owner.post("/share/revoke").json(&json!({ "id": revoked.id })).send().await.expect(204);
    let used_up = share(&owner, &file, json!({ "max_downloads": 1 })).await;
    get(&anybody, &used_up.token).send().await.expect(200);
    let expired = share(&owner, &file, json!({})).await;
    let over = json!({ "id": expired.id, "expires_at": "2026-01-01T00:00:00Z" });
    owner.post("/share/update").json(&over).send().await.expect(200);
    let other = share(&owner, &file, json!({})).await;
    let mixed = other.token[..32].to_owned() + &expired.token[32..];
    let unknown = "0".repeat(80);
    let bodies = ["", "x", &unknown, &mixed, &revoked.token, &used_up.token, &expired.token].map(async |token| {
        let mut told = get(&anybody, token).send().await.problem(404, "not_found");
        told.as_object_mut().unwrap().remove("request_id");
        assert_eq!(info(&anybody, token).await, 404, "{token}");
        let saved = owner.post("/share/save").json(&json!({ "token": token })).send().await;
        saved.problem(404, "not_found");
        anybody.call(Method::HEAD, "/share/download").query("token", token).send().await.expect(404);
        told
    });
    let bodies = join_all(bodies).await;
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{bodies:?}");
    assert_eq!(listed(&owner, &expired.id).await["state"], "expired");
    assert_eq!(listed(&owner, &revoked.id).await["state"], "revoked");
    owner.post("/file/delete").json(&json!({ "id": file.id })).send().await.expect(200);
    get(&anybody, &other.token).send().await.problem(404, "not_found");
    assert_eq!(listed(&owner, &other.id).await["state"], "unavailable");
    owner.post("/file/restore").json(&json!({ "id": file.id })).send().await.expect(200);
    get(&anybody, &other.token).send().await.expect(200);
}

#[tokio::test]
async fn a_password_is_asked_for_and_guessed_at_five_times_only() {
    let drive = Drive::start();
    let owner = drive.user().await;
    let file = owner.upload("a.txt", b"hello").await;
    let made = share(&owner, &file, json!({ "password": "Päßwort 1" })).await;
    let anybody = drive.client();
    let seen = anybody.get("/share/info").query("token", &made.token).send().await.expect(200).json();
    assert_eq!(seen["needs_password"], true);
    get(&anybody, &made.token).send().await.problem(401, "password_required");
    let knock = |password: &str| get(&anybody, &made.token).header("share-password", password);
    knock("Päßwort 1").send().await.expect(200);
    for _ in 0..5 {
        knock("guess").send().await.problem(401, "password_required");
    }
    let wait = knock("Päßwort 1").send().await;
    assert!(wait.header("retry-after").is_some_and(|seconds| seconds.parse::<u64>().is_ok_and(|seconds| seconds > 800)));
    wait.problem(429, "too_many_attempts");
    let saved = owner.post("/share/save").json(&json!({ "token": made.token, "password": "Päßwort 1" })).send().await;
    saved.problem(429, "too_many_attempts");
    // Nothing of it is stored where it could be read.
    let shown: Vec<Value> = owner.pages(&format!("/share/history?id={}&limit=1", made.id)).await;
    assert_eq!(shown[0]["type"], "ShareCreated");
    assert_eq!(shown[0]["data"]["password_hash"], "(redacted)");
    owner.post("/share/update").json(&json!({ "id": made.id, "password": null })).send().await.expect(200);
    get(&anybody, &made.token).send().await.expect(200);
}

#[tokio::test]
async fn a_friend_saves_the_file_and_keeps_it() {
    let drive = Drive::start();
    let (owner, friend) = (drive.user().await, drive.user().await);
    let file = owner.upload("holiday.jpg", b"bytes of a picture").await;
    let made = share(&owner, &file, json!({ "password": "between us" })).await;
    let folder = friend.post("/folder/create").json(&json!({ "name": "pictures" })).send().await.expect(201).json();
    let wish = json!({ "token": made.token, "password": "between us", "folder_id": folder["id"] });
    friend.post("/share/save").json(&json!({ "token": made.token })).send().await.problem(401, "password_required");
    let save = || friend.post("/share/save").header("idempotency-key", "once").json(&wish);
    let saved: File = save().send().await.expect(201).read_as();
    assert_eq!(save().send().await.expect(201).read_as::<File>(), saved);
    assert_eq!(
        (saved.name.as_str(), &saved.sha256, saved.folder_id.as_deref()),
        ("holiday.jpg", &file.sha256, folder["id"].as_str())
    );
    owner.post("/share/revoke").json(&json!({ "id": made.id })).send().await.expect(204);
    owner.post("/file/delete").json(&json!({ "id": file.id, "purge": true })).send().await.expect(204);
    assert_eq!(friend.download(&saved.id).await, b"bytes of a picture");
    assert_eq!(friend.info().await["used_bytes"], 18);
    assert_eq!(owner.info().await["used_bytes"], 0);
    let seen: Vec<Value> = owner.pages(&format!("/share/history?id={}", made.id)).await;
    let names: Vec<_> = seen.iter().map(|happened| happened["type"].as_str().unwrap()).collect();
    assert_eq!(names, ["ShareCreated", "ShareSaved", "ShareRevoked"]);
    assert_eq!((&seen[1]["actor"], &seen[1]["client"]), (&json!(friend.id), &json!("127.0.0.1")));
    let username = &friend.info().await["username"];
    assert!(username.is_string() && seen[1]["username"] == *username, "{seen:?}");
    let theirs = friend.get("/share/history").query("id", &made.id).send().await;
    theirs.problem(404, "not_found");
    let wrong = json!({ "token": made.token, "folder_id": file.id });
    friend.post("/share/save").json(&wrong).send().await.problem(404, "not_found");
}

#[tokio::test]
async fn a_keyed_share_shows_the_same_token_again() {
    let drive = Drive::start();
    let owner = drive.user().await;
    let file = owner.upload("a.txt", b"hello").await;
    let ask = |password: &str| {
        let wish = json!({ "file_id": file.id, "password": password });
        owner.post("/share/create").header("idempotency-key", "one").json(&wish).send()
    };
    let (first, again) = (ask("x").await.expect(201).json(), ask("x").await.expect(201).json());
    assert_eq!(first, again);
    ask("y").await.problem(422, "idempotency_key_reused");
    let all: Vec<Value> = owner.pages("/share/query").await;
    assert_eq!(all.len(), 1);
}

#[tokio::test]
async fn bad_terms_are_refused_and_store_nothing() {
    let drive = Drive::start();
    let (owner, other) = (drive.user().await, drive.user().await);
    let file = owner.upload("a.txt", b"hello").await;
    let long = "x".repeat(257);
    for (field, value) in [
        ("password", json!("")),
        ("password", json!(long)),
        ("password", json!(7)),
        ("expires_at", json!("yesterday")),
        ("expires_at", json!("2026-01-01T00:00:00Z")),
        ("max_downloads", json!(0)),
        ("max_downloads", json!(-1)),
        ("max_downloads", json!(1.5)),
        ("max_downloads", json!(1_000_000_001)),
        ("more", json!(1)),
    ] {
        let mut wish = json!({ "file_id": file.id });
        wish[field] = value.clone();
        let told = owner.post("/share/create").json(&wish).send().await.problem(422, "invalid");
        assert_eq!(told["errors"][0]["field"], field, "{value}");
    }
    owner.post("/share/create").json(&json!({})).send().await.problem(422, "invalid");
    other.post("/share/create").json(&json!({ "file_id": file.id })).send().await.problem(404, "not_found");
    let none: Vec<Value> = owner.pages("/share/query").await;
    assert!(none.is_empty());
    let made = share(&owner, &file, json!({})).await;
    for wish in [json!({ "id": made.id, "max_downloads": 0 }), json!({ "id": made.id, "password": "" })] {
        owner.post("/share/update").json(&wish).send().await.problem(422, "invalid");
    }
    for call in ["/share/update", "/share/revoke"] {
        other.post(call).json(&json!({ "id": made.id })).send().await.problem(404, "not_found");
    }
    owner.post("/share/revoke").json(&json!({ "id": made.id })).send().await.expect(204);
    owner.post("/share/revoke").json(&json!({ "id": made.id })).send().await.expect(204);
    owner.post("/share/update").json(&json!({ "id": made.id })).send().await.problem(409, "share_revoked");
    drive.client().get("/share/info").send().await.problem(422, "invalid");
}
