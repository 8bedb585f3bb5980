//! What nothing came of is found, however much there is that one has to wait for, and nothing is done again and again.

use bytes::Bytes;
use cairn_domain::blob::BlobKey;
use cairn_domain::transfer::{Transfer, TransferCommand, TransferRequested};
use cairn_domain::{Decider, Sha1, Sha256, StreamName, TransferId};
use futures_util::FutureExt;
use uuid::Uuid;

use super::stage::{request, sha256};
use super::world::{Process, World, to};
use crate::journal::Start;
use crate::ports::tasks::TaskQueue;
use crate::sagas::transfers::{Patience, Watch, request_transfers};
use crate::{Loaded, Trouble};

/// A transfer that was in the queue so often.
async fn queued(process: &Process<'_>, number: u128, times: u32) -> TransferId {
    let id = TransferId(Uuid::from_u128(number));
    let (from, to) = ("local".to_owned(), "oss".to_owned());
    let (sha256, sha1) = (Sha256([1; 32]), Sha1([2; 20]));
    let asked = TransferRequested { sha256, sha1, size: 3, from, to, along_with: Vec::new() };
    let again = (1..times).map(|times_queued| TransferCommand::QueueAgain { times_queued });
    for command in [TransferCommand::Request(asked), TransferCommand::Queue].into_iter().chain(again) {
        let decide = |transfer: &Loaded<Transfer>| -> Result<_, Trouble> {
            transfer.state.decide(command.clone()).map_err(|rejection| Trouble::Broken(format!("{rejection:?}").into()))
        };
        let stream = StreamName::transfer(id);
        process.drive.journal.execute(&stream, Start::Load, &request(&process.drive), decide).await.expect("decided");
    }
    id
}

#[tokio::test]
async fn a_lost_task_is_found_behind_a_thousand_for_which_one_has_to_wait() {
    let world = World::new(to(&["oss"]));
    let process = world.process();
    for number in 0..1_100 {
        queued(&process, number, 2).await;
        world.clock.advance_seconds(1);
    }
    let lost = queued(&process, 5_000, 1).await;
    world.clock.advance_seconds(10_000);
    // Twice in the queue, twice the patience: one has to wait for the others.
    let patience = Patience { look_seconds: 1_000_000, queued_seconds: 10_000, ..Patience::default() };
    let watch = Watch::new(process.drive.clone(), patience);
    assert_eq!(watch.round().await.expect("watched").queued, 0);
    assert_eq!(watch.round().await.expect("watched").queued, 1);
    let delivery = process.queue.take().now_or_never().expect("a task");
    assert_eq!(delivery.task.transfer.as_ref().map(|transfer| transfer.id), Some(lost.0));
    delivery.done().await.expect("done");
    // Then it begins anew.
    world.clock.advance_seconds(10_000);
    assert_eq!(watch.round().await.expect("watched").queued, 1_000);
    assert_eq!(watch.round().await.expect("watched").queued, 100);
}

#[tokio::test]
async fn what_an_old_worker_has_moved_is_found_behind_a_hundred_that_nobody_has() {
    let world = World::new(to(&["oss"]));
    let process = world.process();
    for number in 0..150 {
        queued(&process, number, 1).await;
        world.clock.advance_seconds(1);
    }
    let alice = process.alice().await;
    process.upload(&alice, "a.txt", b"hello").await;
    request_transfers(&process.drive, &world.checkpoints).await.expect("requested");
    world.oss.put(Bytes::from_static(b"hello"));
    let watch = Watch::new(process.drive.clone(), Patience { look_seconds: 0, ..Patience::default() });
    assert_eq!(watch.round().await.expect("watched").found_done, 0);
    assert_eq!(watch.round().await.expect("watched").found_done, 1);
}

#[tokio::test]
async fn something_else_of_the_same_size_is_not_read_again_in_each_round() {
    let world = World::new(to(&["oss"]));
    let process = world.process();
    let alice = process.alice().await;
    process.upload(&alice, "a.txt", b"hello").await;
    request_transfers(&process.drive, &world.checkpoints).await.expect("requested");
    let hello = sha256(b"hello");
    world.oss.damage(BlobKey::first(hello), Some(Bytes::from_static(b"jello")));
    let watch = Watch::new(process.drive.clone(), Patience { look_seconds: 0, ..Patience::default() });
    world.effects.take_reads();
    for reads in [1, 0, 0] {
        assert_eq!(watch.round().await.expect("watched").found_done, 0);
        assert_eq!(world.effects.take_reads(), reads);
    }
    // Whoever was at it may have mended it meanwhile.
    world.oss.damage(BlobKey::first(hello), Some(Bytes::from_static(b"hello")));
    world.clock.advance_seconds(601);
    assert_eq!(watch.round().await.expect("watched").found_done, 1);
}
