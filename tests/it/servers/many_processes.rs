//! One drive as many processes: nobody can tell which of them answered.

use std::time::{Duration, Instant};

use cairn_servers::{Nats, Redis, shared};
use serde_json::{Value, json};
use sha2::Digest;

use super::s3_stores;
use crate::harness::{Cluster, Drive, End, File, PASSWORD, Page, Source, User, content, sha256_hex, until_async};

/// What answers people.
const NODE: &str = "account,upload,download,share";

/// How long the right to project outlives the process that had it.
const LEASE: Duration = Duration::from_secs(3);

/// Names on the list of a user, as one process gives it.
async fn names(user: &User) -> Vec<String> {
    user.list("limit=1000").await.into_iter().map(|file| file.name).collect()
}

/// What the caller sees when it asks for no less than that position.
async fn names_at(user: &User, position: u64) -> Vec<String> {
    let answer = user.get("/file/query").header("cairn-min-position", position).send().await.expect(200);
    answer.items().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

/// The rows are what the log means: none differs from one that is made anew beside it, and making all anew changes nothing that anybody can see.
async fn check_rows(operator: &Drive, user: &User) {
    operator.cairn(&["projection", "verify"]).success();
    let before = user.list("limit=1000").await;
    operator.cairn(&["projection", "rebuild", "--all"]).success();
    assert_eq!(user.list("limit=1000").await, before);
    let stands: Vec<Value> = operator.cairn(&["projection", "list", "--json"]).json_lines();
    assert!(stands.iter().all(|one| one["lag"] == 0 && one["parked"] == 0), "{stands:?}");
}

#[tokio::test]
async fn a_session_is_one_in_every_process() {
    let cluster = Cluster::new(&[]);
    let _projector = cluster.process("projector");
    let (one, other) = (cluster.process(NODE), cluster.process(NODE));
    let user = one.user().await;
    let elsewhere = user.back_on(&other);
    assert_eq!(elsewhere.info().await["username"], user.name);
    // It ends at another process than the one where it began.
    elsewhere.post("/user/signout").send().await.expect(204);
    let signed_out = Instant::now();
    elsewhere.get("/user/info").send().await.problem(401, "unauthorized");
    until_async("the token is dead where it was given out", async || {
        (user.get("/user/info").send().await.status == 401).then_some(())
    })
    .await;
    assert!(signed_out.elapsed() < Duration::from_secs(1), "dead after {:?}", signed_out.elapsed());

    // A password that changes in one process ends the sessions that were begun in another.
    let session = user.another_session().await;
    let elsewhere = session.another_session().await.back_on(&other);
    assert_eq!(elsewhere.info().await["username"], user.name);
    let change = json!({ "old_password": PASSWORD, "new_password": "another correct horse" });
    session.post("/user/password").json(&change).send().await.expect(204);
    let changed = Instant::now();
    until_async("the other session is dead", async || (elsewhere.get("/user/info").send().await.status == 401).then_some(())).await;
    assert!(changed.elapsed() < Duration::from_secs(1), "dead after {:?}", changed.elapsed());
}

#[tokio::test]
async fn what_one_process_has_written_another_reads_however_far_the_replica_is_behind() {
    let cluster = Cluster::new(&[]);
    let projector = cluster.process("projector");
    let (one, other) = (cluster.process(NODE), cluster.process(NODE));
    let user = one.user().await;
    let elsewhere = user.back_on(&other);
    cluster.replica.stop_sql_thread().unwrap();
    for n in 0..20 {
        let name = format!("{n}.txt");
        let answer = user.raw_upload(&name, name.clone()).send().await.expect(201);
        assert!(names_at(&elsewhere, answer.position()).await.contains(&name), "{name} is not seen");
        // The process that has written needs no position.
        assert!(names(&user).await.contains(&name));
    }
    cluster.replica.start_sql_thread().unwrap();
    for n in 20..40 {
        let name = format!("{n}.txt");
        let answer = user.raw_upload(&name, name.clone()).send().await.expect(201);
        assert!(names_at(&elsewhere, answer.position()).await.contains(&name), "{name} is not seen");
    }
    assert_eq!(names(&elsewhere).await.len(), 40);
    check_rows(&projector, &elsewhere).await;
}

#[tokio::test]
async fn the_projector_that_stands_by_takes_over() {
    let cluster = Cluster::new(&[]);
    let mut active = cluster.process("projector");
    let standing_by = cluster.process("projector,saga,janitor");
    let (one, other) = (cluster.process(NODE), cluster.process(NODE));
    let user = one.user().await;
    let elsewhere = user.back_on(&other);
    user.upload("before.txt", b"before").await;
    active.kill();
    let killed = Instant::now();
    // Its events are on the log at once; its answer waits for the rows.
    let file: File = user.raw_upload("after.txt", "after").send().await.expect(201).read_as();
    until_async("the file is on the list", async || names(&elsewhere).await.contains(&file.name).then_some(())).await;
    let took = killed.elapsed();
    assert!(took < LEASE + Duration::from_secs(2), "the rows stood still for {took:?}");
    user.upload("later.txt", b"later").await;
    assert_eq!(names(&user).await, ["later.txt", "after.txt", "before.txt"]);
    check_rows(&standing_by, &elsewhere).await;
    active.start_again();
    user.upload("last.txt", b"last").await;
    assert_eq!(names(&elsewhere).await.len(), 4);
}

/// Everything that a drive can stand on, each a server of its own.
struct Everything {
    cluster: Cluster,
    nats: Nats,
    redis: Redis,
}

impl Everything {
    async fn new(bucket: &str) -> Self {
        let (nats, redis) = (Nats::start().unwrap(), Redis::start().unwrap());
        let (rabbitmq, ceph) = (shared::rabbitmq().unwrap(), s3_stores::ceph(bucket).await);
        let cluster = Cluster::new(&[
            ("CAIRN_BUS__URL", &nats.url()),
            ("CAIRN_QUEUE__URL", &rabbitmq.url()),
            ("CAIRN_CACHE__URL", &redis.url()),
            ("CAIRN_STORES__CEPH__KIND", "s3"),
            ("CAIRN_STORES__CEPH__ENDPOINT", &ceph.endpoint),
            ("CAIRN_STORES__CEPH__BUCKET", &ceph.bucket),
            ("CAIRN_STORES__CEPH__PUBLIC_ENDPOINT", &ceph.endpoint),
            ("CAIRN_STORES__CEPH__ACCESS_KEY_ID", &ceph.access_key_id),
            ("CAIRN_STORES__CEPH__SECRET_ACCESS_KEY", &ceph.secret_access_key),
            ("CAIRN_STORES__CEPH__PATH_STYLE", "true"),
            ("CAIRN_STORES__CEPH__FLAVOR", "ceph"),
            ("CAIRN_POLICY__LAND", "ceph"),
            ("CAIRN_LIMITS__PART_BYTES_DEFAULT", &PART.to_string()),
            ("CAIRN_OFFLINE__ALLOW", "127.0.0.1"),
            ("CAIRN_OFFLINE__SILENT_SECONDS_MAX", "3"),
        ]);
        Self { cluster, nats, redis }
    }
}

/// A part that an object store takes as such, and a last one that is shorter.
const PART: usize = 5 * 1024 * 1024;

/// Sends the parts of a file to the processes in turn, all at once, and completes it at the last of them.
async fn upload_round_robin(at: &[User], name: &str, bytes: &[u8]) -> File {
    let upload = at[0].init(&json!({ "name": name, "size": bytes.len(), "part_size": PART })).await;
    let sends = bytes.chunks(PART).zip(1_u64..).map(|(part, index)| {
        let user = &at[usize::try_from(index).unwrap() % at.len()];
        user.part(&upload.upload_id, index, part.to_vec()).send()
    });
    for answer in futures_util::future::join_all(sends).await {
        answer.expect(200);
    }
    at[at.len() - 1].complete(&upload.upload_id).await.expect(201).read_as()
}

/// What whoever holds the bytes answers to a challenge.
fn proof(challenge: &Value, bytes: &[u8]) -> String {
    let mut hasher = sha2::Sha256::new_with_prefix(hex::decode(challenge["nonce"].as_str().unwrap()).unwrap());
    for range in challenge["ranges"].as_array().unwrap() {
        let number = |name: &str| usize::try_from(range[name].as_u64().unwrap()).unwrap();
        hasher.update(&bytes[number("offset")..][..number("length")]);
    }
    hex::encode(hasher.finalize())
}

#[tokio::test]
async fn six_processes_over_every_server_are_one_drive() {
    let mut everything = Everything::new("many-processes").await;
    let cluster = &everything.cluster;
    let mut projector = cluster.process("projector");
    let standing_by = cluster.process("projector,saga,transfer,janitor");
    let relay = cluster.process("relay");
    let nodes = [cluster.process(NODE), cluster.process(NODE), cluster.process(NODE)];
    let user = nodes[0].user().await;
    let at: Vec<User> = nodes.iter().map(|node| user.back_on(node)).collect();

    // Any node takes any part of any upload, and gives out what another took.
    let bytes = content(71, 4 * PART + 12_345);
    let file = upload_round_robin(&at, "parts.bin", &bytes).await;
    assert_eq!((file.stored_in.as_str(), &file.sha256), ("ceph", &sha256_hex(&bytes)));
    for node in &at {
        assert!(node.download(&file.id).await == bytes, "other bytes");
    }
    let small = at[1].upload("small.txt", b"small").await;
    assert_eq!(at[2].download(&small.id).await, b"small");

    // A challenge of one node is answered at another, once.
    let friend = nodes[1].user().await;
    let wish = json!({ "sha256": file.sha256, "size": file.size, "name": "instant.bin" });
    let challenge = friend.post("/file/fastupload").json(&wish).send().await.expect(200).json();
    let answer = json!({ "challenge_id": challenge["challenge_id"], "proof": proof(&challenge, &bytes) });
    let elsewhere = friend.back_on(&nodes[2]);
    let instant: File = elsewhere.post("/file/fastupload/prove").json(&answer).send().await.expect(201).read_as();
    assert_eq!(instant.sha256, file.sha256);
    friend.post("/file/fastupload/prove").json(&answer).send().await.problem(409, "upload_required");

    // A link leads to the store itself, and works without a token.
    let wish = json!({ "id": small.id });
    let link = at[0].post("/file/downloadurl").json(&wish).send().await.expect(200).json();
    let fetched = reqwest::get(link["url"].as_str().unwrap()).await.unwrap();
    assert_eq!(fetched.status(), 200);
    let disposition = fetched.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert!(disposition.starts_with("attachment; filename=\"small.txt\""), "{disposition}");
    assert_eq!(fetched.bytes().await.unwrap().as_ref(), b"small");

    // The projector dies while people work; the bus and the cache go away as well, and come back.
    projector.kill();
    everything.nats.kill();
    everything.redis.kill();
    let mut names_sent = vec!["parts.bin".to_owned(), "small.txt".to_owned()];
    for n in 0..6 {
        let name = format!("{n}.txt");
        at[n % 3].raw_upload(&name, name.clone()).send().await.expect(201);
        names_sent.push(name);
    }
    everything.nats.start_again().unwrap();
    everything.redis.start_again().unwrap();
    names_sent.sort();
    for node in &at {
        until_async("every node shows every file", async || {
            let mut listed = names(node).await;
            listed.sort();
            (listed == names_sent).then_some(())
        })
        .await;
    }
    check_rows(&standing_by, &at[0]).await;

    // A session ends everywhere, whichever node is told: this one began at the first.
    at[1].post("/user/signout").send().await.expect(204);
    let signed_out = Instant::now();
    until_async("the token is dead everywhere", async || {
        let (one, other) = (at[0].get("/user/info").send().await, at[2].get("/user/info").send().await);
        (one.status == 401 && other.status == 401).then_some(())
    })
    .await;
    assert!(signed_out.elapsed() < Duration::from_secs(1), "dead after {:?}", signed_out.elapsed());
    until_async("the relay has told everything", async || {
        let metrics = relay.client().get("/metrics").send().await.expect(200);
        let text = String::from_utf8(metrics.body).unwrap();
        text.lines().any(|line| line == "cairn_relay_lag 0").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_download_goes_on_in_another_process_when_its_own_dies() {
    let everything = Everything::new("offline-takeover").await;
    let cluster = &everything.cluster;
    let _projector = cluster.process("projector,saga");
    let node = cluster.process(NODE);
    let mut fetchers = [cluster.process("offline"), cluster.process("offline")];
    let (user, source) = (node.user().await, Source::start());
    let bytes = content(72, 2 * PART + 99);
    let ends = [(PART + 99, End::Hang)].into();
    source.put("/a.bin", Page { bytes: bytes.clone(), tag: Some("\"a\""), ends, ..Page::default() });
    let asked = user.post("/offline/create").json(&json!({ "url": source.url("/a.bin") })).send().await.expect(202).json();
    let id = asked["id"].as_str().unwrap();
    let of_it = |name: &str| {
        let events = node.events();
        events.into_iter().filter(|event| event["type"] == name).collect::<Vec<_>>()
    };
    until_async("a part is durable", async || (of_it("ChunkReceived").len() == 1).then_some(())).await;
    // Whoever has it says how far it is, and others show it.
    let status = async || user.get("/offline/status").query("id", id).send().await.expect(200).json();
    until_async("another process shows it", async || (status().await["received_bytes"] == json!(PART + 99)).then_some(())).await;
    let worker = of_it("OfflineStarted")[0]["data"]["worker"].as_str().unwrap().to_owned();
    let has_it = |drive: &Drive| worker.ends_with(&format!(":{}", drive.process_id()));
    let its_own = fetchers.iter().position(has_it).unwrap();
    fetchers[its_own].kill();
    let ended = until_async("it is there", async || Some(status().await).filter(|offline| offline["state"] == "completed")).await;
    assert_eq!(ended["file"]["sha256"], sha256_hex(&bytes));
    assert_eq!(source.asked("/a.bin"), [0, PART as u64]);
    assert_eq!((of_it("OfflineStarted").len(), of_it("FileAdded").len()), (2, 1));
    assert!(user.download(ended["file"]["id"].as_str().unwrap()).await == bytes, "other bytes");
}

#[tokio::test]
async fn a_process_answers_only_what_it_is_there_for() {
    let cluster = Cluster::new(&[]);
    let projector = cluster.process("projector");
    let accounts = cluster.process("account");
    let files = cluster.process("upload,download");
    let user = accounts.user().await;
    let misdirected = user.get("/file/query").send().await;
    misdirected.problem(421, "misdirected");
    let at_files = user.back_on(&files);
    at_files.upload("a.txt", b"a").await;
    assert_eq!(names(&at_files).await, ["a.txt"]);
    at_files.get("/user/info").send().await.problem(421, "misdirected");
    projector.client().post("/user/signup").json(&json!({})).send().await.problem(421, "misdirected");
    for path in ["/livez", "/readyz", "/metrics", "/openapi.json"] {
        projector.client().get(path).send().await.expect(200);
    }
}
