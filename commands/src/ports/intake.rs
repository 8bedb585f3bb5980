//! How a log takes in what another log has held.

use async_trait::async_trait;
use cairn_domain::{Expected, Position, StoredEvent, Version};

use super::event_store::StoreError;

#[cfg(any(test, feature = "contract"))]
pub mod contract;

/// A log into which events can be put as they are.
#[async_trait]
pub trait Intake: Send + Sync {
    /// What it holds after a position, in its order, at most `limit` events.
    async fn held(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError>;

    /// Appends events in this order, with the ids, versions, times and texts that they have; positions are this log's own. When it returns, all of
    /// them are durable. On an error some of the first may stand.
    ///
    /// An event whose id is in the log already is passed over, so the same events may be given again. One that is not the next of its stream is
    /// refused with [`StoreError::Conflict`].
    async fn take_in(&self, events: Vec<StoredEvent>) -> Result<(), StoreError>;

    /// Gives up what it holds after a position, if nobody has seen that yet. False if it stands.
    async fn forget_after(&self, _position: Position) -> Result<bool, StoreError> {
        Ok(false)
    }
}

/// What a stream must be like for an event of this version to be its next.
pub fn expected_before(version: Version) -> Expected {
    version.0.checked_sub(1).map_or(Expected::NoStream, |before| Expected::Exact(Version(before)))
}
