//! Copies that come from other stores.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cairn_commands::ports::blobs::{BlobError, BlobStore};
use cairn_commands::ports::staging::Staging;
use cairn_commands::ports::tasks::StoreKind;
use cairn_domain::Sha256;
use cairn_domain::blob::BlobKey;
use cairn_infra::s3::{Flavor, S3Settings, S3Store};
use cairn_oss_double::{Fault, Operation};
use futures_util::{StreamExt, stream};
use md5::Md5;
use sha2::Digest;

use super::s3_staging::resident_peak_kib;
use super::s3_stores::{MIB, Node, body, ceph, content, key_of, oss, put, sdk};
use crate::harness::until_async;

async fn write(node: &Node, key: BlobKey, bytes: &Bytes) -> Result<(), BlobError> {
    node.blobs.write(key, bytes.len() as u64, body(bytes)).await
}

/// By one request up to 16 MiB, in parts beyond.
async fn copies_of_any_size_come_whole(settings: &S3Settings) {
    let node = Node::of(settings).await;
    for (seed, length) in [(1, 1), (2, 16 * MIB), (3, 16 * MIB + 1), (4, 45 * MIB + 7)] {
        let bytes = content(seed, length);
        // What is there before may be damaged: the copy takes its place.
        let object = sdk(settings).put_object().bucket(&settings.bucket).key(node.blobs.address(key_of(&bytes)));
        object.body(bytes.slice(1..).into()).send().await.unwrap();
        write(&node, key_of(&bytes), &bytes).await.unwrap();
        node.assert_blob(&bytes).await;
    }
    let begun = sdk(settings).list_multipart_uploads().bucket(&settings.bucket).send().await.unwrap();
    assert_eq!(begun.uploads(), []);
}

#[tokio::test]
async fn copies_of_any_size_come_whole_to_ceph() {
    let settings = ceph("copies-sizes").await;
    copies_of_any_size_come_whole(&settings).await;
    let blobs = Node::of(&settings).await.blobs;
    let key = BlobKey { generation: 3, ..key_of(b"x") };
    assert_eq!((blobs.kind(), blobs.address(key)), (StoreKind::Ceph, format!("a drive/blobs/{key}")));
}

#[tokio::test]
async fn copies_of_any_size_come_whole_to_oss() {
    let (double, settings) = oss();
    copies_of_any_size_come_whole(&settings).await;
    assert_eq!(double.requests(Operation::UploadPart), 3 + 6);
    let blobs = Node::of(&settings).await.blobs;
    assert_eq!((blobs.kind(), blobs.address(key_of(b"x"))), (StoreKind::Oss, format!("blobs/{}", key_of(b"x"))));
}

#[tokio::test]
async fn staged_bytes_stand_in_the_place_of_a_damaged_copy() {
    let (double, settings) = oss();
    let node = Node::of(&settings).await;
    for length in [1000, 17 * MIB] {
        let bytes = content(1, length);
        put(&node, 1, &bytes).await;
        double.corrupt("bucket", &node.blobs.address(key_of(&bytes))).unwrap();
        put(&node, 2, &bytes).await;
        node.assert_blob(&bytes).await;
    }
    assert_eq!(node.staging.list(Duration::ZERO).await.unwrap(), []);
}

#[tokio::test]
async fn a_copy_that_does_not_come_whole_leaves_nothing() {
    let (double, settings) = oss();
    let node = Arc::new(Node::of(&settings).await);
    let bytes = content(1, 30 * MIB);
    let (key, size) = (key_of(&bytes), bytes.len() as u64);
    let broken = body(&bytes.slice(..20 * MIB)).chain(stream::iter([Err(std::io::ErrorKind::ConnectionReset.into())])).boxed();
    let refused = node.blobs.write(key, size, broken).await;
    assert!(matches!(refused, Err(BlobError::Body(_))), "{refused:?}");
    let other = node.blobs.write(key_of(b"other"), size, body(&bytes)).await;
    assert!(matches!(other, Err(BlobError::NotTheContent(told)) if told == key_of(b"other")), "{other:?}");
    assert_eq!(double.open_multipart_uploads("bucket"), []);

    let gone = node.clone();
    let stalled = body(&bytes.slice(..20 * MIB)).chain(stream::pending()).boxed();
    let writing = tokio::spawn(async move { gone.blobs.write(key, size, stalled).await });
    until_async("parts have come", async || (!double.open_multipart_uploads("bucket").is_empty()).then_some(())).await;
    writing.abort();
    until_async("they are gone", async || double.open_multipart_uploads("bucket").is_empty().then_some(())).await;

    // Whoever goes away before the store has answered has a name for nothing.
    double.inject(Operation::CreateMultipartUpload, Fault::Hang, 1);
    let gone = node.clone();
    let writing = tokio::spawn(async move { gone.blobs.write(key, size, body(&bytes)).await });
    until_async("it hangs", async || (double.hanging() == 1).then_some(())).await;
    writing.abort();
    let began = double.requests(Operation::AbortMultipartUpload);
    double.release();
    until_async("it is given up", async || (double.requests(Operation::AbortMultipartUpload) > began).then_some(())).await;
    until_async("it is gone", async || double.open_multipart_uploads("bucket").is_empty().then_some(())).await;
    assert_eq!(double.objects("bucket"), []);
}

