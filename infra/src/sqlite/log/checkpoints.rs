//! How far each saga has read, in the file of the log: a backup of the file holds both.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use cairn_commands::ports::checkpoints::{CheckpointError, Checkpoints};
use cairn_domain::Position;
use sqlx::{Connection, SqliteConnection};

use super::connect;

/// Checkpoints move once a minute or so, so each use has a connection of its own and none is kept.
#[derive(Debug, Clone)]
pub struct SqliteCheckpoints {
    path: PathBuf,
}

impl SqliteCheckpoints {
    /// The checkpoints in the file of a log that was opened before.
    pub fn of(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    async fn connect(&self) -> Result<SqliteConnection, sqlx::Error> {
        connect::patiently(&connect::for_writing(&self.path)).await
    }

    async fn read(&self, saga: &str) -> Result<Position, sqlx::Error> {
        let mut connection = self.connect().await?;
        let row: Option<(i64,)> = sqlx::query_as("SELECT position FROM saga_checkpoint WHERE saga = ?")
            .bind(saga)
            .fetch_optional(&mut connection)
            .await?;
        connection.close().await?;
        Ok(row.map_or(Position::START, |(position,)| Position(position.unsigned_abs())))
    }

    async fn write(&self, saga: &str, position: Position) -> Result<(), sqlx::Error> {
        let mut connection = self.connect().await?;
        let statement = "INSERT INTO saga_checkpoint (saga, position) VALUES (?, ?)
             ON CONFLICT (saga) DO UPDATE SET position = excluded.position";
        let position = i64::try_from(position.0).unwrap_or(i64::MAX);
        sqlx::query(statement).bind(saga).bind(position).execute(&mut connection).await?;
        connection.close().await
    }
}

#[async_trait]
impl Checkpoints for SqliteCheckpoints {
    async fn load(&self, saga: &str) -> Result<Position, CheckpointError> {
        self.read(saga).await.map_err(|error| CheckpointError(error.into()))
    }

    async fn save(&self, saga: &str, position: Position) -> Result<(), CheckpointError> {
        self.write(saga, position).await.map_err(|error| CheckpointError(error.into()))
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
        let checkpoints = SqliteCheckpoints::of(&path);
        assert_eq!(checkpoints.load("a").await.expect("read"), Position::START);
        checkpoints.save("a", Position(7)).await.expect("written");
        checkpoints.save("b", Position(9)).await.expect("written");
        checkpoints.save("a", Position(8)).await.expect("written");
        log.close().await;
        assert_eq!(SqliteCheckpoints::of(&path).load("a").await.expect("read"), Position(8));
        assert_eq!(checkpoints.load("b").await.expect("read"), Position(9));
    }
}
