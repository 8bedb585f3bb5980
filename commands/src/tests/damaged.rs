//! Downloads of contents that are not what was stored.

use bytes::Bytes;
use cairn_domain::Sha256;
use cairn_domain::blob::{BlobKey, Health};
use futures_util::{StreamExt, TryStreamExt};

use super::stage::sha256;
use super::world::{Process, World, to};
use crate::content::{ContentError, SMALL_BYTES_MAX};
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

fn is_lost<T>(read: &Result<T, ContentError>) -> bool {
    matches!(read, Err(ContentError::Lost(_)))
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
        for range in [0..size, size - 1..size, 0..size] {
            assert!(is_lost(&process.open(key.sha256, size, range).await), "{size}");
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
    assert!(is_lost(&process.open(key.sha256, LARGE_BYTES, bytes..LARGE_BYTES).await));
    assert!(is_lost(&bytes_that_come(&process, key.sha256, LARGE_BYTES).await));
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
