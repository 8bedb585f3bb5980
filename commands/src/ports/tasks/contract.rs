//! What every queue of tasks has to pass.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::{Duration, Instant};

use cairn_domain::{EventId, Sha256};
use uuid::Uuid;

use super::{Delivery, StoreKind, Task, TaskQueue, TransferTask};

/// An empty queue, any number of processes that use it, and an operator.
pub trait Scene {
    /// A process's end of it.
    type Queue: TaskQueue;

    /// One process more.
    fn process(&self) -> impl Future<Output = Self::Queue>;

    /// What could not be done, and why, the oldest first.
    fn failed(&self) -> impl Future<Output = Vec<(Task, String)>>;
}

/// Runs every check on the one queue.
///
/// # Panics
/// When the queue breaks the contract.
pub async fn suite(scene: &impl Scene) {
    what_is_pushed_comes_whole_and_in_order(scene).await;
    what_is_done_does_not_come_again(scene).await;
    what_is_dropped_comes_again(scene).await;
    what_comes_again_comes_later_and_is_counted(scene).await;
    what_failed_is_found_by_an_operator(scene).await;
    who_stops_waiting_takes_nothing_along(scene).await;
    each_task_is_done_by_one_of_many(scene).await;
}

/// The n-th task.
pub fn task(n: usize) -> Task {
    let transfer = TransferTask {
        id: Uuid::from_u128(n as u128),
        sha256: Sha256([u8::try_from(n % 256).unwrap_or_default(); 32]),
        from: "local".to_owned(),
        to: "oss".to_owned(),
        causation: Some(EventId(Uuid::from_u128(7))),
        correlation: n.is_multiple_of(2).then(|| format!("request \"{n}\" 钥匙")),
    };
    Task {
        file_hash: format!("hash-{n}"),
        current_location: format!("/data/blobs/{n}"),
        destination: format!("oss/blobs/{n}"),
        destination_kind: StoreKind::Oss,
        attempt: 0,
        transfer: Some(transfer),
    }
}

/// Longer than any queue takes on a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(20);

async fn push(queue: &impl TaskQueue, numbers: std::ops::Range<usize>) {
    for n in numbers {
        queue.push(&task(n)).await.unwrap_or_else(|error| panic!("{error:?}"));
    }
}

async fn take(queue: &impl TaskQueue) -> Delivery {
    tokio::time::timeout(PATIENCE, queue.take()).await.unwrap_or_else(|_| panic!("no task came"))
}

async fn done(delivery: Delivery) {
    delivery.done().await.unwrap_or_else(|error| panic!("{error:?}"));
}

async fn assert_empty(queue: &impl TaskQueue) {
    let taken = tokio::time::timeout(Duration::from_millis(300), queue.take()).await;
    assert!(taken.is_err(), "{taken:?}");
}

async fn what_is_pushed_comes_whole_and_in_order(scene: &impl Scene) {
    let (pusher, worker) = (scene.process().await, scene.process().await);
    assert!(pusher.reachable().await.is_ok());
    push(&pusher, 0..20).await;
    let old = Task { transfer: None, attempt: 3, destination_kind: StoreKind::Ceph, ..task(20) };
    pusher.push(&old).await.unwrap_or_else(|error| panic!("{error:?}"));
    for n in 0..20 {
        let delivery = take(&worker).await;
        assert_eq!(delivery.task, task(n));
        done(delivery).await;
    }
    let delivery = take(&worker).await;
    assert_eq!(delivery.task, old);
    done(delivery).await;
}

async fn what_is_done_does_not_come_again(scene: &impl Scene) {
    let worker = scene.process().await;
    push(&worker, 0..1).await;
    done(take(&worker).await).await;
    drop(worker);
    assert_empty(&scene.process().await).await;
}

async fn what_is_dropped_comes_again(scene: &impl Scene) {
    let worker = scene.process().await;
    push(&worker, 0..1).await;
    drop(take(&worker).await);
    let again = take(&worker).await;
    assert_eq!(again.task.transfer, task(0).transfer);
    done(again).await;
    assert_empty(&worker).await;
}

async fn what_comes_again_comes_later_and_is_counted(scene: &impl Scene) {
    let worker = scene.process().await;
    push(&worker, 0..1).await;
    let after = Duration::from_secs(1);
    let asked = Instant::now();
    take(&worker).await.again(after).await.unwrap_or_else(|error| panic!("{error:?}"));
    let again = take(&worker).await;
    assert!(asked.elapsed() >= after * 9 / 10, "after {:?}", asked.elapsed());
    assert_eq!(again.task, Task { attempt: 1, ..task(0) });
    done(again).await;
    assert_empty(&worker).await;
}

async fn what_failed_is_found_by_an_operator(scene: &impl Scene) {
    let worker = scene.process().await;
    push(&worker, 0..2).await;
    for _ in 0..2 {
        let delivery = take(&worker).await;
        let reason = format!("the disk of {} is \"gone\"", delivery.task.file_hash);
        delivery.failed(&reason).await.unwrap_or_else(|error| panic!("{error:?}"));
    }
    assert_empty(&worker).await;
    let told: Vec<_> = (0..2).map(|n| (task(n), format!("the disk of hash-{n} is \"gone\""))).collect();
    assert_eq!(scene.failed().await, told);
}

async fn who_stops_waiting_takes_nothing_along(scene: &impl Scene) {
    let worker = scene.process().await;
    for n in 0..20 {
        let waiting = tokio::time::timeout(Duration::from_millis(n as u64), worker.take());
        let (taken, ()) = tokio::join!(waiting, push(&worker, n..n + 1));
        let delivery = match taken {
            Ok(delivery) => delivery,
            Err(_) => take(&worker).await,
        };
        assert_eq!(delivery.task, task(n));
        done(delivery).await;
    }
}

async fn each_task_is_done_by_one_of_many(scene: &impl Scene) {
    const TASKS: usize = 60;
    let (one, other) = (scene.process().await, scene.process().await);
    push(&one, 0..TASKS).await;
    let mut seen = BTreeSet::new();
    while seen.len() < TASKS {
        let delivery = tokio::select! {
            delivery = take(&one) => delivery,
            delivery = take(&other) => delivery,
        };
        assert!(seen.insert(delivery.task.file_hash.clone()), "{} came twice", delivery.task.file_hash);
        done(delivery).await;
    }
    assert_empty(&one).await;
}
