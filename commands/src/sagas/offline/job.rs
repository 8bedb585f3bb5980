use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use cairn_domain::offline::{FailureReason, Offline, OfflineCompleted, OfflineFailed, OfflineRequested, Phase};
use cairn_domain::{OfflineId, Timestamp};

use super::attempt::{Attempt, attempt};
use crate::offline::load;
use crate::sagas::backoff::Backoff;
use crate::{Drive, Trouble};

/// A download in a worker's hands.
pub(super) struct Job {
    pub(super) drive: Arc<Drive>,
    pub(super) id: OfflineId,
    /// The number of the start that made it this worker's.
    pub(super) start: u32,
    pub(super) requested: OfflineRequested,
    pub(super) deadline: Timestamp,
    /// The first wait after a failure; it doubles with each further one.
    pub(super) first_wait: Duration,
    /// Bytes that have come.
    pub(super) received: Arc<AtomicU64>,
}

/// How a download ends.
#[derive(Debug)]
pub(super) enum Ending {
    /// The entry is there.
    Done(OfflineCompleted),
    /// It can't be had.
    Failed(OfflineFailed),
    /// Another worker has it, or it is not wanted any more.
    Gone,
}

impl Ending {
    pub(super) fn failed(reason: FailureReason, detail: impl Into<Option<String>>) -> Self {
        Self::Failed(OfflineFailed { reason, detail: detail.into() })
    }
}

/// The longest wait after a failure.
const WAIT_MAX: Duration = Duration::from_mins(1);

fn tell(id: OfflineId, failures: u32, error: &(dyn std::error::Error + 'static)) {
    tracing::info!(offline = %id, failures, error, "a source did not give a file to its end");
}

/// Says why a download waits.
pub(super) fn tell_trouble(id: OfflineId, trouble: &Trouble) {
    let error = trouble as &dyn std::error::Error;
    tracing::warn!(offline = %id, error, "a download can't go on just now; it is tried again");
}

impl Job {
    /// Tries until it is there or can't be had. Whoever comes further begins to count anew.
    pub(super) async fn run(&self) -> Result<Ending, Trouble> {
        match self.try_again_and_again().await {
            Err(trouble @ Trouble::OverQuota { .. }) => Ok(Ending::failed(FailureReason::QuotaExceeded, trouble.to_string())),
            // Whoever ended it withdrew its upload.
            Err(_) if !self.is_ours().await? => Ok(Ending::Gone),
            ended => ended,
        }
    }

    async fn try_again_and_again(&self) -> Result<Ending, Trouble> {
        let (mut failures, mut furthest, mut troubles) = (0, 0, 0);
        loop {
            let broken = match attempt(self).await {
                Ok(Attempt::Ended(ending)) => return Ok(ending),
                Ok(Attempt::Broken(broken)) => broken,
                // The drive's own is not the source's fault: it does not count, and passes, or the time is over.
                Err(trouble @ (Trouble::Unavailable(_) | Trouble::Busy)) => {
                    troubles += 1;
                    tell_trouble(self.id, &trouble);
                    tokio::time::sleep(self.wait(troubles)).await;
                    continue;
                }
                Err(trouble) => return Err(trouble),
            };
            troubles = 0;
            failures = if broken.durable_bytes > furthest { 1 } else { failures + 1 };
            furthest = furthest.max(broken.durable_bytes);
            tell(self.id, failures, &*broken.cause);
            if failures >= self.drive.limits.offline.attempts_max {
                let detail = format!("The source did not answer, or broke off, {failures} times in a row.");
                return Ok(Ending::failed(FailureReason::SourceUnavailable, detail));
            }
            tokio::time::sleep(self.wait(failures)).await;
        }
    }

    fn wait(&self, failures: u32) -> Duration {
        Backoff { first: self.first_wait, longest: WAIT_MAX }.after(failures, &*self.drive.ports.ids)
    }

    /// Whether the download is still this worker's.
    pub(super) async fn is_ours(&self) -> Result<bool, Trouble> {
        Ok(self.is_ours_in(&load(&self.drive, self.id).await?.state))
    }

    pub(super) fn is_ours_in(&self, offline: &Offline) -> bool {
        *offline.phase() == Phase::Running && offline.times_started() == self.start
    }

    /// The largest file that may be fetched, in bytes.
    pub(super) fn bytes_max(&self) -> u64 {
        self.drive.limits.offline.bytes_max.min(self.drive.limits.file_bytes_max)
    }
}
