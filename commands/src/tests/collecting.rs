//! Contents that nobody needs go, and those that somebody needs stay.

use super::stage::sha256;
use super::world::{World, to};

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
