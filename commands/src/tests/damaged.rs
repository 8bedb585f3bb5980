//! Downloads of contents that are not what was stored.

use bytes::Bytes;
use cairn_domain::Sha256;
use cairn_domain::blob::{BlobKey, Health};
use futures_util::{StreamExt, TryStreamExt};

use super::stage::sha256;
use super::world::{Process, World, to};
use crate::Trouble;
use crate::content::{ContentError, SMALL_BYTES_MAX};
use crate::ports::staging::Staging;
use crate::sagas::Scrubbed;

const LARGE_BYTES: usize = 1_000_000;

fn large() -> Vec<u8> {
    (0..LARGE_BYTES).map(|index| (index * 7 + index / 1_000) as u8).collect()
}

fn with_a_flipped_bit(content: &[u8]) -> Bytes {
    let mut content = content.to_vec();
    content[0] ^= 1;
    content.into()
}

/// The bytes that come before the end, or before it breaks off.
async fn bytes_that_come(process: &Process<'_>, sha256: Sha256, size: usize) -> Result<(usize, bool), ContentError> {
    let mut stream = process.open(sha256, size, 0..size).await?;
    let mut bytes = 0;
    while let Some(piece) = stream.next().await {
        let Ok(piece) = piece else { return Ok((bytes, false)) };
        bytes += piece.len();
    }
    Ok((bytes, true))
}

/// No sound copy is left, as far as is known.
fn is_lost<T>(read: &Result<T, ContentError>) -> bool {
    matches!(read, Err(ContentError::Lost(_)))
}

/// It may be right, and nobody has looked yet.
fn is_waited_for<T>(read: &Result<T, ContentError>) -> bool {
    matches!(read, Err(ContentError::Trouble(Trouble::Unavailable(_))))
}

#[tokio::test]
async fn a_small_content_that_is_wrong_is_not_begun_whatever_range_is_asked_for() {
    let world = World::new(to(&[]));
    let process = world.process();
    let alice = process.alice().await;
    for size in [1, 5_000, SMALL_BYTES_MAX as usize] {
        let content = &large()[..size];
        let key = BlobKey::first(sha256(content));
        process.upload(&alice, "a.bin", content).await;
        assert_eq!(process.read(key.sha256, size as u64).await.expect("readable"), content);
        world.local.rot(key, Some(with_a_flipped_bit(content)));
        assert!(is_lost(&process.open(key.sha256, size, 0..size).await), "{size}");
        for range in [size - 1..size, 0..size] {
            assert!(is_waited_for(&process.open(key.sha256, size, range).await), "{size}");
        }
        let damaged = Scrubbed { copies: 1, bytes: size as u64, damaged: 1, ..Scrubbed::default() };
        assert_eq!(process.judge_suspected().await, damaged);
        assert_eq!(process.blob(key.sha256).await.health_in("local"), Some(Health::Damaged));
        assert_eq!(process.judge_suspected().await, Scrubbed::default());
        assert!(is_lost(&process.read_certainly(key.sha256, size as u64).await));
    }
}

#[tokio::test]
async fn a_large_content_that_is_wrong_breaks_off_and_its_rest_is_not_given_out_either() {
    let world = World::new(to(&[]));
    let process = world.process();
    let alice = process.alice().await;
    let content = large();
    let key = BlobKey::first(sha256(&content));
    process.upload(&alice, "a.bin", &content).await;
    world.local.damage(key, Some(with_a_flipped_bit(&content)));
    let (bytes, ended) = bytes_that_come(&process, key.sha256, LARGE_BYTES).await.expect("begun");
    assert!(bytes < LARGE_BYTES && !ended, "{bytes}");
    assert!(is_waited_for(&process.open(key.sha256, LARGE_BYTES, bytes..LARGE_BYTES).await));
    assert!(is_waited_for(&bytes_that_come(&process, key.sha256, LARGE_BYTES).await));
    assert_eq!(process.judge_suspected().await.damaged, 1);
    assert!(is_lost(&process.read_certainly(key.sha256, LARGE_BYTES as u64).await));
    // Whoever has the bytes can heal it.
    process.upload(&alice, "b.bin", &content).await;
    assert_eq!(process.read(key.sha256, LARGE_BYTES as u64).await.expect("readable"), content);
}

#[tokio::test]
async fn a_wrong_copy_is_passed_over_for_another_and_mended() {
    let world = World::new(to(&["oss", "ceph"]));
    let process = world.process();
    let alice = process.alice().await;
    for content in [&large()[..], b"hello"] {
        let (sha256, size) = (sha256(content), content.len());
        process.upload(&alice, "a.bin", content).await;
        process.moves().await;
        world.oss.damage(BlobKey::first(sha256), Some(with_a_flipped_bit(content)));
        if size > SMALL_BYTES_MAX as usize {
            assert!(!bytes_that_come(&process, sha256, size).await.expect("begun").1);
        }
        for _ in 0..2 {
            assert_eq!(process.read(sha256, size as u64).await.expect("readable"), content);
        }
        let judged = process.judge_suspected().await;
        assert_eq!((judged.damaged, judged.repaired), (1, 1), "{judged:?}");
        assert_eq!(process.blob(sha256).await.health_in("oss"), Some(Health::Sound));
        assert_eq!(process.read(sha256, size as u64).await.expect("readable"), content);
    }
}

