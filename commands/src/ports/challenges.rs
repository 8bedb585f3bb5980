//! Open questions to those who would rather not send a content: each is asked once and answered once.

use async_trait::async_trait;
use cairn_domain::Timestamp;
use uuid::Uuid;

use super::BoxError;

mod ledger;
mod memory;
#[cfg(test)]
mod tests;

pub use ledger::LedgerChallenges;
pub use memory::MemoryChallenges;

/// Keeps what was asked until it is answered. Whichever process was asked, any process of the drive can be answered.
#[async_trait]
pub trait Challenges: Send + Sync {
    /// Keeps a question under an id that nobody else has.
    async fn keep(&self, id: Uuid, question: String, now: Timestamp) -> Result<(), ChallengeError>;

    /// Takes the question out: nobody gets a second try, not even at the same moment in another process. None when there is none, or no more.
    async fn take(&self, id: Uuid, now: Timestamp) -> Result<Option<String>, ChallengeError>;
}

/// The questions can't be reached: try again.
#[derive(Debug, thiserror::Error)]
#[error("the open challenges did not answer")]
pub struct ChallengeError(#[source] pub BoxError);
