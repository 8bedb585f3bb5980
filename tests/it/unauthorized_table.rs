//! Who may call what: every operation of the OpenAPI document stands in this table, so that a new one cannot be forgotten.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{StreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Digest;

use crate::harness::{Call, Client, Drive, File, PASSWORD, User, content, sha256_hex};

/// What is asked for belongs to the owner.
struct Things {
    file: File,
    folder: String,
    /// It waits.
    offline: String,
    bytes: Vec<u8>,
    share: String,
    /// What opens the share: everybody in the table has it.
    token: String,
    /// A signed link to the file: everybody in the table has it, too.
    link: String,
    /// One part of one, and it is there.
    upload: String,
    /// For the owner, about a content of somebody else.
    challenge: String,
    proof: String,
    /// Another one for each call.
    number: u64,
}

/// The statuses that callers get: nobody, somebody else, somebody who has saved what the owner shared, the owner, the owner with a token that was
/// revoked, an operator.
struct Row {
    operation: &'static str,
    statuses: [u16; 6],
    call: fn(&Client, &Things) -> Call,
}

const fn open(operation: &'static str, status: u16, call: fn(&Client, &Things) -> Call) -> Row {
    Row { operation, statuses: [status; 6], call }
}

/// Everybody does it to what is their own.
const fn own(operation: &'static str, status: u16, call: fn(&Client, &Things) -> Call) -> Row {
    Row { operation, statuses: [401, status, status, status, 401, status], call }
}

/// Only the owner may; to others it is as if absent.
const fn owned(operation: &'static str, status: u16, call: fn(&Client, &Things) -> Call) -> Row {
    Row { operation, statuses: [401, 404, 404, status, 401, 404], call }
}

/// Only operators may.
const fn operators(operation: &'static str, status: u16, call: fn(&Client, &Things) -> Call) -> Row {
    Row { operation, statuses: [401, 404, 404, 404, 401, status], call }
}

fn id(things: &Things) -> Value {
    json!({ "id": things.file.id })
}

fn folder_id(things: &Things) -> Value {
    json!({ "id": things.folder })
}

fn upload_id(things: &Things) -> Value {
    json!({ "upload_id": things.upload })
}

/// Whoever holds the token of a share, or a link, needs no other, but one that comes must be valid.
const BY_TOKEN: [u16; 6] = [200, 200, 200, 200, 401, 200];
/// Where no server is.
const NOBODY: &str = "http://127.0.0.1:1/a.bin";

