//! While another process applies, this one only looks how far that has come.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Failure, Runner};

/// Between two looks while somebody waits for a position.
const AWAITED: Duration = Duration::from_millis(5);

/// Between two looks otherwise.
const UNAWAITED: Duration = Duration::from_millis(250);

/// Who waits for a position to be reached.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    count: AtomicUsize,
    more: Notify,
    /// Some projection stands still: there is nothing to wait for.
    pub(super) in_vain: AtomicBool,
}

/// One that waits, as long as it lives.
pub(super) struct Waiter(Arc<Waiting>);

impl Waiter {
    pub(super) fn new(waiting: &Arc<Waiting>) -> Self {
        waiting.count.fetch_add(1, Ordering::Relaxed);
        waiting.more.notify_one();
        Self(Arc::clone(waiting))
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Runner {
    /// Only follows what another process applies, until it is told to stop: for a process that answers questions and does not project.
    pub async fn watch(&self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.look().await {
                Ok(()) => self.until_next_look(&stop).await,
                Err(failure) => {
                    self.report_failure(&failure);
                    stop.run_until_cancelled(tokio::time::sleep(self.0.settings.retry_wait_min)).await;
                }
            }
        }
    }

    async fn look(&self) -> Result<(), Failure> {
        let state = self.load().await?;
        self.publish(&state);
        self.report_alive(&state);
        Ok(())
    }

    pub(super) async fn until_next_look(&self, stop: &CancellationToken) {
        let waiting = &self.0.waiting;
        let pause = async {
            if waiting.count.load(Ordering::Relaxed) > 0 {
                tokio::time::sleep(AWAITED).await;
            } else {
                let _ = tokio::time::timeout(UNAWAITED, waiting.more.notified()).await;
            }
        };
        stop.run_until_cancelled(pause).await;
    }
}
