//! How often somebody may come.

use async_trait::async_trait;
use cairn_domain::Timestamp;

#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod memory;

pub use memory::MemoryRates;

/// Spaces out what is asked for under one key, as a bucket of tokens does: so many at once, so many a second.
///
/// It never fails: where the rate over all processes can't be had, each keeps to it by itself. It answers within a fraction of a second.
#[async_trait]
pub trait Rates: Send + Sync {
    /// Takes one; or takes none and tells how long it would have to wait for one, in microseconds.
    async fn take(&self, key: &str, now: Timestamp, rate: Rate) -> Option<u64>;
}

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// In the long run, in each second; at least 1.
    pub per_second: u32,
    /// At once, after a pause; at least 1.
    pub burst: u32,
}

impl Rate {
    /// Between two, in the long run, in microseconds.
    pub fn interval_micros(self) -> i64 {
        i64::from(1_000_000 / self.per_second.max(1)).max(1)
    }

    /// For how long ahead one may take, in microseconds.
    pub fn ahead_micros(self) -> i64 {
        self.interval_micros() * i64::from(self.burst.max(1))
    }
}