const TABLE: &[Row] = &[
    open("POST /user/signup", 201, |client, things| {
        client.post("/user/signup").json(&json!({ "username": format!("table-{}", things.number), "password": PASSWORD }))
    }),
    open("POST /user/signin", 200, |client, _| {
        client.post("/user/signin").json(&json!({ "username": "table-owner", "password": PASSWORD }))
    }),
    own("POST /user/signout", 204, |client, _| client.post("/user/signout")),
    own("GET /user/info", 200, |client, _| client.get("/user/info")),
    own("POST /user/password", 204, |client, _| {
        client.post("/user/password").json(&json!({ "old_password": PASSWORD, "new_password": PASSWORD }))
    }),
    own("POST /file/upload", 201, |client, _| {
        client.post("/file/upload").query("name", "a").header("content-type", "text/plain").body("a")
    }),
    own("GET /file/query", 200, |client, _| client.get("/file/query")),
    owned("GET /file/meta", 200, |client, things| client.get("/file/meta").query("id", &things.file.id)),
    Row {
        operation: "GET /file/download",
        // By its content, of which the reader has a file, too.
        statuses: [401, 404, 200, 200, 401, 404],
        call: |client, things| client.get("/file/download").query("filehash", &things.file.sha256),
    },
    owned("HEAD /file/download", 200, |client, things| client.call(Method::HEAD, "/file/download").query("id", &things.file.id)),
    owned("POST /file/downloadurl", 200, |client, things| client.post("/file/downloadurl").json(&id(things))),
    owned("POST /file/update", 200, |client, things| {
        client.post("/file/update").json(&json!({ "id": things.file.id, "name": "b" }))
    }),
    owned("POST /file/delete", 200, |client, things| client.post("/file/delete").json(&id(things))),
    owned("POST /file/restore", 200, |client, things| client.post("/file/restore").json(&id(things))),
    owned("GET /file/history", 200, |client, things| client.get("/file/history").query("id", &things.file.id)),
    owned("GET /file/versions", 200, |client, things| client.get("/file/versions").query("id", &things.file.id)),
    owned("POST /file/versions/restore", 200, |client, things| {
        client.post("/file/versions/restore").json(&json!({ "id": things.file.id, "version": 1 }))
    }),
    own("POST /folder/create", 201, |client, _| client.post("/folder/create").json(&json!({ "name": "a" }))),
    own("GET /folder/query", 200, |client, _| client.get("/folder/query")),
    owned("POST /folder/update", 200, |client, things| {
        client.post("/folder/update").json(&json!({ "id": things.folder, "name": "b" }))
    }),
    owned("POST /folder/delete", 200, |client, things| client.post("/folder/delete").json(&folder_id(things))),
    owned("POST /folder/restore", 200, |client, things| client.post("/folder/restore").json(&folder_id(things))),
    owned("POST /share/create", 201, |client, things| client.post("/share/create").json(&json!({ "file_id": things.file.id }))),
    own("GET /share/query", 200, |client, _| client.get("/share/query")),
    owned("POST /share/update", 200, |client, things| client.post("/share/update").json(&json!({ "id": things.share }))),
    owned("GET /share/history", 200, |client, things| client.get("/share/history").query("id", &things.share)),
    owned("POST /share/revoke", 204, |client, things| client.post("/share/revoke").json(&json!({ "id": things.share }))),
    open("GET /share/info", 200, |client, things| client.get("/share/info").query("token", &things.token)),
    Row {
        operation: "GET /share/download",
        statuses: BY_TOKEN,
        call: |client, things| client.get("/share/download").query("token", &things.token),
    },
    Row {
        operation: "HEAD /share/download",
        statuses: BY_TOKEN,
        call: |client, things| client.call(Method::HEAD, "/share/download").query("token", &things.token),
    },
    own("POST /share/save", 201, |client, things| client.post("/share/save").json(&json!({ "token": things.token }))),
    Row {
        operation: "POST /file/fastupload",
        statuses: [401, 200, 201, 201, 401, 200],
        call: |client, things| {
            let wish = json!({ "sha256": things.file.sha256, "size": things.bytes.len(), "name": "a" });
            client.post("/file/fastupload").json(&wish)
        },
    },
    Row {
        operation: "POST /file/fastupload/prove",
        statuses: [401, 409, 409, 201, 401, 409],
        call: |client, things| {
            client.post("/file/fastupload/prove").json(&json!({ "challenge_id": things.challenge, "proof": things.proof }))
        },
    },
    own("POST /file/mpupload/init", 201, |client, things| {
        client.post("/file/mpupload/init").json(&json!({ "name": format!("init-{}", things.number), "size": 1 }))
    }),
    owned("POST /file/mpupload/uppart", 200, |client, things| uppart(client, Method::POST, things)),
    owned("PUT /file/mpupload/uppart", 200, |client, things| uppart(client, Method::PUT, things)),
    owned("GET /file/mpupload/status", 200, |client, things| {
        client.get("/file/mpupload/status").query("upload_id", &things.upload)
    }),
    own("GET /file/mpupload/query", 200, |client, _| client.get("/file/mpupload/query")),
    owned("POST /file/mpupload/complete", 201, |client, things| client.post("/file/mpupload/complete").json(&upload_id(things))),
    owned("POST /file/mpupload/cancel", 204, |client, things| client.post("/file/mpupload/cancel").json(&upload_id(things))),
    own("POST /offline/create", 202, |client, _| client.post("/offline/create").json(&json!({ "url": NOBODY }))),
    own("GET /offline/query", 200, |client, _| client.get("/offline/query")),
    owned("GET /offline/status", 200, |client, things| client.get("/offline/status").query("id", &things.offline)),
    owned("POST /offline/cancel", 200, |client, things| client.post("/offline/cancel").json(&json!({ "id": things.offline }))),
    open("GET /livez", 200, |client, _| client.get("/livez")),
    open("GET /readyz", 200, |client, _| client.get("/readyz")),
    open("GET /metrics", 200, |client, _| client.get("/metrics")),
    operators("GET /admin/projections", 200, |client, _| client.get("/admin/projections")),
    operators("GET /admin/events", 200, |client, _| client.get("/admin/events")),
    operators("POST /admin/projections/rebuild", 200, |client, _| client.post("/admin/projections/rebuild").json(&json!({}))),
    operators("GET /admin/projections/progress", 200, |client, _| client.get("/admin/projections/progress")),
    operators("POST /admin/users/quota", 200, |client, _| {
        client.post("/admin/users/quota").json(&json!({ "username": "table-owner", "quota_bytes": 1_u64 << 40 }))
    }),
    operators("GET /admin/transfers", 200, |client, _| client.get("/admin/transfers")),
    operators("POST /admin/transfers/retry", 404, |client, things| client.post("/admin/transfers/retry").json(&id(things))),
];

