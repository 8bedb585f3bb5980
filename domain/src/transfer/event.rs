//! The names and the serde form of these types are the storage format.

use serde::{Deserialize, Serialize};

use crate::{Sha1, Sha256};

/// What may have happened to a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferEvent {
    /// A content is to be moved.
    TransferRequested(TransferRequested),
    /// A task for it is in the queue.
    TransferQueued(TransferQueued),
    /// A worker is at it.
    TransferStarted(TransferStarted),
    /// The content is where it should be.
    TransferCompleted(TransferCompleted),
    /// It has failed too often and rests.
    TransferStalled(TransferStalled),
    /// Somebody has looked at it, and it is tried again.
    TransferRetried(TransferRetried),
    /// It was given up.
    TransferAbandoned(TransferAbandoned),
}

/// A content is to be moved from one store to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferRequested {
    /// The content.
    pub sha256: Sha256,
    /// The content, for workers of the older protocol.
    pub sha1: Sha1,
    /// In bytes.
    pub size: u64,
    /// The store that has it.
    pub from: String,
    /// The store that shall have it.
    pub to: String,
    /// Stores that shall have it as well before the copy in the first one goes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub along_with: Vec<String>,
}

/// A task for the transfer was put into the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferQueued {
    /// How often it has failed before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failures: u32,
    /// What went wrong the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A worker has taken the task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferStarted {
    /// Which process.
    pub worker: String,
}

/// The content is in the store where it should be, verified, and the log knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferCompleted {}

/// The transfer has failed too often: it rests until somebody has looked at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferStalled {
    /// How often it has failed.
    pub failures: u32,
    /// What went wrong the last time.
    pub reason: String,
}

/// Somebody has looked at it, and it is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferRetried {}

/// The transfer was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferAbandoned {
    /// Why.
    pub reason: String,
}
