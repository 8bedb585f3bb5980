//! What is kept of a log, so that it can be told whether it was altered.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use cairn_domain::Position;

use super::BoxError;
use crate::log_digest::{LogDigest, MARK_BYTES};

#[cfg(any(test, feature = "contract"))]
pub mod contract;

/// Events of a block: all but the last block have just so many.
pub const BLOCK_EVENTS: usize = 1_024;

/// The digests of events that follow each other in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// How many events come before it: a multiple of [`BLOCK_EVENTS`].
    pub before: u64,
    /// Where its last event stands.
    pub last: Position,
    /// Of the whole log up to its last event.
    pub digest: LogDigest,
    /// The mark of the digest after each of its events.
    pub marks: Vec<[u8; MARK_BYTES]>,
}

/// Keeps blocks, durably. Several processes may keep those of one log.
#[async_trait]
pub trait Digests: Send + Sync {
    /// The block with the most events before it; none when nothing is kept.
    async fn last(&self) -> Result<Option<Block>, DigestsError>;

    /// The block with so many events before it.
    async fn load(&self, before: u64) -> Result<Option<Block>, DigestsError>;

    /// Keeps a block. One that begins alike and has fewer events goes; one that has as many or more stays, and this one is not kept.
    async fn keep(&self, block: &Block) -> Result<(), DigestsError>;

    /// Forgets all of them.
    async fn clear(&self) -> Result<(), DigestsError>;
}

/// They did not answer: try again.
#[derive(Debug, thiserror::Error)]
#[error("the digests of the log did not answer")]
pub struct DigestsError(#[source] pub BoxError);

/// The twin: forgets when the process ends.
#[derive(Debug, Default)]
pub struct MemoryDigests(Mutex<BTreeMap<u64, Block>>);

#[async_trait]
impl Digests for MemoryDigests {
    async fn last(&self) -> Result<Option<Block>, DigestsError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).values().next_back().cloned())
    }

    async fn load(&self, before: u64) -> Result<Option<Block>, DigestsError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&before).cloned())
    }

    async fn keep(&self, block: &Block) -> Result<(), DigestsError> {
        let mut blocks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if blocks.get(&block.before).is_none_or(|kept| kept.marks.len() < block.marks.len()) {
            blocks.insert(block.before, block.clone());
        }
        Ok(())
    }

    async fn clear(&self) -> Result<(), DigestsError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_twin_keeps_the_contract() {
        contract::suite(&MemoryDigests::default()).await;
    }
}
