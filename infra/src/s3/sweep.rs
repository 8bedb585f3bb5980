//! Parts are paid for until they are joined or given up. A process that dies gives up nothing.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use cairn_commands::ports::clock::Clock;

use super::bucket::Bucket;
use super::trouble::Trouble;
use crate::clock::SystemClock;

/// How often one looks for parts that nobody names any more.
const SWEPT_EVERY: Duration = Duration::from_hours(1);

/// That of which nothing has come for so long, and that is named by nobody, was left behind by a crash, in seconds. A file that comes in one piece
/// has no name until its end.
const FORGOTTEN_AFTER_SECONDS: i64 = 7 * 24 * 60 * 60;

/// When it was looked last.
#[derive(Default)]
pub(super) struct Swept(Mutex<Option<Instant>>);

impl Swept {
    pub(super) fn is_due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| last.elapsed() > SWEPT_EVERY);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }
}

impl Bucket {
    /// Gives up what has begun long ago below a folder and of which nothing has come since, unless it is named. The bucket may hold what
    /// belongs to others.
    pub(super) async fn sweep(&self, below: &str, is_named: impl Fn(&str) -> bool) -> Result<(), Trouble> {
        let now = SystemClock.now().seconds();
        for (joining, since) in self.begun(below).await? {
            let is_old = |since: i64| now.saturating_sub(since) > FORGOTTEN_AFTER_SECONDS;
            // Whoever sends slowly still sends, perhaps from another process.
            if !is_named(&joining.key) && is_old(since) && self.last_sent_at(&joining).await?.is_none_or(is_old) {
                tracing::info!(key = joining.key, "parts that nobody names any more are given up");
                self.abort(&joining).await?;
            }
        }
        Ok(())
    }
}
