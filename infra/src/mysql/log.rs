//! The event log in MySQL: positions from a locked head row, and group commit.
//!
//! Whoever appends locks the one row of `log_head` first and holds it to the end of the transaction, so positions are given in the order of
//! the commits, also among many processes, and a reader never sees a gap that fills later. (`AUTO_INCREMENT` gives no such order.)
//! A process commits what waits together: its writers share one lock and one flush.

use std::time::Duration;

use async_trait::async_trait;
use cairn_commands::ports::event_store::{Append, Appended, EventStore, Sifted, StoreError};
use cairn_commands::ports::intake::Intake;
use cairn_domain::{Expected, NewEvent, Position, StoredEvent, StreamName, Version};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::connect::{Pool, Server};
use super::schema::{Migrate, OpenError, Part};
use crate::group_commit::{self, AppendJob, Queue, tell_growth};

mod read;
mod statements;
mod writer;

/// The events and the head row. Stream names are bytes: collations would take some different names for equal.
const PART: Part = Part {
    name: "event log",
    migrations: &["
CREATE TABLE IF NOT EXISTS events (
    position BIGINT NOT NULL PRIMARY KEY,
    stream   VARBINARY(512) NOT NULL,
    version  BIGINT NOT NULL,
    id       BINARY(16) NOT NULL,
    type     VARCHAR(64) NOT NULL,
    `schema` SMALLINT UNSIGNED NOT NULL,
    time     BIGINT NOT NULL COMMENT 'microseconds since 1970',
    metadata MEDIUMTEXT NOT NULL,
    data     MEDIUMTEXT NOT NULL,
    UNIQUE KEY uq_events_stream_version (stream, version),
    UNIQUE KEY uq_events_id (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
CREATE TABLE IF NOT EXISTS log_head (
    id            TINYINT NOT NULL PRIMARY KEY,
    position      BIGINT NOT NULL,
    confirmations BIGINT NOT NULL DEFAULT 0 COMMENT 'repeats that were found and flushed'
) ENGINE = InnoDB;
INSERT IGNORE INTO log_head (id, position) VALUES (1, 0);
"],
};

/// Connections for reading.
const READERS_MAX: u32 = 8;

/// How often the log is asked whether another process has appended to it.
const FOREIGN_GROWTH_PERIOD: Duration = Duration::from_millis(100);

/// The log in a database. Dropping it ends its tasks after what is queued; [`close`](Self::close) waits for that.
#[derive(Debug)]
pub struct MysqlLog {
    server: Server,
    queue: Queue<AppendJob>,
    readers: Pool,
    growth: watch::Sender<Position>,
    tasks: TaskTracker,
    stop: CancellationToken,
    _stop_when_dropped: DropGuard,
}

impl MysqlLog {
    /// Opens the log, and makes its tables if it may.
    pub async fn open(server: &Server, migrate: Migrate) -> Result<Self, OpenError> {
        PART.prepare(server, migrate).await?;
        let readers = server.pool(READERS_MAX);
        let head = read::head(&readers).await.map_err(|error| OpenError::Unusable {
            server: server.clone(),
            part: PART.name,
            source: error.into(),
        })?;
        Ok(Self::start(server, readers, head))
    }

    fn start(server: &Server, readers: Pool, head: Position) -> Self {
        group_commit::describe_metrics();
        let (stop, tasks, growth) = (CancellationToken::new(), TaskTracker::new(), watch::Sender::new(head));
        let (queue, jobs) = group_commit::bounded();
        let writer = writer::Writer::new(server.clone(), growth.clone());
        tasks.spawn(writer.run(jobs, stop.clone()));
        tasks.spawn(watch_foreign_growth(readers.clone(), growth.clone(), stop.clone()));
        tasks.close();
        Self { server: server.clone(), queue, readers, growth, tasks, _stop_when_dropped: stop.clone().drop_guard(), stop }
    }

    /// Commits what is queued, takes nothing more, and closes the connections.
    pub async fn close(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
        self.readers.close().await;
    }
}

#[async_trait]
impl EventStore for MysqlLog {
    async fn append(&self, stream: &StreamName, expected: Expected, events: Vec<NewEvent>) -> Result<Appended, StoreError> {
        let appended = self.append_in_order(vec![Append { stream: stream.clone(), expected, events }]).await?;
        appended.into_iter().next().ok_or_else(|| StoreError::Unavailable("the append has no answer".into()))
    }

    async fn append_in_order(&self, appends: Vec<Append>) -> Result<Vec<Appended>, StoreError> {
        // With the time that it waits for others. What becomes of an append that is given up is as unknown as with any lost answer.
        let appended = self.server.while_alive(async { Ok(group_commit::append(&self.queue, appends).await) }).await;
        appended.unwrap_or_else(|error| Err(StoreError::Unavailable(error.into())))
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
impl Intake for MysqlLog {
    async fn held(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.read_all(after, limit).await
    }

    async fn take_in(&self, events: Vec<StoredEvent>) -> Result<(), StoreError> {
        let taken = self.server.while_alive(async { Ok(group_commit::take_in(&self.queue, events).await) }).await;
        taken.unwrap_or_else(|error| Err(StoreError::Unavailable(error.into())))
    }
}

/// The writer tells of its own appends at once; this tells of those of other processes.
async fn watch_foreign_growth(readers: Pool, growth: watch::Sender<Position>, stop: CancellationToken) {
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
