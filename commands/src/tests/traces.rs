//! What a transfer leaves on the log, event by event, for each way in which it may end.

use bytes::Bytes;
use cairn_domain::TransferId;
use cairn_domain::blob::BlobKey;
use futures_util::FutureExt;

use super::stage::{request, sha256};
use super::world::{Process, World, to};
use crate::Caller;
use crate::ports::tasks::{Task, TaskQueue};
use crate::sagas::transfers::{Patience, request_transfers};
use crate::transfer::{abandon, retry};

type Trace = Vec<String>;

/// What concerns the way of the content, of all that is on the log.
async fn trace(world: &World) -> Trace {
    let concerns = |name: &String| {
        let of_copies = ["BlobRelocated", "BlobCopyRemoved", "BlobDamaged", "BlobRepaired", "BlobDeleted"];
        name.starts_with("Transfer") || of_copies.contains(&name.as_str())
    };
    world.names().await.into_iter().filter(concerns).collect()
}

/// A content was uploaded, its transfer asked for, and a task for it is in the queue.
async fn queued(process: &Process<'_>) -> (Caller, Task, TransferId) {
    let alice = process.alice().await;
    process.upload(&alice, "a.txt", b"hello").await;
    request_transfers(&process.drive, &process.world.checkpoints).await.expect("requested");
    // Dropped, it goes back into the queue.
    let task = process.queue.take().await.task.clone();
    let id = TransferId(task.transfer.as_ref().expect("a task of ours").id);
    (alice, task, id)
}

/// The bytes at the source; none for gone.
fn source(world: &World, bytes: Option<&'static [u8]>) {
    world.local.damage(BlobKey::first(sha256(b"hello")), bytes.map(Bytes::from_static));
}

/// The task comes again as often as that, without the wait between.
async fn comes_again(process: &Process<'_>, task: &Task, times: u32) {
    for _ in 0..times {
        process.queue.push(task).await.expect("pushed");
        process.works().await;
    }
}

async fn completed(destinations: &[&str]) -> Trace {
    let world = World::new(to(destinations));
    let process = world.process();
    queued(&process).await;
    process.works().await;
    trace(&world).await
}

async fn fails_once() -> Trace {
    let world = World::new(to(&["oss"]));
    let process = world.process();
    let (_, task, _) = queued(&process).await;
    source(&world, None);
    process.works().await;
    source(&world, Some(b"hello"));
    comes_again(&process, &task, 1).await;
    trace(&world).await
}

async fn stalled(is_retried: bool) -> Trace {
    let world = World::new(to(&["oss"]));
    let process = world.process();
    let (_, task, id) = queued(&process).await;
    source(&world, None);
    process.works().await;
    comes_again(&process, &task, 3).await;
    if is_retried {
        source(&world, Some(b"hello"));
        retry(process.drive.journal(), &request(&process.drive), id).await.expect("retried");
        process.moves().await;
    }
    trace(&world).await
}

async fn given_up() -> Trace {
    let world = World::new(to(&["oss"]));
    let process = world.process();
    let (_, _, id) = queued(&process).await;
    abandon(process.drive.journal(), &request(&process.drive), id, "not wanted".to_owned()).await.expect("given up");
    process.works().await;
    trace(&world).await
}

async fn content_deleted() -> Trace {
    let world = World::new(to(&["oss"]));
    let process = world.process();
    let (alice, ..) = queued(&process).await;
    process.purge(&alice, sha256(b"hello")).await;
    process.collect(0).await;
    process.works().await;
    trace(&world).await
}

async fn damaged_source() -> Trace {
    let world = World::new(to(&["oss"]));
    let process = world.process();
    let (_, task, _) = queued(&process).await;
    source(&world, Some(b"jello"));
    process.works().await;
    comes_again(&process, &task, 3).await;
    trace(&world).await
}

/// The destination is away for longer than failures would be forgiven.
async fn store_away() -> Trace {
    let world = World::new(to(&["oss"]));
    let process = world.process();
    let (_, task, _) = queued(&process).await;
    world.effects.keep_away(Some("oss"));
    process.works().await;
    comes_again(&process, &task, 10).await;
    world.effects.keep_away(None);
    comes_again(&process, &task, 1).await;
    trace(&world).await
}

async fn lost_task() -> Trace {
    let world = World::new(to(&["oss"]));
    queued(&world.process()).await;
    let process = world.process();
    process.watch(Patience::NONE).await;
    process.works().await;
    trace(&world).await
}

async fn found_done() -> Trace {
    let world = World::new(to(&["oss"]));
    let process = world.process();
    queued(&process).await;
    process.queue.take().now_or_never().expect("a task").done().await.expect("done");
    world.oss.put(Bytes::from_static(b"hello"));
    process.watch(Patience { look_seconds: 0, ..Patience::default() }).await;
    process.works().await;
    trace(&world).await
}

const REQUESTED: &str = "TransferRequested";
const QUEUED: &str = "TransferQueued";
const STARTED: &str = "TransferStarted";
const STALLED: &str = "TransferStalled";
const RETRIED: &str = "TransferRetried";
const COMPLETED: &str = "TransferCompleted";
const ABANDONED: &str = "TransferAbandoned";
const RELOCATED: &str = "BlobRelocated";
const SOURCE_REMOVED: &str = "BlobCopyRemoved";

#[tokio::test]
async fn each_outcome_leaves_just_these_events_in_this_order() {
    let until_stalled = [REQUESTED, QUEUED, STARTED, QUEUED, STARTED, QUEUED, STARTED, STALLED];
    let moved = [QUEUED, STARTED, RELOCATED, SOURCE_REMOVED, COMPLETED];
    let one_of_two = [STARTED, RELOCATED, COMPLETED];
    let two = [&[REQUESTED, REQUESTED, QUEUED, QUEUED][..], &one_of_two, &moved[1..]].concat();
    let damaged = [&until_stalled[..3], &["BlobDamaged"], &until_stalled[3..]].concat();
    let table: [(&str, Trace, &[&str]); 11] = [
        ("completed", completed(&["oss"]).await, &[&[REQUESTED][..], &moved].concat()),
        ("two destinations", completed(&["oss", "ceph"]).await, &two),
        ("fails once", fails_once().await, &[&[REQUESTED, QUEUED, STARTED][..], &moved].concat()),
        ("stalled", stalled(false).await, &until_stalled),
        ("stalled and retried", stalled(true).await, &[&until_stalled[..], &[RETRIED], &moved].concat()),
        ("given up", given_up().await, &[REQUESTED, QUEUED, ABANDONED]),
        ("content deleted", content_deleted().await, &[REQUESTED, QUEUED, "BlobDeleted", STARTED, ABANDONED]),
        ("damaged source", damaged_source().await, &damaged),
        ("store away", store_away().await, &[&[REQUESTED][..], &moved].concat()),
        ("lost task", lost_task().await, &[&[REQUESTED, QUEUED][..], &moved].concat()),
        ("found done", found_done().await, &[REQUESTED, QUEUED, RELOCATED, SOURCE_REMOVED, COMPLETED]),
    ];
    for (outcome, trace, expected) in table {
        assert_eq!(trace, expected, "{outcome}");
    }
}
