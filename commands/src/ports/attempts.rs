//! Failed attempts at a secret, counted so that guessing gets slow.

use async_trait::async_trait;
use cairn_domain::Timestamp;

mod memory;

pub use memory::MemoryAttempts;

/// Counts failures per key (an account, an address) within a window.
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
