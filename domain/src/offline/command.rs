use super::FailureReason;
use super::event::{OfflineFound, OfflineRequested};
use crate::{FileId, Timestamp};

/// What may be asked of an offline download. A worker names the start that made the download its own: it is not heard any more once another
/// one has taken over.
#[derive(Debug, Clone)]
pub enum OfflineCommand {
    /// Fetch this.
    Request(OfflineRequested),
    /// A worker takes it.
    Start {
        /// Which process.
        worker: String,
        /// How often it had been started when the worker looked.
        times_started: u32,
        /// When it shall be there, unless an earlier start has said so.
        deadline: Timestamp,
    },
    /// The source has answered.
    Find {
        /// The number of the worker's start, from 1.
        start: u32,
        /// What it said.
        found: OfflineFound,
    },
    /// The worker is still at it.
    Progress {
        /// The number of the worker's start, from 1.
        start: u32,
        /// How much has come so far, in bytes.
        received_bytes: u64,
        /// The time now.
        at: Timestamp,
    },
    /// The entry is there.
    Complete {
        /// Which.
        file: FileId,
        /// In bytes.
        size: u64,
    },
    /// It can't be had.
    Fail {
        /// The number of the worker's start, from 1.
        start: u32,
        /// Why.
        reason: FailureReason,
        /// The same in a sentence for the owner, where there is more to say.
        detail: Option<String>,
    },
    /// Its owner does not want it any more.
    Cancel,
}