/// What the OpenAPI document does not show: pages, which anybody may read, whatever token comes along; and links, which need none.
const BESIDE: &[Row] = &[
    open("GET /user/signup", 200, |client, _| client.get("/user/signup")),
    open("GET /user/signin", 200, |client, _| client.get("/user/signin")),
    open("GET /home", 200, |client, _| client.get("/home")),
    open("GET /s/<token>", 200, |client, things| client.get(&format!("/s/{}", things.token))),
    open("GET /s/<no token>", 404, |client, things| client.get(&format!("/s/{}", things.share))),
    open("GET /docs", 200, |client, _| client.get("/docs")),
    open("GET /openapi.json", 200, |client, _| client.get("/openapi.json")),
    open("GET /openapi.yaml", 200, |client, _| client.get("/openapi.yaml")),
    Row { operation: "GET <signed link>", statuses: BY_TOKEN, call: |client, things| client.get(&things.link) },
];

fn uppart(client: &Client, method: Method, things: &Things) -> Call {
    let call = client.call(method, "/file/mpupload/uppart").query("upload_id", &things.upload).query("index", 1);
    call.header("content-type", "application/octet-stream").body("part")
}

static NUMBER: AtomicU64 = AtomicU64::new(1);

async fn things(owner: &User, other: &User, reader: &User) -> Things {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let bytes = content(9_000_000 + number, 1_000);
    let theirs = content(9_900_000 + number, 1_000);
    other.upload("theirs.bin", &theirs).await;
    let wish = json!({ "sha256": sha256_hex(&theirs), "size": theirs.len(), "name": "proven" });
    let challenge = owner.post("/file/fastupload").json(&wish).send().await.expect(200).json();
    let mut hasher = sha2::Sha256::new_with_prefix(hex::decode(challenge["nonce"].as_str().unwrap()).unwrap());
    hasher.update(&theirs);
    let upload = owner.init(&json!({ "name": format!("open-{number}"), "size": 4 })).await.upload_id;
    owner.part(&upload, 1, "part").send().await.expect(200);
    let offline = owner.post("/offline/create").json(&json!({ "url": NOBODY })).send().await.expect(202).json();
    let folder = owner.post("/folder/create").json(&json!({ "name": "mine" })).send().await.expect(201).json();
    let file = owner.upload("a.bin", &bytes).await;
    let share = owner.post("/share/create").json(&json!({ "file_id": file.id })).send().await.expect(201).json();
    let link = owner.post("/file/downloadurl").json(&json!({ "id": file.id })).send().await.expect(200).json();
    reader.post("/share/save").json(&json!({ "token": share["token"] })).send().await.expect(201);
    Things {
        folder: folder["id"].as_str().unwrap().to_owned(),
        offline: offline["id"].as_str().unwrap().to_owned(),
        file,
        share: share["id"].as_str().unwrap().to_owned(),
        token: share["token"].as_str().unwrap().to_owned(),
        link: link["url"].as_str().unwrap().to_owned(),
        bytes,
        upload,
        challenge: challenge["challenge_id"].as_str().unwrap().to_owned(),
        proof: hex::encode(hasher.finalize()),
        number,
    }
}

