//! What the read side needs from outside. Each trait carries its contract in prose; with the feature `sample` come in-memory twins and the
//! suite that every adapter of the tables passes.

use std::sync::Arc;

use async_trait::async_trait;
use cairn_domain::{EventId, Position, StoredEvent, StreamName, Timestamp};
use tokio::sync::watch;

use crate::sql::{Dialect, Sql};
use crate::statement::{Run, Value};

#[cfg(feature = "sample")]
pub mod contract;
#[cfg(feature = "sample")]
pub mod memory;
mod row;

pub use row::{FromColumn, Row};

/// The cause of a failure, as an adapter knows it; for the operator, never for the client.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Where events come from: the log, as far as it can be read.
#[async_trait]
pub trait Source: Send + Sync {
    /// Reads the whole log forwards, after a position (excluded), at most `limit` events. Whoever has seen a position never finds a lower
    /// one later.
    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, SourceError>;

    /// The position of the last event; [`Position::START`] when there is none.
    async fn head(&self) -> Result<Position, SourceError>;

    /// A hint that the log has grown. It may come late, stand for many appends or be missed.
    fn growth(&self) -> watch::Receiver<Position>;
}

/// Why the log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Nothing is known: try again.
    #[error("the event log did not answer")]
    Unavailable(#[source] BoxError),
    /// What is stored can't be read: nothing after it can be projected until an operator has looked at it.
    #[error("the event log holds something unreadable at {position}")]
    Corrupt {
        /// Where.
        position: Position,
        /// What is wrong with it.
        #[source]
        source: BoxError,
    },
}

/// The read tables, as far as those who write them need them.
#[async_trait]
pub trait Tables: Send + Sync {
    /// The checkpoint of every projection that the tables know.
    async fn checkpoints(&self) -> Result<Vec<Checkpoint>, TablesError>;

    /// What is parked for a projection after a position, in log order, at most `limit`.
    async fn parked(&self, projection: &str, after: Position, limit: usize) -> Result<Vec<Parked>, TablesError>;

    /// Does all of the batch or nothing. Nothing, and [`TablesError::Lost`], when a checkpoint is not where the batch takes it from, or when
    /// another process has the right to move it. Where processes share the tables, moving takes that right for some seconds.
    async fn apply(&self, batch: Batch) -> Result<(), TablesError>;
}

/// Tables beside which others can be made and put in their place.
#[async_trait]
pub trait Workshop: Tables {
    /// New, empty tables of every projection, of no effect on the live ones. What an earlier draft left behind goes, also one that was kept.
    async fn draft(&self, on_refusal: OnRefusal) -> Result<Box<dyn Draft>, TablesError>;

    /// The draft that was [kept](Draft::keep) last, to go on with; none when there is none. Taken up, it has to be kept again. A batch that it
    /// refuses may spoil it.
    async fn kept(&self) -> Result<Option<Box<dyn Draft>>, TablesError>;

    /// The checkpoints of the tables that the last promotion has replaced; none when there are no such tables.
    async fn before(&self) -> Result<Vec<Checkpoint>, TablesError>;

    /// Exchanges the live tables for those, all at once, so that the same again takes it back. They must be there.
    async fn roll_back(&self) -> Result<(), TablesError>;

    /// From now on a projection is paused, or no longer, whichever process applies.
    async fn pause(&self, projection: &str, paused: bool) -> Result<(), TablesError>;

    /// From now on no other process moves a checkpoint of the live tables, for half a minute or until [`step_down`](Self::step_down).
    async fn take_over(&self) -> Result<(), TablesError>;

    /// Gives back the right to move checkpoints, so that another process need not wait for its end.
    async fn step_down(&self) -> Result<(), TablesError>;
}

/// What becomes of a draft that refuses a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRefusal {
    /// It takes back what it has written of the batch, as any tables do.
    TakeBack,
    /// It is [spoilt](TablesError::Spoilt), if it keeps nothing that could be taken back, which makes it faster.
    Spoil,
}

/// Tables that begin empty and are filled from the log.
#[async_trait]
pub trait NewTables: Tables {
    /// Makes the indexes, which are left out while the bulk of the rows comes in.
    async fn index(&self) -> Result<(), TablesError>;
}

/// New tables that stand for themselves, and can be asked while they are filled: those of a replay.
pub trait ReplayTables: NewTables + ReadTables {}

impl<T: NewTables + ReadTables> ReplayTables for T {}

/// Tables in the making that will be the live ones. Nothing is durable before [`promote`](Self::promote) or [`keep`](Self::keep); dropped, it
/// leaves nothing of effect.
#[async_trait]
pub trait Draft: NewTables {
    /// Makes the draft durable and puts it in the place of the live tables, all at once: a query is answered from the old
    /// tables or from the new, and none fails because of it. After a crash one of the two is there. The old tables stay, to be
    /// [put back](Workshop::roll_back), until others are replaced.
    async fn promote(self: Box<Self>) -> Result<(), TablesError>;

