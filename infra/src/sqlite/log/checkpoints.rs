//! How far each saga has read, in the file of the log: a backup of the file holds both.
//!
//! They share the writer of the log, as the ledger of requests does: there is no second writer to wait for the lock.

use async_trait::async_trait;
use cairn_commands::ports::checkpoints::{CheckpointError, Checkpoints};
use cairn_domain::Position;
use sqlx::SqlitePool;

use super::job::{Job, SaveJob};
use crate::group_commit::Queue;

/// Made by [`SqliteLog::checkpoints`](super::SqliteLog::checkpoints), and of use as long as that log is open.
#[derive(Debug, Clone)]
pub struct SqliteCheckpoints {
    queue: Queue<Job>,
    readers: SqlitePool,
}

impl SqliteCheckpoints {
    pub(super) fn new(queue: Queue<Job>, readers: SqlitePool) -> Self {
        Self { queue, readers }
    }
}

#[async_trait]
impl Checkpoints for SqliteCheckpoints {
    async fn load(&self, saga: &str) -> Result<Position, CheckpointError> {
        let query = sqlx::query_as("SELECT position FROM saga_checkpoint WHERE saga = ?").bind(saga);
        let row: Option<(i64,)> = query.fetch_optional(&self.readers).await.map_err(|error| CheckpointError(error.into()))?;
        Ok(row.map_or(Position::START, |(position,)| Position(position.unsigned_abs())))
    }

    async fn save(&self, saga: &str, position: Position) -> Result<(), CheckpointError> {
        let saga = saga.to_owned();
        let saved = self.queue.ask(saga.len(), |answer| Job::Save(SaveJob { saga, position, answer })).await;
        saved.map_err(|closed| CheckpointError(closed.into()))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::log::SqliteLog;

    #[tokio::test]
    async fn each_saga_has_its_own_position_and_keeps_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("events.db");
        let log = SqliteLog::open(&path).await.expect("a log");
        let checkpoints = log.checkpoints();
        assert_eq!(checkpoints.load("a").await.expect("read"), Position::START);
        checkpoints.save("a", Position(7)).await.expect("written");
        checkpoints.save("b", Position(9)).await.expect("written");
        checkpoints.save("a", Position(8)).await.expect("written");
        log.close().await;
        assert!(checkpoints.save("a", Position(10)).await.is_err(), "it is closed");
        let log = SqliteLog::open(&path).await.expect("the log");
        let checkpoints = log.checkpoints();
        assert_eq!(checkpoints.load("a").await.expect("read"), Position(8));
        assert_eq!(checkpoints.load("b").await.expect("read"), Position(9));
    }
}
