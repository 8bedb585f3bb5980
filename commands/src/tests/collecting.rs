//! Contents that nobody needs go, and those that somebody needs stay.

use super::stage::sha256;
use super::world::{World, to};
use crate::sagas::{Collector, remove_dead};

#[tokio::test]
async fn a_content_goes_some_time_after_its_last_entry_and_everywhere() {
    let world = World::new(to(&["oss", "ceph"]));
    let process = world.process();
    let alice = process.alice().await;
    let hello = sha256(b"hello");
    process.upload(&alice, "a.txt", b"hello").await;
    process.upload(&alice, "b.txt", b"hello").await;
    process.moves().await;
    process.purge(&alice, hello).await;
    world.clock.advance_seconds(100);
    assert_eq!(process.collect(60).await, 0, "another entry needs it");
    process.purge(&alice, hello).await;
    assert_eq!(process.collect(60).await, 0, "it may be wanted again at once");
    world.clock.advance_seconds(100);
    assert_eq!(process.collect(60).await, 1);
    assert_eq!(world.lies_in(hello).await, [""; 0]);
    assert_eq!(process.collect(60).await, 0);
}

#[tokio::test]
async fn what_is_in_the_trash_stays() {
    let world = World::new(to(&[]));
    let process = world.process();
    let alice = process.alice().await;
    process.upload(&alice, "a.txt", b"hello").await;
    process.upload(&alice, "b.txt", b"hello").await;
    process.purge(&alice, sha256(b"hello")).await;
    process.trash(&alice, sha256(b"hello")).await;
    world.clock.advance_seconds(100);
    assert_eq!(process.collect(0).await, 0);
    assert_eq!(world.lies_in(sha256(b"hello")).await, ["local"]);
}

#[tokio::test]
async fn what_comes_again_after_its_deletion_is_another_copy_that_a_late_removal_does_not_touch() {
    let world = World::new(to(&[]));
    let process = world.process();
    let alice = process.alice().await;
    let hello = sha256(b"hello");
    process.upload(&alice, "a.txt", b"hello").await;
    process.purge(&alice, hello).await;
    // Declared dead, and the process sleeps before it removes the bytes.
    assert_eq!(process.declare_dead().await, 1);
    assert_eq!(world.lies_in(hello).await, ["local"]);
    process.upload(&alice, "b.txt", b"hello").await;
    assert_eq!(world.lies_in(hello).await, ["local", "local.1"]);
    // It wakes up.
    process.collect(0).await;
    assert_eq!(world.lies_in(hello).await, ["local.1"]);
    assert_eq!(process.read(hello, 5).await.expect("readable"), b"hello");
}

#[tokio::test]
async fn an_entry_that_comes_to_refer_to_a_content_keeps_it() {
    let world = World::new(to(&[]));
    let process = world.process();
    let alice = process.alice().await;
    process.upload(&alice, "a.txt", b"hello").await;
    process.purge(&alice, sha256(b"hello")).await;
    process.upload(&alice, "b.txt", b"hello").await;
    assert_eq!(process.collect(0).await, 0);
    assert_eq!(world.lies_in(sha256(b"hello")).await, ["local"]);
}

#[tokio::test]
async fn what_could_not_be_removed_is_removed_later() {
    let world = World::new(to(&[]));
    let process = world.process();
    let alice = process.alice().await;
    process.upload(&alice, "a.txt", b"hello").await;
    process.purge(&alice, sha256(b"hello")).await;
    process.declare_dead().await;
    let after_a_crash = world.process();
    after_a_crash.collect(0).await;
    assert_eq!(world.lies_in(sha256(b"hello")).await, [""; 0]);
}

