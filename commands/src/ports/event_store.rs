//! The log: the one truth of the drive.

use async_trait::async_trait;
use cairn_domain::{EventId, Expected, NewEvent, Position, StoredEvent, StreamName, Version};
use tokio::sync::watch;

use super::BoxError;

#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod memory;

pub use memory::MemoryEventStore;

/// An append-only log of events in streams.
///
/// - An append is atomic and durable: when it returns, a power cut can't take it back.
/// - An append whose first event id is already in the log changes nothing and returns what the first one did, and that it is a repeat,
///   whatever is expected now. (The ids of one append come from one command, so they are all there or none.)
/// - Positions follow the commit order. A reader of [`read_all`](Self::read_all) that has seen a position never finds
///   a lower one later.
/// - One append takes at most [`APPEND_BYTES_MAX`].
#[async_trait]
pub trait EventStore: Send + Sync {
    /// Appends the events to the stream, if it is as expected. `events` must not be empty.
    async fn append(&self, stream: &StreamName, expected: Expected, events: Vec<NewEvent>) -> Result<Appended, StoreError>;

    /// Appends to several streams in this order, each only if those before it stand. On an error the first ones may stand and the others do
    /// not: who goes on one by one, with the same ids, finds out. A log that can commits them together. Meant for a few.
    async fn append_in_order(&self, appends: Vec<Append>) -> Result<Vec<Appended>, StoreError>;

    /// Reads a stream forwards from a version (included), at most `limit` events. A stream that is not there is empty.
    async fn read_stream(&self, stream: &StreamName, from: Version, limit: usize) -> Result<Vec<StoredEvent>, StoreError>;

    /// Reads the whole log forwards, after a position (excluded), at most `limit` events.
    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError>;

    /// Reads the whole log forwards, after a position (excluded), for somebody whom only events of these names concern: at most `limit` of them, in
    /// a stretch as long as the log likes. One that can does not touch the others.
    async fn read_named(&self, after: Position, names: &[&str], limit: usize) -> Result<Sifted, StoreError> {
        Ok(Sifted::of_page(self.read_all(after, limit).await?, names, after, limit))
    }

    /// The position of the last event; [`Position::START`] when there is none.
    async fn head(&self) -> Result<Position, StoreError>;

    /// A hint that the log has grown, at least to the position given. It may come late, or stand for many
    /// appends, or be missed when another process appends; who needs certainty also asks now and then.
    fn growth(&self) -> watch::Receiver<Position>;
}

/// As many events a log whose positions have no gaps looks through in one [`read_named`](EventStore::read_named): some milliseconds' work.
pub const SIFTED_AT_ONCE: u64 = 20_000;

/// A part of the log, in which only events of certain names were asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Sifted {
    /// Those that are of such a name.
    pub events: Vec<StoredEvent>,
    /// Where it ends: up to here there are no others.
    pub reached: Position,
    /// Whether the log ended there when it was read.
    pub last: bool,
}

impl Sifted {
    /// What a log makes of it that has found these events, at most `limit`, between where it was to begin and `end`.
    pub fn up_to(end: Position, head: Position, events: Vec<StoredEvent>, limit: usize) -> Self {
        match events.last() {
            Some(found) if events.len() >= limit => Self { reached: found.position, last: false, events },
            _ => Self { events, reached: end, last: end == head },
        }
    }

    /// What a log makes of it that has no better way: `page` is everything after that position, up to the limit.
    pub fn of_page(page: Vec<StoredEvent>, names: &[&str], after: Position, limit: usize) -> Self {
        let mut sifted = Self::whole(page, after, limit);
        sifted.events.retain(|stored| names.contains(&stored.name.as_str()));
        sifted
    }

    /// Of any name.
    pub fn whole(page: Vec<StoredEvent>, after: Position, limit: usize) -> Self {
        Self { reached: page.last().map_or(after, |last| last.position), last: page.len() < limit, events: page }
    }
}

/// Bytes of data, metadata and names that one append may hold: what an `EventStoreDB` of any version takes.
pub const APPEND_BYTES_MAX: usize = 1024 * 1024;

/// Bytes that each event counts besides: for what a log writes around it.
pub const EVENT_BYTES_AROUND: usize = 256;

/// Appends in order to a log that has no better way.
pub async fn append_one_by_one(log: &dyn EventStore, appends: Vec<Append>) -> Result<Vec<Appended>, StoreError> {
    let mut appended = Vec::with_capacity(appends.len());
    for Append { stream, expected, events } in appends {
        appended.push(log.append(&stream, expected, events).await?);
    }
    Ok(appended)
}

/// What is to be appended to one stream.
#[derive(Debug, Clone)]
pub struct Append {
    /// Where.
    pub stream: StreamName,
    /// What the stream must be like.
    pub expected: Expected,
    /// Not empty.
    pub events: Vec<NewEvent>,
}

/// Where an append ended up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The version of its last event in the stream.
    pub version: Version,
    /// The position of its last event in the log.
    pub position: Position,
    /// It stood there before: nothing was appended now.
    pub repeated: bool,
}

/// Why the log did not do what was asked. Each variant is something that the caller does next.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Someone else appended first: load, decide and append again.
    #[error("stream {stream} is at {actual:?}, expected {expected:?}")]
    Conflict {
        /// Where.
        stream: StreamName,
        /// What the caller believed.
        expected: Expected,
        /// The last version there; none when there is no stream.
        actual: Option<Version>,
    },
    /// The append is larger than [`APPEND_BYTES_MAX`] or empty: a defect of the caller.
    #[error("an append must hold 1 event or more and at most 1 MiB")]
    BadSize,
    /// There is no room left: nothing was appended.
    #[error("the event log has no room left")]
    Full(#[source] BoxError),
    /// Nothing is known about the append: retry with the same event ids.
    #[error("the event log did not answer")]
    Unavailable(#[source] BoxError),
    /// What is stored can't be read: stop and call an operator.
    #[error("the event log holds something unreadable at {position}")]
    Corrupt {
        /// Where.
        position: Position,
        /// What is wrong with it.
        #[source]
        source: BoxError,
    },
}

impl StoreError {
    /// An event's id stands in the log although the first id of its append does not: two commands share an id.
    pub fn reused_id(id: EventId, position: Position) -> Self {
        Self::Corrupt {
            position,
            source: format!("event {id} was appended before, but not with the events that now come with it").into(),
        }
    }
}

/// Checks the bytes of an append as [`APPEND_BYTES_MAX`] counts them, given those of each event's name, encoded data and metadata.
pub fn check_size(sizes: impl ExactSizeIterator<Item = usize>) -> Result<(), StoreError> {
    let count = sizes.len();
    let bytes: usize = sizes.sum::<usize>() + count * EVENT_BYTES_AROUND;
    if count == 0 || bytes > APPEND_BYTES_MAX { Err(StoreError::BadSize) } else { Ok(()) }
}