#[tokio::test]
async fn every_operation_lets_in_whom_it_should() {
    // Nobody is there to fetch anything: what is asked for waits.
    let drive = Drive::with(&[
        ("CAIRN_SERVER__SERVICES", "account,upload,download,share,projector,saga,janitor"),
        ("CAIRN_OFFLINE__ALLOW", "127.0.0.1"),
        ("CAIRN_OFFLINE__JOBS_PER_ACCOUNT_MAX", "1000"),
    ]);
    let (owner, other) = (drive.user_called("table-owner").await, drive.user_called("table-other").await);
    let (reader, operator) = (drive.user_called("table-reader").await, drive.user_called("table-operator").await);
    drive.cairn(&["user", "grant", "table-operator", "admin"]).success();
    let is_operator = async || (operator.get("/admin/events").send().await.status == 200).then_some(());
    crate::harness::until_async("the role counts", is_operator).await;
    let revoked = owner.another_session().await;
    revoked.post("/user/signout").send().await.expect(204);
    let cast = Cast { stranger: drive.client(), owner, other, reader, operator, revoked };
    // Where all other sessions of an account end, nobody else can be at work.
    let (alone, together): (Vec<&Row>, Vec<&Row>) =
        TABLE.iter().chain(BESIDE).partition(|row| row.operation == "POST /user/password");
    stream::iter(together).for_each_concurrent(AT_ONCE, |row| cast.tries(row, false)).await;
    for row in alone {
        cast.tries(row, true).await;
    }
}

/// Operations that are tried at once.
const AT_ONCE: usize = 4;

struct Cast {
    stranger: Client,
    owner: User,
    other: User,
    reader: User,
    operator: User,
    revoked: User,
}

impl Cast {
    /// Has everybody call the operation, each on things of its own.
    async fn tries(&self, row: &Row, ends_others: bool) {
        // Sessions of their own, because some operations end theirs.
        let (owner, other) = (self.owner.another_session().await, self.other.another_session().await);
        let (reader, operator) = (self.reader.another_session().await, self.operator.another_session().await);
        let callers = [
            ("nobody", &self.stranger),
            ("somebody else", &*other),
            ("a reader of a share", &*reader),
            ("the owner", &*owner),
            ("a revoked token", &*self.revoked),
            ("an operator", &*operator),
        ];
        let mut makers = None;
        for (place, (who, caller)) in callers.into_iter().enumerate() {
            let (maker, witness, taker) = match makers.take().filter(|_| !ends_others) {
                Some(makers) => makers,
                None => self.makers().await,
            };
            let things = things(&maker, &witness, &taker).await;
            makers = Some((maker, witness, taker));
            let answer = (row.call)(caller, &things).send().await;
            assert_eq!(answer.status, row.statuses[place], "{} for {who}: {answer:?}", row.operation);
            if answer.status == 401 && !row.operation.starts_with("HEAD") {
                answer.problem(401, "unauthorized");
            }
        }
    }

    async fn makers(&self) -> (User, User, User) {
        (self.owner.another_session().await, self.other.another_session().await, self.reader.another_session().await)
    }
}

#[tokio::test]
async fn every_operation_stands_in_the_table() {
    let drive = Drive::start();
    let document = drive.client().get("/openapi.json").send().await.expect(200).json();
    let known: BTreeSet<&str> = TABLE.iter().map(|row| row.operation).collect();
    let mut there = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let methods = operations.as_object().unwrap().keys().filter(|key| *key != "parameters" && *key != "summary");
        there.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
    }
    let missing: Vec<&String> = there.iter().filter(|operation| !known.contains(operation.as_str())).collect();
    assert!(missing.is_empty(), "give these a row in the table: {missing:?}");
    // HEAD comes with GET and need not be described.
    let gone: Vec<&&str> = known.iter().filter(|known| !there.contains(**known) && !known.starts_with("HEAD")).collect();
    assert!(gone.is_empty(), "these are in the table only: {gone:?}");
}

#[tokio::test]
async fn operators_may_and_only_as_long_as_they_are() {
    let drive = Drive::start();
    let operator = drive.user_called("operator").await;
    operator.get("/admin/projections").send().await.problem(404, "not_found");
    drive.cairn(&["user", "grant", "operator", "admin"]).success();
    let let_in = async || (operator.get("/admin/projections").send().await.status == 200).then_some(());
    crate::harness::until_async("the role counts", let_in).await;
    operator.get("/admin/events").send().await.expect(200);
    drive.cairn(&["user", "revoke", "operator", "admin"]).success();
    let shut_out = async || (operator.get("/admin/projections").send().await.status == 404).then_some(());
    crate::harness::until_async("the role is gone", shut_out).await;
}