/// A process that dies gives up nothing, and the bucket need not be the one where uploads land.
#[tokio::test]
async fn what_a_crash_leaves_of_a_copy_is_swept_and_no_copy() {
    let (double, settings) = oss();
    let begin = async |bytes: &Bytes| {
        let address = Node::of(&settings).await.blobs.address(key_of(bytes));
        sdk(&settings).create_multipart_upload().bucket("bucket").key(address).send().await.unwrap();
    };
    begin(&content(1, 1000)).await;
    double.age_multipart_uploads("bucket", Duration::from_hours(8 * 24));
    let young = content(2, 1000);
    begin(&young).await;
    let node = Node::of(&settings).await;
    assert_eq!(node.blobs.list(None, 10).await.unwrap(), []);
    let small = content(3, 1000);
    write(&node, key_of(&small), &small).await.unwrap();
    let left: Vec<_> = double.open_multipart_uploads("bucket").into_iter().map(|begun| begun.key).collect();
    assert_eq!(left, [node.blobs.address(key_of(&young))]);
    assert_eq!(node.blobs.list(None, 10).await.unwrap(), [key_of(&small)]);
}

/// A copy that takes longer than a week is under way as long as parts of it come, whichever process sends them.
#[tokio::test]
async fn a_copy_to_which_parts_still_come_is_not_swept() {
    let (double, settings) = oss();
    let slow = content(1, 1000);
    let address = Node::of(&settings).await.blobs.address(key_of(&slow));
    let client = sdk(&settings);
    let begun = client.create_multipart_upload().bucket("bucket").key(&address).send().await.unwrap();
    double.age_multipart_uploads("bucket", Duration::from_hours(8 * 24));
    let part = client.upload_part().bucket("bucket").key(&address).upload_id(begun.upload_id().unwrap()).part_number(1);
    part.body(slow.clone().into()).send().await.unwrap();
    let sweep = async |seed| {
        let other = content(seed, 1000);
        write(&Node::of(&settings).await, key_of(&other), &other).await.unwrap();
    };
    sweep(2).await;
    assert_eq!(double.open_multipart_uploads("bucket").len(), 1);
    double.age_multipart_uploads("bucket", Duration::from_hours(8 * 24));
    sweep(3).await;
    assert_eq!(double.open_multipart_uploads("bucket"), []);
}

/// What Ceph says of a copy is compared with what it was sent, without computing anything of the bytes: the MD5 of its parts' ETags.
#[tokio::test]
async fn ceph_says_of_a_copy_what_can_be_compared() {
    let settings = ceph("copies-etags").await;
    let node = Node::of(&settings).await;
    for (length, part_bytes) in [(16 * MIB, None), (20 * MIB, Some(8 * MIB))] {
        let bytes = content(7, length);
        write(&node, key_of(&bytes), &bytes).await.unwrap();
        let head =
            sdk(&settings).head_object().bucket(&settings.bucket).key(node.blobs.address(key_of(&bytes))).send().await.unwrap();
        let expected = match part_bytes {
            None => hex::encode(Md5::digest(&bytes)),
            Some(part_bytes) => {
                let parts: Vec<[u8; 16]> = bytes.chunks(part_bytes).map(|part| Md5::digest(part).into()).collect();
                format!("{}-{}", hex::encode(Md5::digest(parts.concat())), parts.len())
            }
        };
        assert_eq!(head.e_tag(), Some(format!("\"{expected}\"").as_str()));
    }
}

