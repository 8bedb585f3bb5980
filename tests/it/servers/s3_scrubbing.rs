//! Bits that flip in object stores are found, mended from another store, and what they have spoiled for good is never given out.

use std::collections::BTreeSet;

use aws_sdk_s3::Client;
use cairn_infra::s3::S3Settings;

use super::s3_stores::{self, sdk};
use super::transfers::{borrowed, keys_in, store_settings};
use crate::harness::{Drive, content, sha256_hex, until, until_async};
use crate::scrubbing::counted;

/// Where the drive has put a content.
fn key(settings: &S3Settings, bytes: &[u8]) -> String {
    format!("{}blobs/{}", settings.prefix, sha256_hex(bytes))
}

/// Overwrites the object with one bit flipped.
async fn flip(client: &Client, settings: &S3Settings, bytes: &[u8], bit: usize) {
    let mut flipped = bytes.to_vec();
    flipped[bit] ^= 1 << (bit % 8);
    client.put_object().bucket(&settings.bucket).key(key(settings, bytes)).body(flipped.into()).send().await.unwrap();
}

async fn object(client: &Client, settings: &S3Settings, bytes: &[u8]) -> Vec<u8> {
    let object = client.get_object().bucket(&settings.bucket).key(key(settings, bytes)).send().await.unwrap();
    object.body.collect().await.unwrap().to_vec()
}

#[tokio::test]
async fn a_hundred_flipped_bits_in_ceph_are_found_and_mended_from_oss() {
    let (_double, oss) = s3_stores::oss();
    let ceph = s3_stores::ceph("scrubbing").await;
    let mut settings = [store_settings("CEPH", &ceph), store_settings("OSS", &oss)].concat();
    settings.push(("CAIRN_POLICY__MOVE_TO".to_owned(), "ceph,oss".to_owned()));
    settings.push(("CAIRN_UPKEEP__SCRUB_PERIOD_SECONDS".to_owned(), "3".to_owned()));
    let drive = Drive::with(&borrowed(&settings));
    let user = drive.user().await;
    let contents: Vec<Vec<u8>> = (0..110).map(|seed| content(seed, 2_000)).collect();
    for bytes in &contents {
        user.upload(&sha256_hex(bytes), bytes).await;
    }
    let (in_ceph, in_oss) = (sdk(&ceph), sdk(&oss));
    until_async("all have two copies, and none on the disk", async || {
        let copies = keys_in(&in_ceph, &ceph.bucket).await.len() + keys_in(&in_oss, &oss.bucket).await.len();
        (copies == 220 && drive.files_in("blobs").is_empty()).then_some(())
    })
    .await;

    for (bit, bytes) in contents[..100].iter().enumerate() {
        flip(&in_ceph, &ceph, bytes, bit).await;
    }
    until_async("all are found", async || (counted(&drive, "cairn_damaged_copies_total").await == 100).then_some(())).await;
    until_async("all are mended", async || (counted(&drive, "cairn_repaired_copies_total").await == 100).then_some(())).await;
    for bytes in &contents {
        assert!(object(&in_ceph, &ceph, bytes).await == *bytes, "a copy in Ceph has other bytes");
    }
    for file in user.list("limit=1000").await {
        assert_eq!(sha256_hex(&user.download(&file.id).await), file.sha256);
    }

    // What is spoiled everywhere can't be mended. One copy may be mended from the other before that one is spoiled, too: then once more.
    let (spoiled, sound) = contents.split_at(10);
    until_async("no sound copy of ten is left", async || {
        let mut lost = 0;
        for file in user.list("limit=1000").await {
            let Some(bytes) = spoiled.iter().find(|bytes| sha256_hex(bytes) == file.sha256) else { continue };
            let answer = user.get("/file/download").query("id", &file.id).try_send().await.unwrap();
            if answer.status == 500 {
                answer.problem(500, "content_damaged");
                lost += 1;
            } else if answer.status != 503 {
                flip(&in_ceph, &ceph, bytes, 1).await;
                flip(&in_oss, &oss, bytes, 2).await;
            }
        }
        (lost == spoiled.len()).then_some(())
    })
    .await;
    for file in user.list("limit=1000").await.iter().filter(|file| sound.iter().any(|bytes| sha256_hex(bytes) == file.sha256)) {
        assert_eq!(sha256_hex(&user.download(&file.id).await), file.sha256);
    }
    // A download fails before the log says why.
    until("all of it is on the log", || {
        let events = drive.events();
        let of = |name: &str, store: &str| {
            events.iter().filter(|event| event["type"] == name && event["data"]["store"] == store).count()
        };
        let all = of("BlobDamaged", "ceph") >= 110 && of("BlobDamaged", "oss") >= 10 && of("BlobRepaired", "ceph") >= 100;
        all.then_some(())
    });
}

#[tokio::test]
async fn a_download_that_meets_a_damaged_copy_takes_another_and_has_it_mended() {
    let (_double, oss) = s3_stores::oss();
    let ceph = s3_stores::ceph("damaged-downloads").await;
    let mut settings = [store_settings("CEPH", &ceph), store_settings("OSS", &oss)].concat();
    settings.push(("CAIRN_POLICY__MOVE_TO".to_owned(), "ceph,oss".to_owned()));
    settings.push(("CAIRN_UPKEEP__SCRUB_PERIOD_SECONDS".to_owned(), "0".to_owned()));
    let drive = Drive::with(&borrowed(&settings));
    let user = drive.user().await;
    let (small, large) = (content(1, 2_000), content(2, 1_000_000));
    let (small_file, large_file) = (user.upload("small.bin", &small).await, user.upload("large.bin", &large).await);
    let (in_ceph, in_oss) = (sdk(&ceph), sdk(&oss));
    until_async("both have two copies", async || {
        let copies = keys_in(&in_ceph, &ceph.bucket).await.len() + keys_in(&in_oss, &oss.bucket).await.len();
        (copies == 4 && drive.files_in("blobs").is_empty()).then_some(())
    })
    .await;
    // The copies that are read first. The store itself takes these bytes for the right ones.
    let first = user.list("limit=2").await.into_iter().map(|file| file.stored_in).collect::<BTreeSet<_>>();
    let (client, bucket) = if first == BTreeSet::from(["ceph".to_owned()]) { (&in_ceph, &ceph) } else { (&in_oss, &oss) };
    assert_eq!(first.len(), 1, "{first:?}");
    for bytes in [&small, &large] {
        flip(client, bucket, bytes, 5).await;
    }
    assert!(user.download(&small_file.id).await == small);
    // Of a large one the first download may break off; nobody gets all of it wrong.
    until_async("the large one comes from the sound copy", async || {
        let answer = user.get("/file/download").query("id", &large_file.id).try_send().await.ok()?;
        assert!(answer.expect(200).body == large, "other bytes");
        Some(())
    })
    .await;
    until_async("both are mended", async || (counted(&drive, "cairn_repaired_copies_total").await == 2).then_some(())).await;
    for bytes in [&small, &large] {
        assert!(object(client, bucket, bytes).await == *bytes, "other bytes");
    }
}
