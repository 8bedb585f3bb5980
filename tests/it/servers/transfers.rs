//! Contents move by themselves from where they landed to where they are to stay, and nobody who asks for them notices.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::{Duration, Instant};

use aws_sdk_s3::Client;
use cairn_infra::s3::S3Settings;
use cairn_oss_double::{Fault, Operation, OssDouble};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::s3_stores::{self, sdk};
use crate::harness::{Drive, File, Output, User, command, content, sha256_hex, until, until_async};

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
pub(super) async fn until_in(user: &User, file: &File, store: &str) {
    until_async("the content has moved", async || {
        let listed = user.list("limit=1000").await;
        listed.iter().any(|one| one.id == file.id && one.stored_in == store).then_some(())
    })
    .await;
}

pub(super) fn from_disk_to_oss() -> (OssDouble, Vec<(String, String)>) {
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

/// Where a link for everybody leads.
async fn link(user: &User, file: &File) -> String {
    let link = user.post("/file/downloadurl").json(&json!({ "id": file.id })).send().await.expect(200).json();
    link["url"].as_str().unwrap().to_owned()
}

/// What somebody gets there who has nothing but the link.
async fn follow(link: &str, stores: &[&OssDouble]) -> (u16, Vec<u8>) {
    let mut client = reqwest::Client::builder().no_proxy();
    let address = stores.iter().map(|double| double.address()).find(|address| link.contains(&format!(":{}/", address.port())));
    if let Some(address) = address {
        client = client.resolve("bucket.oss.localhost", address);
    }
    let answer = client.build().unwrap().get(link).send().await.unwrap();
    (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec())
}

fn leads_to(link: &str, double: &OssDouble) -> bool {
    link.starts_with(&format!("http://bucket.oss.localhost:{}/", double.address().port()))
}

#[tokio::test]
async fn a_link_leads_to_where_the_file_is_before_and_after_it_moves() {
    let (double, mut settings) = from_disk_to_oss();
    settings.push(("CAIRN_STORES__OSS__PUBLIC_ENDPOINT".to_owned(), double.endpoint()));
    let drive = Drive::with(&borrowed(&settings));
    let user = drive.user().await;
    double.inject(Operation::PutObject, Fault::Hang, 1);
    let bytes = content(7, 50_000);
    let file = user.upload("a.bin", &bytes).await;
    until("it is on its way", || (double.hanging() == 1).then_some(()));
    let before = link(&user, &file).await;
    assert!(!leads_to(&before, &double), "{before}");
    assert_eq!(follow(&before, &[&double]).await, (200, bytes.clone()));
    double.release();
    until_in(&user, &file, "oss").await;
    let after = link(&user, &file).await;
    assert!(leads_to(&after, &double), "{after}");
    assert_eq!(follow(&after, &[&double]).await, (200, bytes.clone()));
    assert_eq!(follow(&before, &[&double]).await, (200, bytes), "a link to the drive follows the file");
}

#[tokio::test]
async fn a_link_to_a_store_ends_when_the_file_is_migrated_away_from_it() {
    let ((near, near_settings), (far, far_settings)) = (s3_stores::oss(), s3_stores::oss());
    let mut settings = [store_settings("NEAR", &near_settings), store_settings("FAR", &far_settings)].concat();
    let more = [
        ("STORES__NEAR__PUBLIC_ENDPOINT", near.endpoint()),
        ("STORES__FAR__PUBLIC_ENDPOINT", far.endpoint()),
        ("POLICY__LAND", "near".to_owned()),
    ];
    settings.extend(more.map(|(key, value)| (format!("CAIRN_{key}"), value)));
    let drive = Drive::with(&borrowed(&settings));
    let user = drive.user().await;
    let bytes = content(8, 50_000);
    let file = user.upload("a.bin", &bytes).await;
    let stores = [&near, &far];
    let before = link(&user, &file).await;
    assert!(leads_to(&before, &near), "{before}");
    assert_eq!(follow(&before, &stores).await, (200, bytes.clone()));
    drive.cairn(&["transfer", "migrate", "--from", "near", "--to", "far", "--yes"]).success();
    until_in(&user, &file, "far").await;
    let after = link(&user, &file).await;
    assert!(leads_to(&after, &far), "{after}");
    assert_eq!(follow(&after, &stores).await, (200, bytes));
    until("the copy that was migrated is gone", || near.objects("bucket").is_empty().then_some(()));
    assert_eq!(follow(&before, &stores).await.0, 404);
}
