//! What the writer is asked to do.

use cairn_commands::ports::checkpoints::CheckpointError;
use cairn_commands::ports::ledger::{Begun, LedgerError, StoredAnswer};
use cairn_domain::{Position, Timestamp};
use tokio::sync::oneshot;

use crate::group_commit::AppendJob;

#[derive(Debug)]
pub(crate) enum Job {
    Append(AppendJob),
    Begin(BeginJob),
    Finish(FinishJob),
    Forget { before: Timestamp, answer: oneshot::Sender<Result<u64, LedgerError>> },
    Save(SaveJob),
}

#[derive(Debug)]
pub(crate) struct BeginJob {
    pub(crate) key: String,
    pub(crate) fingerprint: String,
    pub(crate) now: Timestamp,
    pub(crate) answer: oneshot::Sender<Result<Begun, LedgerError>>,
}

#[derive(Debug)]
pub(crate) struct FinishJob {
    pub(crate) key: String,
    pub(crate) stored: StoredAnswer,
    pub(crate) answer: oneshot::Sender<Result<(), LedgerError>>,
}

#[derive(Debug)]
pub(crate) struct SaveJob {
    pub(crate) saga: String,
    pub(crate) position: Position,
    pub(crate) answer: oneshot::Sender<Result<(), CheckpointError>>,
}

impl From<AppendJob> for Job {
    fn from(job: AppendJob) -> Self {
        Self::Append(job)
    }
}
