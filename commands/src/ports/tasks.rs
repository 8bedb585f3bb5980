//! The queue of tasks: contents that are to be moved from one store to another, and whoever is free to do it.

use std::time::Duration;

use async_trait::async_trait;
use cairn_domain::{EventId, Sha256};
use uuid::Uuid;

use super::BoxError;

#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod memory;

pub use memory::ProcessTasks;

/// Hands each task to one worker at a time, until one says that it is done.
///
/// - A task that was pushed successfully is kept as durably as the queue can. The queue is no truth, though: whoever pushes can tell
///   from the log what was not done, and pushes it again.
/// - A task may be handed out more than once: its worker died, or what it said got lost. Doing a task again must do no harm.
/// - Tasks come about in the order in which they were pushed; nothing may depend on it.
#[async_trait]
pub trait TaskQueue: Send + Sync {
    /// Puts a task in the queue.
    async fn push(&self, task: &Task) -> Result<(), QueueError>;

    /// The next task for this process, as soon as there is one and it has not too many undone ones already. While the queue can't be
    /// reached, this waits. May be dropped, and nothing is lost.
    async fn take(&self) -> Delivery;

    /// Whether the queue can be reached just now. Makes a connection that was lost, and none otherwise.
    async fn reachable(&self) -> Result<(), QueueError>;
}

/// A content to be moved. The first five fields are what workers of the design before know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Names the content: its SHA-1 in tasks of the design before, whatever the saga says in ours.
    pub file_hash: String,
    /// Where it lies.
    pub current_location: String,
    /// Where it is to go.
    pub destination: String,
    /// What kind of store that is.
    pub destination_kind: StoreKind,
    /// Times that it was tried before, as far as that was counted.
    pub attempt: u32,
    /// What only this drive's own tasks have; none in one of an older uploader.
    pub transfer: Option<TransferTask>,
}

/// What this drive says about a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferTask {
    /// Which transfer.
    pub id: Uuid,
    /// Which content.
    pub sha256: Sha256,
    /// Name of the store where it lies.
    pub from: String,
    /// Name of the store where it is to go.
    pub to: String,
    /// The event that made this task follow.
    pub causation: Option<EventId>,
    /// What binds everything that one request set off.
    pub correlation: Option<String>,
}

/// Kinds of stores, by the numbers of the design before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// 1: a directory.
    Local,
    /// 2: Ceph.
    Ceph,
    /// 3: Aliyun OSS, and every other object store.
    Oss,
}

impl StoreKind {
    /// As in a task.
    pub fn number(self) -> u8 {
        match self {
            Self::Local => 1,
            Self::Ceph => 2,
            Self::Oss => 3,
        }
    }

    /// From a task; none for a kind that is not known.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Local, Self::Ceph, Self::Oss].into_iter().find(|kind| kind.number() == number)
    }
}

/// A task in the hands of this process. Dropped without a word, it goes back to the queue.
#[derive(Debug)]
pub struct Delivery {
    /// What is to be done.
    pub task: Task,
    receipt: Box<dyn Receipt>,
}

impl Delivery {
    /// For adapters: a task, and how to tell what became of it.
    pub fn new(task: Task, receipt: Box<dyn Receipt>) -> Self {
        Self { task, receipt }
    }

    /// It is done, and never comes again.
    pub async fn done(self) -> Result<(), QueueError> {
        self.receipt.done().await
    }

    /// It comes again after about this time, counted as one attempt more.
    pub async fn again(self, after: Duration) -> Result<(), QueueError> {
        let task = Task { attempt: self.task.attempt.saturating_add(1), ..self.task };
        self.receipt.again(task, after).await
    }

    /// It can't be done: it goes where an operator finds it, with the reason.
    pub async fn failed(self, reason: &str) -> Result<(), QueueError> {
        self.receipt.failed(self.task, reason).await
    }
}

/// How an adapter is told what became of a task. Dropped, it gives the task back. After an error the task may come again.
#[async_trait]
pub trait Receipt: Send + Sync + std::fmt::Debug {
    /// It is done.
    async fn done(self: Box<Self>) -> Result<(), QueueError>;

    /// This is to come again, in place of what was taken.
    async fn again(self: Box<Self>, task: Task, after: Duration) -> Result<(), QueueError>;

    /// It can't be done.
    async fn failed(self: Box<Self>, task: Task, reason: &str) -> Result<(), QueueError>;
}

/// Why the queue did not do what was asked. Each variant is something that the caller does next.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Nothing is known, the task may be in the queue: push it again later.
    #[error("the queue of tasks did not answer")]
    Unavailable(#[source] BoxError),
    /// There is no room left, or no queue to take the task: nothing was pushed.
    #[error("the queue does not take the task")]
    Refused(#[source] BoxError),
}
