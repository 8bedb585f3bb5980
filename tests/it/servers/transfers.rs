//! Contents move by themselves from where they landed to where they are to stay, and nobody who asks for them notices.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aws_sdk_s3::Client;
use cairn_infra::s3::S3Settings;
use cairn_oss_double::{Fault, Operation, OssDouble};
use cairn_servers::RabbitMq;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::s3_stores::{self, sdk};
use crate::harness::{BACK_WITHIN, Drive, File, Output, User, command, content, sha1_hex, sha256_hex, skipped, until, until_async};

/// How a process is told of a bucket.
pub(super) fn store_settings(name: &str, settings: &S3Settings) -> Vec<(String, String)> {
    let keys = [
        ("KIND", "s3"),
        ("ENDPOINT", &settings.endpoint),
        ("BUCKET", &settings.bucket),
        ("ACCESS_KEY_ID", &settings.access_key_id),
        ("SECRET_ACCESS_KEY", &settings.secret_access_key),
        ("PATH_STYLE", if settings.path_style { "true" } else { "false" }),
        ("FLAVOR", if settings.path_style { "ceph" } else { "oss" }),
        ("PREFIX", &settings.prefix),
    ];
    keys.map(|(key, value)| (format!("CAIRN_STORES__{name}__{key}"), value.to_owned())).into()
}