#[tokio::test]
async fn what_was_purged_lately_may_be_wanted_again_whatever_was_purged_long_ago() {
    let world = World::new(to(&[]));
    let process = world.process();
    let alice = process.alice().await;
    let hello = sha256(b"hello");
    process.upload(&alice, "a.txt", b"hello").await;
    process.upload(&alice, "b.txt", b"hello").await;
    process.purge(&alice, hello).await;
    world.clock.advance_seconds(100);
    process.purge(&alice, hello).await;
    assert_eq!(process.collect(60).await, 0, "only the first purge is long ago");
    world.clock.advance_seconds(100);
    assert_eq!(process.collect(60).await, 1);
}

#[tokio::test]
async fn a_content_that_somebody_announced_an_entry_for_goes_when_that_one_can_not_come_any_more() {
    let world = World::new(to(&[]));
    let process = world.process();
    let alice = process.alice().await;
    let hello = sha256(b"hello");
    process.upload(&alice, "a.txt", b"hello").await;
    process.announce(hello, 1).await;
    process.purge(&alice, hello).await;
    world.clock.advance_seconds(100);
    assert_eq!(process.collect(60).await, 0, "the entry may still be made");
    world.clock.advance_seconds(6 * 86_400);
    assert_eq!(process.collect(60).await, 0);
    world.clock.advance_seconds(2 * 86_400);
    assert_eq!(process.collect(60).await, 1, "no purge follows any more");
    assert_eq!(world.lies_in(hello).await, [""; 0]);
}

#[tokio::test]
async fn however_often_a_content_was_made_and_purged_each_entry_is_looked_at_once() {
    let world = World::new(to(&[]));
    let process = world.process();
    let alice = process.alice().await;
    let hello = sha256(b"hello");
    process.upload(&alice, "kept.txt", b"hello").await;
    let collector = Collector::new(process.drive.clone(), 0);
    let mut calls = Vec::new();
    for _ in 0..40 {
        process.upload(&alice, "a.txt", b"hello").await;
        process.purge(&alice, hello).await;
        world.log.take_reads();
        assert_eq!(collector.collect(&world.checkpoints).await.expect("collected"), 0);
        calls.push(world.log.take_reads().0);
    }
    assert_eq!(calls[39], calls[1], "{calls:?}");
    // Without the one that is kept, all of them are dead.
    process.purge(&alice, hello).await;
    for times in 1..=40 {
        process.upload(&alice, "a.txt", b"hello").await;
        process.purge(&alice, hello).await;
        world.log.take_reads();
        assert_eq!(collector.collect(&world.checkpoints).await.expect("collected"), 1);
        calls.push(world.log.take_reads().0);
        assert!(times < 3 || calls.last() == calls.get(calls.len() - 2), "{calls:?}");
    }
}

#[tokio::test]
async fn a_store_that_is_away_keeps_no_other_from_being_tidied() {
    let world = World::new(to(&["oss"]));
    let process = world.process();
    let alice = process.alice().await;
    process.upload(&alice, "a.txt", b"hello").await;
    process.moves().await;
    process.upload(&alice, "b.txt", b"world").await;
    for content in [b"hello", b"world"] {
        process.purge(&alice, sha256(content)).await;
    }
    assert_eq!(process.declare_dead().await, 2);
    // More than a page of the log lies between the dead of the one and those of the other.
    let other = sha256(b"other");
    process.upload(&alice, "c.txt", b"other").await;
    process.announce(other, 1_200).await;
    process.upload(&alice, "d.txt", b"fourth").await;
    process.purge(&alice, sha256(b"fourth")).await;
    assert_eq!(process.declare_dead().await, 1);
    world.effects.keep_away(Some("oss"));
    remove_dead(&process.drive, &world.checkpoints).await.expect_err("a store is away");
    for content in [&b"world"[..], b"fourth"] {
        assert_eq!(world.lies_in(sha256(content)).await, [""; 0], "the disk is not away");
    }
    assert_eq!(world.lies_in(sha256(b"hello")).await, ["oss"]);
    world.effects.keep_away(None);
    remove_dead(&process.drive, &world.checkpoints).await.expect("all is well");
    assert_eq!(world.lies_in(sha256(b"hello")).await, [""; 0]);
}