/// Here a store that is only alike: its ETags of what came in parts say nothing of the bytes.
#[tokio::test]
async fn a_store_that_does_not_say_what_it_holds_is_read_back() {
    let (double, settings) = oss();
    let settings = S3Settings { flavor: Flavor::S3, ..settings };
    let store = S3Store::connect(settings).await.unwrap();
    let blobs = Arc::new(store.blobs("alike"));
    let (small, large) = (content(1, MIB), content(2, 17 * MIB));
    let write = async |bytes: &Bytes, generation| {
        let key = BlobKey { generation, ..key_of(bytes) };
        blobs.write(key, bytes.len() as u64, body(bytes)).await
    };
    write(&small, 0).await.unwrap();
    assert_eq!(double.requests(Operation::GetObject), 0, "its ETag is the MD5");
    write(&large, 0).await.unwrap();
    assert_eq!(double.requests(Operation::GetObject), 1);

    // Between the joining and the question the disk of the store breaks.
    let key = BlobKey { generation: 1, ..key_of(&large) };
    double.inject(Operation::HeadObject, Fault::Hang, 1);
    let writing = tokio::spawn({
        let (blobs, large) = (blobs.clone(), large.clone());
        async move { blobs.write(key, large.len() as u64, body(&large)).await }
    });
    until_async("it asks", async || (double.hanging() == 1).then_some(())).await;
    double.corrupt("bucket", &blobs.address(key)).unwrap();
    double.release();
    let refused = writing.await.unwrap();
    assert!(matches!(refused, Err(BlobError::Unavailable(_))), "{refused:?}");
    write(&large, 1).await.unwrap();
}

/// Each kind of request fails in each way, once and often: a copy comes whole or not at all, and nothing else is left.
#[tokio::test]
async fn faults_of_the_store_cost_time_and_no_copy() {
    let (double, settings) = oss();
    let node = Node::of(&settings).await;
    let operations = [
        Operation::PutObject,
        Operation::CreateMultipartUpload,
        Operation::UploadPart,
        Operation::CompleteMultipartUpload,
        Operation::HeadObject,
    ];
    let faults = [Fault::InternalError, Fault::SlowDown, Fault::CutRequest, Fault::LoseAnswer];
    for (number, operation) in (0..).zip(operations) {
        for (fault, times) in faults.map(|fault| (fault, 1)).into_iter().chain([(Fault::LoseAnswer, 4)]) {
            for bytes in [content(number, 1000), content(number, 17 * MIB)] {
                double.inject(operation, fault, times);
                while let Err(error) = write(&node, key_of(&bytes), &bytes).await {
                    assert!(matches!(error, BlobError::Unavailable(_)), "{operation:?} {fault:?}: {error:?}");
                }
                double.clear_faults();
                node.assert_blob(&bytes).await;
            }
        }
    }
    assert_eq!(double.objects("bucket").len(), 2 * operations.len());
    let is_clean = async || {
        let left = double.open_multipart_uploads("bucket").into_iter().filter(|begun| !begun.parts.is_empty()).count();
        (left == 0).then_some(())
    };
    until_async("parts that were given up are gone", is_clean).await;
}

/// A copy is many times larger than the memory that may be used for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_does_not_grow_with_a_copy() {
    const PIECES: usize = 1536;
    const GROWTH_KIB_MAX: u64 = 96 * 1024;
    let node = Node::of(&ceph("copies-memory").await).await;
    let piece = content(1, MIB / 4);
    let mut sha256 = sha2::Sha256::new();
    (0..PIECES).for_each(|_| sha256.update(&piece));
    let key = BlobKey::first(Sha256(sha256.finalize().into()));
    let size = (PIECES * MIB / 4) as u64;
    let before = resident_peak_kib();
    node.blobs.write(key, size, stream::iter((0..PIECES).map(move |_| Ok(piece.clone()))).boxed()).await.unwrap();
    let other = BlobKey { generation: 1, ..key };
    node.blobs.write(other, size, node.blobs.read(key, 0, size).await.unwrap().bytes).await.unwrap();
    let after = resident_peak_kib();
    assert!(after - before < GROWTH_KIB_MAX, "{before} KiB before, {after} KiB after");
    assert_eq!(node.blobs.size(other).await.unwrap(), Some(size));
}