pub(super) fn borrowed(settings: &[(String, String)]) -> Vec<(&str, &str)> {
    settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// Every key in the bucket, as somebody else sees it.
pub(super) async fn keys_in(client: &Client, bucket: &str) -> BTreeSet<String> {
    let (mut keys, mut after) = (BTreeSet::new(), None::<String>);
    loop {
        let page = client.list_objects_v2().bucket(bucket).set_start_after(after.clone()).send().await.unwrap();
        keys.extend(page.contents().iter().map(|object| object.key().unwrap().to_owned()));
        if page.is_truncated() != Some(true) {
            return keys;
        }
        after = keys.last().cloned();
    }
}

/// Looks until the file is where it should be.
async fn until_in(user: &User, file: &File, store: &str) {
    until_async("the content has moved", async || {
        let listed = user.list("limit=1000").await;
        listed.iter().any(|one| one.id == file.id && one.stored_in == store).then_some(())
    })
    .await;
}

fn from_disk_to_oss() -> (OssDouble, Vec<(String, String)>) {
    let (double, oss) = s3_stores::oss();
    let mut settings = store_settings("OSS", &oss);
    settings.push(("CAIRN_POLICY__MOVE_TO".to_owned(), "oss".to_owned()));
    (double, settings)
}

#[tokio::test]
async fn a_file_moves_from_the_disk_to_oss_and_is_the_same() {
    let (double, settings) = from_disk_to_oss();
    let drive = Drive::with(&borrowed(&settings));
    let user = drive.user().await;
    for (name, bytes) in [("small.bin", content(1, 1_000)), ("large.bin", content(2, 40_000_000)), ("empty.bin", Vec::new())] {
        let file = user.upload(name, &bytes).await;
        until_in(&user, &file, "oss").await;
        assert!(user.download(&file.id).await == bytes, "{name} has other bytes");
        let part = user.get("/file/download").query("id", &file.id).header("range", "bytes=0-99").send().await;
        if !bytes.is_empty() {
            assert_eq!(part.expect(206).body, bytes[..100], "{name}");
        }
        let key = format!("blobs/{}", sha256_hex(&bytes));
        assert!(double.objects("bucket").iter().any(|object| object.key == key), "{key}");
    }
    until("the disk is empty", || drive.files_in("blobs").is_empty().then_some(()));
    assert!(double.open_multipart_uploads("bucket").is_empty());
    // The same content again goes nowhere: it is there.
    let again = user.upload("again.bin", &content(1, 1_000)).await;
    assert_eq!(again.stored_in, "oss");
    assert_eq!(double.objects("bucket").len(), 3);
    assert!(drive.files_in("blobs").is_empty() && drive.files_in("staging").iter().all(|path| !path.ends_with("whole")));
    let transfers: Vec<Value> = drive.cairn(&["transfer", "list", "--json"]).json_lines();
    assert_eq!(transfers.iter().filter(|transfer| transfer["state"] == "completed").count(), 3, "{transfers:?}");
}

#[tokio::test]
async fn a_reader_who_began_before_the_move_reads_to_the_end() {
    let (double, mut settings) = from_disk_to_oss();
    settings.push(("CAIRN_POLICY__AFTER_SECONDS".to_owned(), "2".to_owned()));
    let drive = Drive::with(&borrowed(&settings));
    let user = drive.user().await;
    let bytes = content(3, 60_000_000);
    let file = user.upload("long.bin", &bytes).await;
    let mut reading = user.get("/file/download").query("id", &file.id).open().await;
    let mut got = reading.chunk().await.unwrap().unwrap().to_vec();
    until_in(&user, &file, "oss").await;
    until("the source is gone", || drive.files_in("blobs").is_empty().then_some(()));
    while let Some(piece) = reading.chunk().await.unwrap() {
        got.extend_from_slice(&piece);
    }
    assert!(got == bytes, "other bytes");
    assert_eq!(double.objects("bucket").len(), 1);
}

#[tokio::test]
async fn a_transfer_that_fails_stalls_is_shown_and_can_be_retried_or_given_up() {
    let (double, mut settings) = from_disk_to_oss();
    settings.push(("CAIRN_TRANSFERS__FAILURES_MAX".to_owned(), "1".to_owned()));
    let drive = Drive::with(&borrowed(&settings));
    let user = drive.user().await;
    double.inject(Operation::PutObject, Fault::SlowDown, 1_000);
    for name in ["a", "b"] {
        user.upload(name, name.as_bytes()).await;
    }
    let stalled = until("both have stalled", || {
        let stalled: Vec<Value> = drive.cairn(&["transfer", "list", "--state", "stalled", "--json"]).json_lines();
        (stalled.len() == 2).then_some(stalled)
    });
    double.clear_faults();
    let figures = ["cairn_transfers{state=\"stalled\"} 2", "cairn_transfers_bytes{state=\"stalled\"} 2"];
    until_async("the gauges say so", async || {
        let metrics = String::from_utf8(user.get("/metrics").send().await.expect(200).body).unwrap();
        figures.iter().all(|figure| metrics.lines().any(|line| line == *figure)).then_some(())
    })
    .await;
    let id = |index: usize| stalled[index]["id"].as_str().unwrap().to_owned();
    assert!(stalled[0]["reason"].as_str().unwrap().contains("oss"), "{stalled:?}");
    let given_up = drive.cairn(&["transfer", "abandon", &id(0), "--reason", "a test", "--json"]).json_lines();
    assert_eq!(given_up, [json!({ "id": id(0), "state": "abandoned" })]);
    let retried = drive.cairn(&["transfer", "retry", "--all", "--json"]).json_lines();
    assert_eq!(retried, [json!({ "id": id(1), "state": "requested" })]);
    until_async("the other has moved", async || {
        let files = user.list("limit=10").await;
        (files.iter().filter(|file| file.stored_in == "oss").count() == 1).then_some(())
    })
    .await;
    assert_eq!(drive.cairn(&["transfer", "retry", &id(0)]).code, Some(1), "it was given up");
    let story = drive.cairn(&["transfer", "show", &id(1), "--json"]).json_lines();
    let names: Vec<&str> = story.iter().map(|event| event["type"].as_str().unwrap()).collect();
    for name in
        ["FileMerged", "BlobStored", "FileAdded", "TransferRequested", "TransferStalled", "TransferRetried", "BlobRelocated"]
    {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
}

#[tokio::test]
async fn what_is_under_way_is_not_retried_and_that_is_said() {
    let (double, settings) = from_disk_to_oss();
    let drive = Drive::with(&borrowed(&settings));
    let user = drive.user().await;
    double.inject(Operation::PutObject, Fault::Hang, 1);
    let file = user.upload("a", b"a").await;
    until("a worker is at it", || (double.hanging() == 1).then_some(()));
    let id = until("it is listed", || {
        let listed: Vec<Value> = drive.cairn(&["transfer", "list", "--json"]).json_lines();
        listed.first().map(|transfer| transfer["id"].as_str().unwrap().to_owned())
    });
    let said = drive.cairn(&["transfer", "retry", &id]).success();
    assert!(said.contains(&id) && said.contains("under way") && !said.contains("tried again"), "{said}");
    double.release();
    until_in(&user, &file, "oss").await;
    assert!(!drive.events().iter().any(|event| event["type"] == "TransferRetried"));
}

#[tokio::test]
async fn one_bucket_under_two_addresses_is_no_two_stores() {
    let ceph = s3_stores::ceph("two-addresses").await;
    let place = tempfile::tempdir().unwrap();
    let serve = |first: &S3Settings, second: &S3Settings| {
        let mut serve = command();
        serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(place.path().join("data"));
        serve.envs([store_settings("NEAR", first), store_settings("FAR", second)].concat());
        serve
    };
    let other = S3Settings { endpoint: ceph.endpoint.replace("127.0.0.1", "localhost"), ..ceph.clone() };
    assert_ne!(other.endpoint, ceph.endpoint);
    let refused = Output::of(&mut serve(&ceph, &other));
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("[stores.near]") && refused.stderr.contains("[stores.far]"), "{refused:?}");
    assert!(keys_in(&sdk(&ceph), &ceph.bucket).await.is_empty(), "the look leaves nothing");
    // The same bucket below another prefix is another place.
    let below = S3Settings { prefix: "another drive/".to_owned(), ..other };
    let apart: Vec<(String, String)> = [store_settings("NEAR", &ceph), store_settings("FAR", &below)].concat();
    Drive::with(&borrowed(&apart)).user().await.upload("a", b"a").await;
}

#[tokio::test]
async fn what_is_there_already_is_migrated_on_demand() {
    let (double, oss) = s3_stores::oss();
    let drive = Drive::with(&borrowed(&store_settings("OSS", &oss)));
    let user = drive.user().await;
    for n in 0..12_u8 {
        user.upload(&format!("{n}.bin"), &[n; 1_000]).await;
    }
    let migrate = ["transfer", "migrate", "--from", "local", "--to", "oss", "--json"];
    let told: Value = serde_json::from_str(&drive.cairn(&migrate).success()).unwrap();
    assert_eq!((&told["contents"], &told["bytes"], &told["dry_run"]), (&json!(12), &json!(12_000), &json!(true)));
    assert!(double.objects("bucket").is_empty(), "a dry run does nothing");
    for moved in [12, 0] {
        let told = drive.cairn(&[&migrate[..], &["--yes", "--at-once", "5"]].concat()).success();
        assert_eq!(serde_json::from_str::<Value>(&told).unwrap()["moved"], moved, "{told}");
    }
    assert_eq!(double.objects("bucket").len(), 12);
    assert!(user.list("limit=100").await.iter().all(|file| file.stored_in == "oss"));
    until("the disk is empty", || drive.files_in("blobs").is_empty().then_some(()));
    for wrong in [["--from", "nowhere", "--to", "oss"], ["--from", "oss", "--to", "oss"]] {
        assert_ne!(drive.cairn(&[&["transfer", "migrate"], &wrong[..]].concat()).code, Some(0), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_migration_is_slowed_paused_by_ctrl_c_and_goes_on() {
    let (double, oss) = s3_stores::oss();
    let drive = Drive::with(&borrowed(&store_settings("OSS", &oss)));
    let user = drive.user().await;
    for n in 0..10_u8 {
        user.upload(&format!("{n}.bin"), &[n; 1_000]).await;
    }
    let migrate = ["transfer", "migrate", "--from", "local", "--to", "oss", "--yes", "--json"];
    let began = Instant::now();
    let slow = drive.command(&[&migrate[..], &["--bytes-per-second", "1000"]].concat()).stdout(Stdio::piped()).spawn().unwrap();
    until("some have moved", || (double.objects("bucket").len() >= 3).then_some(()));
    kill_process(Pid::from_child(&slow), Signal::INT).unwrap();
    let told: Value = serde_json::from_slice(&slow.wait_with_output().unwrap().stdout).unwrap();
    let sent = told["contents"].as_u64().unwrap();
    assert!(told["paused"] == true && (3..10).contains(&sent), "{told}");
    assert!(began.elapsed() >= Duration::from_secs(sent - 1), "{sent} in {:?}", began.elapsed());
    let rest: Value = serde_json::from_str(&drive.cairn(&migrate).success()).unwrap();
    assert!(rest["paused"] == false && rest["moved"].as_u64() >= Some(10 - sent), "{rest}");
    assert_eq!(double.objects("bucket").len(), 10);
    until("the disk is empty", || drive.files_in("blobs").is_empty().then_some(()));
}

#[tokio::test]
async fn what_nobody_needs_any_more_is_deleted_from_every_store() {
    let (double, mut settings) = from_disk_to_oss();
    settings.push(("CAIRN_UPKEEP__UNUSED_KEPT_SECONDS".to_owned(), "0".to_owned()));
    let mut drive = Drive::with(&borrowed(&settings));
    let user = drive.user().await;
    let (gone, kept) = (user.upload("gone.bin", b"gone").await, user.upload("kept.bin", b"kept").await);
    let again = user.upload("again.bin", b"kept").await;
    for file in [&gone, &kept, &again] {
        until_in(&user, file, "oss").await;
    }
    for file in [&gone, &kept] {
        user.post("/file/delete").json(&json!({ "id": file.id, "purge": true })).send().await.expect(204);
    }
    // One looks for it at the start, and then now and again.
    drive.stop();
    drive.start_again();
    let user = user.back_on(&drive);
    let key = |bytes: &[u8]| format!("blobs/{}", sha256_hex(bytes));
    until("what nobody needs is gone", || {
        let keys: Vec<String> = double.objects("bucket").into_iter().map(|object| object.key).collect();
        (keys == [key(b"kept")]).then_some(())
    });
    let deleted: Vec<Value> = drive.events().into_iter().filter(|event| event["type"] == "BlobDeleted").collect();
    assert_eq!(deleted.len(), 1, "{deleted:?}");
    assert_eq!(deleted[0]["stream"], format!("blob-{}", gone.sha256));
    assert_eq!(user.download(&again.id).await, b"kept");
    assert_eq!(user.download(&user.upload("gone.bin", b"gone").await.id).await, b"gone", "it may come again");
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
