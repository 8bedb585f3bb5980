//! The bus: where whoever is outside follows the drive's events, and where processes of one drive wake each other.

use async_trait::async_trait;
use cairn_domain::{EventId, Position, StoredEvent};
use tokio::sync::watch;

use super::BoxError;

#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod memory;

pub use memory::{MemoryBus, MemoryBusServer};

/// A copy of the log for others to follow, and a way to be told that the log has grown.
///
/// The bus may lose its last events or all of them at any time, and forgets old ones as it was told to: the log is the truth, and the
/// bus tells what it still has.
///
/// - Several processes may publish at once: what is published behind a [`Tip`] stands right behind it, or not at all. So the bus
///   never gets an event twice nor out of order, as long as each publishes what the log has next behind the tip's event.
/// - When [`publish`](Self::publish) succeeds, the bus has taken the events as durably as it can.
/// - After an error any first part of the events may stand, and may still come to stand later: ask
///   [`reached`](Self::reached) and go on from there.
/// - Secrets in events stay at home.
#[async_trait]
pub trait Bus: Send + Sync {
    /// How far the bus is. Makes what is missing of it, so that there is something to publish to.
    async fn reached(&self) -> Result<Reached, BusError>;

    /// Publishes these events, which follow each other in the log, right behind the tip, and tells the new tip. `events` must not be empty.
    async fn publish(&self, behind: Tip, events: &[StoredEvent]) -> Result<Tip, BusError>;

    /// Tells the other processes that the log has grown to this position. Does not wait, and may be lost.
    fn tell(&self, position: Position);

    /// What other processes have told last. Nothing vouches for it.
    fn heard(&self) -> watch::Receiver<Position>;

    /// Whether the bus can be reached just now, as far as one knows without asking it for much.
    async fn reachable(&self) -> Result<(), BusError>;
}

/// An end of the bus, as one publisher has seen it. It means nothing to anybody but the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tip(pub u64);

/// How far a bus is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reached {
    /// It never had an event: it is new, or has lost everything.
    Empty(Tip),
    /// This is its last event.
    At {
        /// The event's place in the log.
        position: Position,
        /// Which it is.
        event: EventId,
        /// The end behind it.
        tip: Tip,
    },
    /// It had events, and has forgotten them all, as it was told to.
    Forgotten(Tip),
}

/// Why the bus did not do what was asked. Each variant is something that the caller does next.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The bus does not end there any more, because somebody else published or because it has lost something: ask where it ends.
    #[error("the bus does not end where it did")]
    Moved,
    /// Nothing is known: ask where it ends, and try again.
    #[error("the bus did not answer")]
    Unavailable(#[source] BoxError),
    /// What is there is not the drive's: stop and call an operator.
    #[error("the bus holds what is none of this drive's")]
    Foreign(#[source] BoxError),
}
