//! Failed attempts at a secret, counted so that guessing gets slow.

use async_trait::async_trait;
use cairn_domain::Timestamp;

#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod memory;

pub use memory::MemoryAttempts;

/// Counts failures per key (an account, an address) within a window.
///
/// It never fails: where the count of all processes can't be had, each goes on with what it knows itself, and never without one.
#[async_trait]
pub trait Attempts: Send + Sync {
    /// Counts an attempt as failed before it is made, so that many at once can't slip through; unless it must wait: then
    /// nothing is counted, and the seconds are told.
    async fn begin(&self, key: &str, now: Timestamp, policy: AttemptPolicy) -> Option<u64>;

    /// Takes one back: it was right, or was not made after all.
    async fn forgive(&self, key: &str);

    /// Forgets all failures of the key.
    async fn forget(&self, key: &str);
}

/// How patient to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptPolicy {
    /// Failures that cost nothing yet.
    pub free: u32,
    /// The wait after the first failure beyond, in seconds; it doubles with each further one.
    pub first_wait_seconds: u64,
    /// The longest wait, in seconds; after it without a failure everything is forgotten.
    pub wait_seconds_max: u64,
}

impl AttemptPolicy {
    /// The wait after that many failures, in seconds.
    pub fn wait_after(&self, failures: u32) -> u64 {
        match failures.checked_sub(self.free) {
            None | Some(0) => 0,
            Some(beyond) => self.first_wait_seconds.saturating_mul(1 << (beyond - 1).min(32)).min(self.wait_seconds_max),
        }
    }
}

/// The failures of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// How many.
    pub count: u32,
    /// When the last one was.
    pub last: Timestamp,
    /// When all are forgotten.
    pub forget_at: Timestamp,
}

impl Failures {
    /// How long the next attempt must wait, in whole seconds; none when it need not.
    pub fn wait_seconds(&self, now: Timestamp, policy: AttemptPolicy) -> Option<u64> {
        // Clocks may be apart, so `last` may be yet to come: what costs nothing does not wait for it.
        let wait = Some(policy.wait_after(self.count)).filter(|&wait| wait > 0)?;
        let until = self.last.plus_seconds(wait);
        let micros = u64::try_from(until.0.saturating_sub(now.0)).ok().filter(|&micros| micros > 0)?;
        // A clock that jumped back must not lock anyone out for longer than the policy would.
        Some(micros.div_ceil(1_000_000).min(policy.wait_seconds_max))
    }
}