#[tokio::test]
async fn what_was_right_is_not_hashed_again_for_an_hour_unless_it_was_written_to() {
    let world = World::new(to(&[]));
    let process = world.process();
    let alice = process.alice().await;
    let content = large();
    let key = BlobKey::first(sha256(&content));
    process.upload(&alice, "a.bin", &content).await;
    let whole = async || bytes_that_come(&process, key.sha256, LARGE_BYTES).await.expect("begun").1;
    assert!(whole().await);
    world.local.rot(key, Some(with_a_flipped_bit(&content)));
    world.clock.advance_seconds(3_599);
    assert!(whole().await, "it is taken to be right");
    world.clock.advance_seconds(1);
    assert!(!whole().await, "an hour is over");
    // What had only gone wrong on its way is right when it is judged.
    world.local.rot(key, Some(content.clone().into()));
    assert_eq!(process.judge_suspected().await.damaged, 0);
    assert!(whole().await);
    world.local.damage(key, Some(with_a_flipped_bit(&content)));
    assert!(!whole().await, "somebody wrote to it");
}

#[tokio::test]
async fn a_range_of_a_large_content_is_given_out_as_it_is() {
    let world = World::new(to(&[]));
    let process = world.process();
    let alice = process.alice().await;
    let content = large();
    process.upload(&alice, "a.bin", &content).await;
    let range = process.open(sha256(&content), LARGE_BYTES, 10..500_000).await.expect("begun");
    let pieces: Vec<Bytes> = range.try_collect().await.expect("whole");
    assert!(pieces.concat() == content[10..500_000]);
}

#[tokio::test]
async fn a_copy_that_has_gone_is_told_and_comes_back_with_an_upload() {
    let world = World::new(to(&[]));
    let process = world.process();
    let alice = process.alice().await;
    for content in [&large()[..], b"hello"] {
        let (key, size) = (BlobKey::first(sha256(content)), content.len() as u64);
        for instead in [None, Some(Bytes::copy_from_slice(&content[..content.len() - 1]))] {
            process.upload(&alice, "a.bin", content).await;
            world.local.rot(key, instead.clone());
            // Before anybody has noticed.
            process.upload(&alice, "b.bin", content).await;
            assert_eq!(process.read(key.sha256, size).await.expect("readable"), content);
            world.local.rot(key, instead);
            assert!(is_lost(&process.read(key.sha256, size).await));
            assert!(is_waited_for(&process.read(key.sha256, size).await));
            assert_eq!(process.judge_suspected().await.damaged, 1);
            assert!(is_lost(&process.read(key.sha256, size).await));
            process.upload(&alice, "c.bin", content).await;
            assert_eq!(process.read(key.sha256, size).await.expect("readable"), content);
            assert_eq!(process.blob(key.sha256).await.health_in("local"), Some(Health::Sound));
        }
    }
    assert!(world.staging.list(std::time::Duration::ZERO).await.expect("a list").is_empty());
}

#[tokio::test]
async fn what_a_far_store_has_lost_comes_back_where_uploads_land() {
    let world = World::new(to(&["oss"]));
    let process = world.process();
    let alice = process.alice().await;
    let (sha256, content) = (sha256(b"hello"), b"hello");
    process.upload(&alice, "a.bin", content).await;
    process.moves().await;
    assert_eq!(world.lies_in(sha256).await, ["oss"]);
    let key = process.blob(sha256).await.key_in("oss", sha256);
    world.oss.rot(key, None);
    process.upload(&alice, "b.bin", content).await;
    assert_eq!(process.read_certainly(sha256, 5).await.expect("readable"), content);
    assert_eq!(process.blob(sha256).await.health_in("local"), Some(Health::Sound));
    let judged = process.judge_suspected().await;
    assert_eq!((judged.damaged, judged.repaired), (1, 1), "{judged:?}");
    assert_eq!(process.read_certainly(sha256, 5).await.expect("readable"), content);
}

#[tokio::test]
async fn a_missing_copy_is_passed_over_for_another_and_mended() {
    let world = World::new(to(&["oss", "ceph"]));
    let process = world.process();
    let alice = process.alice().await;
    let sha256 = sha256(b"hello");
    process.upload(&alice, "a.bin", b"hello").await;
    process.moves().await;
    world.oss.rot(process.blob(sha256).await.key_in("oss", sha256), None);
    assert_eq!(process.read_certainly(sha256, 5).await.expect("readable"), b"hello");
    let judged = process.judge_suspected().await;
    assert_eq!((judged.damaged, judged.repaired), (1, 1), "{judged:?}");
}

#[tokio::test]
async fn one_wrong_reading_condemns_no_copy() {
    let world = World::new(to(&["oss"]));
    let process = world.process();
    let alice = process.alice().await;
    let sha256 = sha256(b"hello");
    process.upload(&alice, "a.bin", b"hello").await;
    world.local.spoil_reads(1);
    assert_eq!(process.scrub().await, Scrubbed { copies: 1, bytes: 5, ..Scrubbed::default() });
    world.local.spoil_reads(1);
    process.goes_on().await;
    assert_eq!(world.count("BlobDamaged").await, 0);
    assert_eq!(process.blob(sha256).await.health_in("oss"), Some(Health::Sound));
}
