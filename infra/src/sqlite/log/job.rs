//! What the writer is asked to do.

use cairn_commands::ports::ledger::{Begun, LedgerError, StoredAnswer};
use cairn_domain::Timestamp;
use tokio::sync::oneshot;

use crate::group_commit::AppendJob;

#[derive(Debug)]
pub(crate) enum Job {
    Append(AppendJob),
    Begin(BeginJob),
    Finish(FinishJob),
    Forget { before: Timestamp, answer: oneshot::Sender<Result<u64, LedgerError>> },
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

impl From<AppendJob> for Job {
    fn from(job: AppendJob) -> Self {
        Self::Append(job)
    }
}
