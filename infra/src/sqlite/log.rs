//! The event log in one SQLite file: WAL, `synchronous=FULL`, and group commit.
//!
//! One task writes: the appends that wait together are committed together, so that one flush to the disk serves all
//! of them. Reads have connections of their own and are never in its way. Other processes may append to the same file; the
//! write lock of SQLite keeps the order among them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use cairn_commands::ports::BoxError;
use cairn_commands::ports::event_store::{Append, Appended, EventStore, Sifted, StoreError};
use cairn_commands::ports::intake::Intake;
use cairn_domain::{Expected, NewEvent, Position, StoredEvent, StreamName, Version};
use sqlx::SqlitePool;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::group_commit::{self, Queue, tell_growth};
use crate::sqlite::ledger::SqliteLedger;

mod checkpoints;
mod connect;
mod digests;
mod job;
mod new;
mod read;
mod schema;
mod statements;
mod trouble;
mod writer;

pub use checkpoints::SqliteCheckpoints;
pub use digests::SqliteDigests;
pub(crate) use job::{BeginJob, FinishJob, Job};
pub use new::SqliteNewLog;
pub use schema::{EVENTS, SCHEMA_VERSION, UNIQUE};

/// How often the log is asked whether another process has appended to it.
const FOREIGN_GROWTH_PERIOD: Duration = Duration::from_millis(500);

/// The log in a file. Dropping it ends its tasks after what is queued; [`close`](Self::close) waits for that.
#[derive(Debug)]
pub struct SqliteLog {
    queue: Queue<Job>,
    readers: SqlitePool,
    growth: watch::Sender<Position>,
    tasks: TaskTracker,
    stop: CancellationToken,
    _stop_when_dropped: DropGuard,
}

/// Why a log can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A newer program has written the file: run that one.
    #[error("the event log {path} has schema {found}, newer than the {known} of this program", path = path.display())]
    NewerSchema {
        /// Which file.
        path: PathBuf,
        /// As stored.
        found: u32,
        /// As known.
        known: u32,
    },
    /// An older program has written the file, and it is not to be changed.
    #[error(
        "the event log {path} has schema {found}, this program needs {known}: run `cairn migrate` with the same configuration, or start the drive",
        path = path.display()
    )]
    OlderSchema {
        /// Which file.
        path: PathBuf,
        /// As stored; 0 for nothing.
        found: u32,
        /// As known.
        known: u32,
    },
    /// The file is something else, and it is not to be changed.
    #[error("{path} is not the event log of a drive", path = path.display())]
    NoLog {
        /// Which file.
        path: PathBuf,
    },
    /// The file is missing, locked, damaged or not a log.
    #[error("the event log {path} can't be opened", path = path.display())]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// What is the matter.
        #[source]
        source: BoxError,
    },
}

