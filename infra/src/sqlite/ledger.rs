//! The request ledger in the file of the event log.
//!
//! It shares the writer of the log: the entries of a keyed request are committed in the same groups as events, so that
//! they cost few flushes of their own, and there is no second writer to wait for the lock.

use async_trait::async_trait;
use cairn_commands::ports::ledger::{Begun, Ledger, LedgerError, StoredAnswer};
use cairn_domain::Timestamp;

use crate::group_commit::Queue;
use crate::sqlite::log::{BeginJob, FinishJob, Job};

/// Made by [`SqliteLog::ledger`](crate::sqlite::log::SqliteLog::ledger), and of use as long as that log is open.
#[derive(Debug, Clone)]
pub struct SqliteLedger {
    queue: Queue<Job>,
}

impl SqliteLedger {
    pub(crate) fn new(queue: Queue<Job>) -> Self {
        Self { queue }
    }
}

#[async_trait]
impl Ledger for SqliteLedger {
    async fn begin(&self, key: &str, fingerprint: &str, now: Timestamp) -> Result<Begun, LedgerError> {
        let (key, fingerprint) = (key.to_owned(), fingerprint.to_owned());
        let bytes = key.len() + fingerprint.len();
        let begun = self.queue.ask(bytes, |answer| Job::Begin(BeginJob { key, fingerprint, now, answer })).await;
        begun.map_err(|closed| LedgerError(closed.into()))?
    }

    async fn finish(&self, key: &str, answer: &StoredAnswer) -> Result<(), LedgerError> {
        let (key, stored) = (key.to_owned(), answer.clone());
        let bytes = key.len() + stored.body.len();
        let finished = self.queue.ask(bytes, |answer| Job::Finish(FinishJob { key, stored, answer })).await;
        finished.map_err(|closed| LedgerError(closed.into()))?
    }

    async fn forget(&self, before: Timestamp) -> Result<u64, LedgerError> {
        let forgotten = self.queue.ask(0, |answer| Job::Forget { before, answer }).await;
        forgotten.map_err(|closed| LedgerError(closed.into()))?
    }
}
