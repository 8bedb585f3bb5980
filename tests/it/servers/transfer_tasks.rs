//! Transfers whose tasks go through RabbitMQ: they come often and in any order, from uploaders of the design before and to its workers, and some of
//! them are poison.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cairn_servers::RabbitMq;
use lapin::options::{BasicGetOptions, BasicPublishOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use serde_json::{Value, json};

use super::s3_stores::{self, sdk};
use super::transfers::{borrowed, from_disk_to_oss, keys_in, store_settings, until_in};
use crate::harness::{BACK_WITHIN, Chance, Drive, File, User, content, sha1_hex, sha256_hex, skipped, until, until_async};

/// Somebody else's end of the queue of tasks.
struct Broker {
    _connection: Connection,
    channel: Channel,
}

const QUEUE: &str = "uploadserver.trans.oss";

impl Broker {
    async fn of(rabbitmq: &RabbitMq) -> Self {
        let connection = Connection::connect(&rabbitmq.url(), ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        Self { _connection: connection, channel }
    }

    async fn publish(&self, body: &[u8]) {
        let (exchange, options) = ("uploadserver.trans".into(), BasicPublishOptions::default());
        let sent = self.channel.basic_publish(exchange, "oss".into(), options, body, BasicProperties::default()).await.unwrap();
        sent.await.unwrap();
    }

    /// As an uploader of the design before does: it knows the content's SHA-1, and names of its own for places.
    async fn publish_as_before(&self, sha1: &str) {
        let (from, to) = (format!("/tmp/{sha1}"), format!("oss/{sha1}"));
        let task = json!({ "FileHash": sha1, "CurLocation": from, "DestLocation": to, "DestStoreType": 3 });
        self.publish(task.to_string().as_bytes()).await;
    }

    async fn messages_in(&self, queue: &str) -> u32 {
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        self.channel.queue_declare(queue.into(), passive, FieldTable::default()).await.unwrap().message_count()
    }

    /// Everything that waits there, which is then gone.
    async fn take_all(&self, queue: &str) -> Vec<Vec<u8>> {
        let mut bodies = Vec::new();
        while let Some(got) = self.channel.basic_get(queue.into(), BasicGetOptions { no_ack: true }).await.unwrap() {
            bodies.push(got.delivery.data);
        }
        bodies
    }
}

const KINDS: [&str; 2] = ["classic", "quorum"];

/// A drive whose tasks go through that server.
fn over(rabbitmq: &RabbitMq, kind: &str, settings: &[(String, String)], services: &str) -> Vec<(String, String)> {
    let more = [("QUEUE__URL", rabbitmq.url().as_str()), ("QUEUE__KIND", kind), ("SERVER__SERVICES", services)]
        .map(|(key, value)| (format!("CAIRN_{key}"), value.to_owned()));
    [settings, &more].concat()
}

const NO_WORKER: &str = "account,upload,download,share,projector,saga,relay,janitor";

/// What the log says of contents and transfers, by the names of the events.
fn told(drive: &Drive) -> BTreeMap<String, usize> {
    let mut told = BTreeMap::new();
    for event in drive.events() {
        let name = event["type"].as_str().unwrap();
        if name.starts_with("Blob") || name.starts_with("Transfer") {
            *told.entry(name.to_owned()).or_default() += 1;
        }
    }
    told
}

#[tokio::test]
async fn tasks_that_come_five_times_and_in_any_order_leave_what_a_clean_run_leaves() {
    let mut chance = Chance::from_environment();
    for kind in KINDS {
        let rabbitmq = RabbitMq::start().unwrap();
        let (double, settings) = from_disk_to_oss();
        let data = tempfile::tempdir().unwrap();
        let mut drive = Drive::on(&data.path().join("data"), &borrowed(&over(&rabbitmq, kind, &settings, NO_WORKER)));
        let user = drive.user().await;
        for n in 0..20_u8 {
            user.upload(&format!("{n}.bin"), &[n; 3_000]).await;
        }
        let broker = Broker::of(&rabbitmq).await;
        until_async("each has a task", async || (broker.messages_in(QUEUE).await == 20).then_some(())).await;
        drive.stop();
        let tasks = broker.take_all(QUEUE).await;
        let publish_five_times = async |chance: &mut Chance| {
            let mut copies: Vec<(u64, &Vec<u8>)> =
                tasks.iter().flat_map(|task| [task; 5]).map(|task| (chance.next(), task)).collect();
            copies.sort();
            for (_, task) in copies {
                broker.publish(task).await;
            }
        };
        publish_five_times(&mut chance).await;

        let mut drive = Drive::on(&data.path().join("data"), &borrowed(&over(&rabbitmq, kind, &settings, "all")));
        let user = user.back_on(&drive);
        let settled = async || {
            let moved = user.list("limit=100").await.iter().all(|file| file.stored_in == "oss");
            (moved && broker.messages_in(QUEUE).await == 0).then_some(())
        };
        until_async("all have moved, and no task is left", settled).await;
        until("the disk is empty", || drive.files_in("blobs").is_empty().then_some(()));
        let clean = ["BlobStored", "BlobReferenced", "BlobRelocated", "BlobCopyRemoved"]
            .into_iter()
            .chain(["TransferRequested", "TransferQueued", "TransferStarted", "TransferCompleted"])
            .map(|name| (name.to_owned(), 20))
            .collect::<BTreeMap<_, _>>();
        until("each has happened once", || (told(&drive) == clean).then_some(()));

        // Long after, all of it comes again.
        drive.stop();
        publish_five_times(&mut chance).await;
        // What a worker holds when it stops is in the queue again.
        let mut lives = 0;
        while broker.messages_in(QUEUE).await > 0 {
            drive.start_again();
            until_async("no task waits", async || (broker.messages_in(QUEUE).await == 0).then_some(())).await;
            drive.stop();
            lives += 1;
            assert!(lives < 10, "tasks come back without end");
        }
        assert_eq!(broker.messages_in("uploadserver.trans.oss.err").await, 0, "{kind}");
        drive.start_again();
        assert_eq!(told(&drive), clean, "{kind}");
        assert_eq!(double.objects("bucket").len(), 20, "{kind}");
        assert!(drive.files_in("blobs").is_empty() && double.open_multipart_uploads("bucket").is_empty(), "{kind}");
    }
}

#[tokio::test]
async fn poison_is_put_aside_and_nothing_else_stops() {
    for kind in KINDS {
        let rabbitmq = RabbitMq::start().unwrap();
        let (_double, settings) = from_disk_to_oss();
        let drive = Drive::with(&borrowed(&over(&rabbitmq, kind, &settings, "all")));
        let user = drive.user().await;
        let broker = Broker::of(&rabbitmq).await;
        let unknown = sha1_hex(b"nobody has stored this");
        for poison in [&b"garbage"[..], b"", b"{\"FileHash\":7}"] {
            broker.publish(poison).await;
        }
        broker.publish_as_before(&unknown).await;
        for n in 0..10_u8 {
            let file = user.upload(&format!("{n}.bin"), &[n; 1_000]).await;
            until_in(&user, &file, "oss").await;
        }
        let errors = "uploadserver.trans.oss.err";
        until_async("all poison is put aside", async || (broker.messages_in(errors).await == 4).then_some(())).await;
        let aside = broker.take_all(errors).await;
        assert!(aside.iter().any(|body| String::from_utf8_lossy(body).contains(&unknown)), "{kind}: {aside:?}");
        assert_eq!(broker.messages_in(QUEUE).await, 0, "{kind}");
        let transfers: Vec<Value> = drive.cairn(&["transfer", "list", "--json"]).json_lines();
        assert!(transfers.len() == 10 && transfers.iter().all(|transfer| transfer["state"] == "completed"), "{transfers:?}");
    }
}

#[tokio::test]
async fn a_task_of_an_uploader_of_the_design_before_is_done() {
    let rabbitmq = RabbitMq::start().unwrap();
    let (double, oss) = s3_stores::oss();
    // Nothing moves by itself.
    let settings = over(&rabbitmq, "classic", &store_settings("OSS", &oss), "all");
    let drive = Drive::with(&borrowed(&settings));
    let user = drive.user().await;
    let (named, other) = (content(5, 9_000), content(6, 9_000));
    let (file, stays) = (user.upload("named.bin", &named).await, user.upload("other.bin", &other).await);
    assert_eq!(file.stored_in, "local");
    let broker = Broker::of(&rabbitmq).await;
    for _ in 0..2 {
        broker.publish_as_before(&sha1_hex(&named)).await;
    }
    until_in(&user, &file, "oss").await;
    assert!(user.download(&file.id).await == named, "other bytes");
    let keys: Vec<String> = double.objects("bucket").into_iter().map(|object| object.key).collect();
    assert_eq!(keys, [format!("blobs/{}", file.sha256)]);
    until_async("no task is left", async || (broker.messages_in(QUEUE).await == 0).then_some(())).await;
    let listed = user.list("limit=10").await;
    assert!(listed.iter().any(|one| one.id == stays.id && one.stored_in == "local"), "{listed:?}");
    let transfers: Vec<Value> = drive.cairn(&["transfer", "list", "--json"]).json_lines();
    assert_eq!(transfers.len(), 1, "{transfers:?}");
    assert_eq!(transfers[0]["state"], "completed", "{transfers:?}");
}

/// The old worker as a process.
struct OldWorker(Child);

impl OldWorker {
    fn start(python: &str, arguments: &[&str]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/old_worker/worker.py");
        let mut child = Command::new(python).arg(script).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(said.next().unwrap().unwrap(), "ready");
        std::thread::spawn(move || said.map_while(Result::ok).for_each(drop));
        Self(child)
    }
}

impl Drop for OldWorker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What people do all day, each of it well and in time.
async fn a_day(drive: &Drive, user: &User, what: &str) -> File {
    let began = Instant::now();
    let in_time = |step: &str| assert!(began.elapsed() < A_DAY_MAX, "{what}: {step} after {:?}", began.elapsed());
    let file = user.upload(&format!("{what}.bin"), what.as_bytes()).await;
    in_time("uploaded");
    let renamed = user.post("/file/update").json(&json!({ "id": file.id, "name": "renamed.bin" })).send().await.expect(200);
    assert_eq!(renamed.read_as::<File>().name, "renamed.bin");
    in_time("renamed");
    user.post("/share/create").json(&json!({ "file_id": file.id })).send().await.expect(201);
    in_time("shared");
    assert!(user.list("limit=1000").await.iter().any(|listed| listed.id == file.id));
    assert_eq!(user.download(&file.id).await, what.as_bytes());
    in_time("downloaded");
    // A password takes its time, and a build without optimisations takes all of it.
    assert_eq!(drive.user().await.list("").await, []);
    file
}

/// What a test does to the broker.
type Act = fn(&mut RabbitMq);

/// What [`a_day`] has of files takes less, all of it, than a single request may.
const A_DAY_MAX: Duration = Duration::from_secs(3);

#[tokio::test]
async fn a_drive_whose_queue_is_away_goes_on_and_says_so() {
    let mut rabbitmq = RabbitMq::start().unwrap();
    let (_double, mut settings) = from_disk_to_oss();
    settings.push(("CAIRN_QUEUE__URL".to_owned(), rabbitmq.url()));
    let drive = Drive::with(&borrowed(&settings));
    let until_queue_is = async |state: &str| {
        until_async(&format!("the queue is {state}"), async || (drive.dependency("queue").await == state).then_some(())).await;
    };
    let user = drive.user().await;
    until_queue_is("ready").await;
    let faults: [(&str, Act, Act); 3] = [
        ("stopped", |server| server.stop().unwrap(), |server| server.start_again().unwrap()),
        ("frozen", |server| server.freeze(), |server| server.thaw()),
        ("killed", RabbitMq::kill, |server| server.start_again().unwrap()),
    ];
    for (what, begin, end) in faults {
        begin(&mut rabbitmq);
        // At once, and when it is known.
        let first = a_day(&drive, &user, &format!("just {what}")).await;
        until_queue_is("degraded").await;
        let later = a_day(&drive, &user, what).await;
        end(&mut rabbitmq);
        let ended = Instant::now();
        until_queue_is("ready").await;
        for file in [first, later] {
            until_in(&user, &file, "oss").await;
        }
        assert!(ended.elapsed() < BACK_WITHIN, "{what}: back after {:?}", ended.elapsed());
    }
}

#[tokio::test]
async fn a_worker_of_the_design_before_takes_tasks_beside_ours() {
    let Ok(venv) = std::env::var("CAIRN_TEST_VENV") else {
        return skipped("a worker of the design before", "CAIRN_TEST_VENV is not set");
    };
    let rabbitmq = RabbitMq::start().unwrap();
    let ceph = s3_stores::ceph("old-worker").await;
    let mut settings = store_settings("CEPH", &ceph);
    settings.push(("CAIRN_POLICY__MOVE_TO".to_owned(), "ceph".to_owned()));
    settings.push(("CAIRN_QUEUE__URL".to_owned(), rabbitmq.url()));
    let data = tempfile::tempdir().unwrap();
    let mut alone = settings.clone();
    let without_transfer = "account,upload,download,share,projector,saga,relay,janitor";
    alone.push(("CAIRN_SERVER__SERVICES".to_owned(), without_transfer.to_owned()));
    let mut drive = Drive::on(&data.path().join("data"), &borrowed(&alone));
    let user = drive.user().await;
    let arguments = [&rabbitmq.url(), &ceph.endpoint, &ceph.bucket, &ceph.access_key_id, &ceph.secret_access_key];
    let _worker = OldWorker::start(&format!("{venv}/bin/python"), &arguments.map(String::as_str));
    let bytes = content(4, 100_000);
    let file = user.upload("old.bin", &bytes).await;
    assert_eq!(file.sha1, sha1_hex(&bytes));
    until_in(&user, &file, "ceph").await;
    assert!(user.download(&file.id).await == bytes, "other bytes");

    // Now both are at it.
    drive.stop();
    let drive = Drive::on(&data.path().join("data"), &borrowed(&settings));
    let user = user.back_on(&drive);
    for n in 0..20_u8 {
        user.upload(&format!("{n}.bin"), &[n; 5_000]).await;
    }
    until_async("all have moved", async || user.list("limit=100").await.iter().all(|file| file.stored_in == "ceph").then_some(()))
        .await;
    for file in user.list("limit=100").await {
        assert_eq!(sha256_hex(&user.download(&file.id).await), file.sha256);
    }
    until("the disk is empty", || drive.files_in("blobs").is_empty().then_some(()));
    let blobs = keys_in(&sdk(&ceph), &ceph.bucket).await.into_iter().filter(|key| key.contains("/blobs/")).count();
    assert_eq!(blobs, 21);
}