impl SqliteLog {
    /// Opens the log, and makes it if it is not there. Its directory must be.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_with(path, connect::for_writing(path)).await
    }

    /// Opens a log that is there, for somebody who may not make or change its schema: any other file is refused, and stays as it is.
    pub async fn open_made(path: &Path) -> Result<Self, OpenError> {
        let unusable = |source: sqlx::Error| OpenError::Unusable { path: path.to_owned(), source: source.into() };
        let older = |found| OpenError::OlderSchema { path: path.to_owned(), found, known: SCHEMA_VERSION };
        if !path.exists() {
            return Err(older(0));
        }
        let readers = connect::readers(path).await.map_err(unusable)?;
        let found = schema::found(&readers).await.map_err(unusable)?;
        readers.close().await;
        match found {
            None => Err(OpenError::NoLog { path: path.to_owned() }),
            Some(found) if found < SCHEMA_VERSION => Err(older(found)),
            Some(_) => Self::open(path).await,
        }
    }

    async fn open_with(path: &Path, writing: sqlx::sqlite::SqliteConnectOptions) -> Result<Self, OpenError> {
        let unusable = |source: sqlx::Error| OpenError::Unusable { path: path.to_owned(), source: source.into() };
        let mut connection = connect::patiently(&writing).await.map_err(unusable)?;
        let found = schema::prepare(&mut connection).await.map_err(unusable)?;
        if found > SCHEMA_VERSION {
            return Err(OpenError::NewerSchema { path: path.to_owned(), found, known: SCHEMA_VERSION });
        }
        let readers = connect::readers(path).await.map_err(unusable)?;
        let head =
            read::head(&readers).await.map_err(|error| OpenError::Unusable { path: path.to_owned(), source: error.into() })?;
        Ok(Self::start(writing, connection, readers, head))
    }

    fn start(
        writing: sqlx::sqlite::SqliteConnectOptions,
        connection: sqlx::SqliteConnection,
        readers: SqlitePool,
        head: Position,
    ) -> Self {
        group_commit::describe_metrics();
        let (stop, tasks, growth) = (CancellationToken::new(), TaskTracker::new(), watch::Sender::new(head));
        let (queue, jobs) = group_commit::bounded();
        let writer = writer::Writer::new(writing, connection, growth.clone());
        tasks.spawn(writer.run(jobs, readers.clone(), stop.clone()));
        tasks.spawn(watch_foreign_growth(readers.clone(), growth.clone(), stop.clone()));
        tasks.close();
        Self { queue, readers, growth, tasks, _stop_when_dropped: stop.clone().drop_guard(), stop }
    }

    /// The ledger of requests in the same file; its entries are committed together with events.
    pub fn ledger(&self) -> SqliteLedger {
        SqliteLedger::new(self.queue.clone())
    }

    /// How far each saga has read, in the same file; written by the log's own writer.
    pub fn checkpoints(&self) -> SqliteCheckpoints {
        SqliteCheckpoints::new(self.queue.clone(), self.readers.clone())
    }

    /// Commits what is queued, takes nothing more, and gives the file back.
    pub async fn close(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

#[async_trait]
impl EventStore for SqliteLog {
    async fn append(&self, stream: &StreamName, expected: Expected, events: Vec<NewEvent>) -> Result<Appended, StoreError> {
        let appended = group_commit::append(&self.queue, vec![Append { stream: stream.clone(), expected, events }]).await?;
        appended.into_iter().next().ok_or_else(|| StoreError::Unavailable("the append has no answer".into()))
    }

    async fn append_in_order(&self, appends: Vec<Append>) -> Result<Vec<Appended>, StoreError> {
        group_commit::append(&self.queue, appends).await
    }

    async fn read_stream(&self, stream: &StreamName, from: Version, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        read::stream(&self.readers, stream, from, limit).await
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        read::all(&self.readers, after, limit).await
    }

    async fn read_named(&self, after: Position, names: &[&str], limit: usize) -> Result<Sifted, StoreError> {
        read::named(&self.readers, after, names, limit).await
    }

    async fn head(&self) -> Result<Position, StoreError> {
        read::head(&self.readers).await
    }

    fn growth(&self) -> watch::Receiver<Position> {
        self.growth.subscribe()
    }
}

#[async_trait]
impl Intake for SqliteLog {
    async fn held(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.read_all(after, limit).await
    }

    async fn take_in(&self, events: Vec<StoredEvent>) -> Result<(), StoreError> {
        group_commit::take_in(&self.queue, events).await
    }
}

/// The writer tells of its own appends at once; this tells of those of other processes.
async fn watch_foreign_growth(readers: SqlitePool, growth: watch::Sender<Position>, stop: CancellationToken) {
    let look = async {
        loop {
            tokio::time::sleep(FOREIGN_GROWTH_PERIOD).await;
            match read::head(&readers).await {
                Ok(head) => tell_growth(&growth, head),
                Err(error) => tracing::debug!(error = &error as &dyn std::error::Error, "the event log did not tell its head"),
            }
        }
    };
    stop.run_until_cancelled(look).await;
}

#[cfg(test)]
mod tests;