    /// Leaves it for later, durably, as far as it has come.
    async fn keep(self: Box<Self>) -> Result<(), TablesError>;

    /// Gives back its space.
    async fn discard(self: Box<Self>);
}

/// Why the tables did not do what was asked. Each variant is something that the runner does next.
#[derive(Debug, thiserror::Error)]
pub enum TablesError {
    /// Somebody else moved a checkpoint: look again.
    #[error("the checkpoint of {projection} was moved by somebody else")]
    Lost {
        /// Whose.
        projection: String,
    },
    /// The values do not fit the tables, and never will: park the event.
    #[error("the rows were refused")]
    Rejected(#[source] BoxError),
    /// The values do not fit, and a part of the batch may stand in the rows: make other tables, which [take back](OnRefusal::TakeBack) what they
    /// refuse.
    #[error("the rows were refused, and the tables are spoilt")]
    Spoilt(#[source] BoxError),
    /// Another process is making new tables: let it.
    #[error("the read tables are being rebuilt by another process")]
    Busy,
    /// Nothing was done: try again.
    #[error("the read tables did not answer")]
    Unavailable(#[source] BoxError),
}

/// What is applied at once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// Changes of rows, in order.
    pub runs: Vec<Run>,
    /// How far each projection has come with it.
    pub moves: Vec<Move>,
    /// Events to be parked.
    pub park: Vec<Parked>,
    /// Events that are parked no longer, by projection and position.
    pub release: Vec<(String, Position)>,
    /// Whether this process has moved these checkpoints last, as far as it knows. Where processes share the tables, another one that has
    /// moved them, or has put other tables in their place, is noticed then although the position may be the same.
    pub continued: bool,
}

/// A step of one projection's checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// Whose.
    pub projection: String,
    /// The version of the projection's code, which must be the stored one.
    pub version: u32,
    /// Where the checkpoint must be.
    pub from: Position,
    /// Where it goes.
    pub to: Position,
    /// The event there.
    pub event: EventId,
    /// The id of the log's first event.
    pub log: EventId,
    /// Now.
    pub at: Timestamp,
}

/// How far the rows of a projection have come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose.
    pub projection: String,
    /// The version of the projection's code that made the rows.
    pub version: u32,
    /// The last event in them.
    pub position: Position,
    /// The event there; none while there is none, and where an earlier program has left it.
    pub event: Option<EventId>,
    /// The log from which they come, by the id of its first event; none while the position is [`Position::START`].
    pub log: Option<EventId>,
    /// When it last moved.
    pub updated_at: Timestamp,
    /// Whether another process has the right to move it, for some seconds. Always false where the tables belong to one process.
    pub held_elsewhere: bool,
    /// Whether somebody has told the projection to stand still.
    pub paused: bool,
}

/// An event that could not be projected, or whose stream has an earlier such event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// For which projection.
    pub projection: String,
    /// Where the event stands.
    pub stream: StreamName,
    /// Where it stands in the log.
    pub position: Position,
    /// Which event.
    pub event: EventId,
    /// What happened, by name.
    pub name: String,
    /// Why, for the operator.
    pub reason: String,
    /// When it was parked.
    pub parked_at: Timestamp,
}

/// The read tables, as far as those who ask need them.
#[async_trait]
pub trait ReadTables: Send + Sync {
    /// The SQL that the tables speak.
    fn dialect(&self) -> Dialect;

    /// The rows of a query, each with its columns in the order of the query. One query sees one state.
    async fn rows(&self, query: Sql) -> Result<Vec<Row>, ReadError>;
}

/// Read tables of which one state can be looked at for longer than a query takes.
#[async_trait]
pub trait Snapshots: ReadTables {
    /// The tables as they are now, whatever is applied meanwhile. The database keeps what it needs for that as long as the snapshot is
    /// held, and may not be able to put other tables in their place: it is to be held for a short time.
    async fn snapshot(&self) -> Result<Box<dyn ReadTables>, ReadError>;
}

/// The read tables, of which there may be copies that follow a little later.
pub trait Copies: Send + Sync {
    /// Tables that have reached the position: a copy, or those that are written themselves, which the caller knows to have reached it.
    fn reached(&self, position: Position) -> Arc<dyn ReadTables>;
}

/// Tables without copies.
pub struct NoCopies(pub Arc<dyn ReadTables>);

impl Copies for NoCopies {
    fn reached(&self, _: Position) -> Arc<dyn ReadTables> {
        Arc::clone(&self.0)
    }
}

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Nothing is known: try again.
    #[error("the read tables did not answer")]
    Unavailable(#[source] BoxError),
    /// A row holds what no projection writes: rebuild the tables.
    #[error("column {column} of a row holds {value:?}")]
    Unreadable {
        /// Which column of the query, from 0.
        column: usize,
        /// What it holds; none when there is no such column.
        value: Option<Value>,
    },
}
