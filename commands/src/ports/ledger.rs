//! Which requests were answered, and how: what makes an `Idempotency-Key` keep its promise.

use async_trait::async_trait;
use cairn_domain::Timestamp;

use super::BoxError;

#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod memory;

pub use memory::MemoryLedger;

/// Remembers keyed requests and their answers, durably, for a limited time.
///
/// Between [`begin`](Self::begin) and [`finish`](Self::finish) a crash may come: then the request is done again under the same
/// command id, and the log makes it the same.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Records that a request came under this key, unless one has before.
    async fn begin(&self, key: &str, fingerprint: &str, now: Timestamp) -> Result<Begun, LedgerError>;

    /// Records the answer to the request under this key; the first one stands.
    async fn finish(&self, key: &str, answer: &StoredAnswer) -> Result<(), LedgerError>;

    /// Forgets every request that began before this time.
    async fn forget(&self, before: Timestamp) -> Result<u64, LedgerError>;
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// Nothing was: do the work.
    New,
    /// The same request came and was not seen to end: do the work again, under the same command id.
    Unanswered,
    /// The same request was answered so.
    Answered(StoredAnswer),
    /// Another request came under this key.
    Reused,
}

/// An answer, as much of it as can be given again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The log position that it had reached.
    pub position: Option<u64>,
    /// The JSON body; empty for none.
    pub body: String,
}

/// The ledger did not answer: try again.
#[derive(Debug, thiserror::Error)]
#[error("the request ledger did not answer")]
pub struct LedgerError(#[source] pub BoxError);
