//! Damage is found, told, mended where it can be, and never served.

use bytes::Bytes;
use cairn_domain::blob::{BlobKey, Health};

use super::stage::sha256;
use super::world::{World, to};
use crate::content::ContentError;
use crate::sagas::Scrubbed;

#[tokio::test]
async fn damage_is_mended_from_another_copy() {
    let world = World::new(to(&["oss", "ceph"]));
    let process = world.process();
    let alice = process.alice().await;
    let hello = sha256(b"hello");
    process.upload(&alice, "a.txt", b"hello").await;
    process.moves().await;
    let sound = Scrubbed { copies: 2, bytes: 10, ..Scrubbed::default() };
    assert_eq!(process.scrub().await, sound);
    for instead in [Some(Bytes::from_static(b"jello")), Some(Bytes::from_static(b"hello!")), None] {
        world.oss.damage(BlobKey::first(hello), instead);
        assert_eq!(process.scrub().await, Scrubbed { damaged: 1, repaired: 1, ..sound });
        assert_eq!(process.blob(hello).await.health_in("oss"), Some(Health::Sound));
        assert_eq!(process.scrub().await, sound);
    }
    assert_eq!((world.count("BlobDamaged").await, world.count("BlobRepaired").await), (3, 3));
}

#[tokio::test]
async fn damage_that_can_not_be_mended_is_told_once_and_never_served() {
    let world = World::new(to(&[]));
    let process = world.process();
    let alice = process.alice().await;
    let hello = sha256(b"hello");
    process.upload(&alice, "a.txt", b"hello").await;
    world.local.damage(BlobKey::first(hello), Some(Bytes::from_static(b"jello")));
    for damaged in [1, 0] {
        assert_eq!(process.scrub().await, Scrubbed { copies: 1, bytes: 5, damaged, ..Scrubbed::default() });
    }
    assert_eq!(world.count("BlobDamaged").await, 1);
    let refused = process.read_certainly(hello, 5).await;
    assert!(matches!(refused, Err(ContentError::Lost(lost)) if lost == hello), "{refused:?}");
    // Somebody sends the same content again.
    process.upload(&alice, "b.txt", b"hello").await;
    assert_eq!(process.read_certainly(hello, 5).await.expect("readable"), b"hello");
    assert_eq!(process.scrub().await, Scrubbed { copies: 1, bytes: 5, ..Scrubbed::default() });
}

#[tokio::test]
async fn every_one_of_a_hundred_damaged_copies_is_found() {
    let world = World::new(to(&[]));
    let process = world.process();
    let alice = process.alice().await;
    for number in 0..103_u8 {
        let mut content = vec![number; 200];
        process.upload(&alice, "a.bin", &content).await;
        if number < 100 {
            let key = BlobKey::first(sha256(&content));
            content[usize::from(number)] ^= 1;
            world.local.damage(key, Some(content.into()));
        }
    }
    assert_eq!(process.scrub().await, Scrubbed { copies: 103, bytes: 20_600, damaged: 100, ..Scrubbed::default() });
}

#[tokio::test]
async fn within_a_period_every_copy_is_read_once() {
    let world = World::new(to(&[]));
    let process = world.process();
    let alice = process.alice().await;
    for number in 0..50_u8 {
        process.upload(&alice, "a.bin", &[number; 10]).await;
    }
    // A thousand seconds are over since the beginning of time: the first round only finds its place.
    process.scrub_step(300).await;
    let mut copies = 0;
    for _ in 0..30 {
        world.clock.advance_seconds(10);
        copies += process.scrub_step(300).await.copies;
    }
    assert!((50..=52).contains(&copies), "{copies}");
}
