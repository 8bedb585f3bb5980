//! How far each saga has read, in MySQL.

use async_trait::async_trait;
use cairn_commands::ports::checkpoints::{CheckpointError, Checkpoints};
use cairn_domain::Position;
use sqlx::Row;

use super::connect::{Pool, Server};
use super::schema::{Migrate, OpenError, Part};

const PART: Part = Part {
    name: "saga checkpoints",
    migrations: &["
CREATE TABLE IF NOT EXISTS saga_checkpoint (
    saga     VARCHAR(64) NOT NULL PRIMARY KEY,
    position BIGINT NOT NULL COMMENT 'the last event that it need not see again'
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
"],
};

/// Checkpoints move now and then.
const CONNECTIONS_MAX: u32 = 2;

/// Shared by all processes that use the database.
#[derive(Debug, Clone)]
pub struct MysqlCheckpoints {
    pool: Pool,
}

impl MysqlCheckpoints {
    /// Opens the checkpoints, and makes their table if it may.
    pub async fn open(server: &Server, migrate: Migrate) -> Result<Self, OpenError> {
        PART.prepare(server, migrate).await?;
        Ok(Self { pool: server.pool(CONNECTIONS_MAX) })
    }

    /// Closes the connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn read(&self, saga: &str) -> Result<Position, sqlx::Error> {
        let rows = self.pool.fetch(|| sqlx::query("SELECT position FROM saga_checkpoint WHERE saga = ?").bind(saga)).await?;
        let position = rows.first().map(|row| row.try_get::<i64, _>(0)).transpose()?;
        Ok(position.map_or(Position::START, |position| Position(position.unsigned_abs())))
    }

    async fn write(&self, saga: &str, position: Position) -> Result<(), sqlx::Error> {
        let position = i64::try_from(position.0).unwrap_or(i64::MAX);
        let statement =
            "INSERT INTO saga_checkpoint (saga, position) VALUES (?, ?) ON DUPLICATE KEY UPDATE position = VALUES(position)";
        self.pool.execute(sqlx::query(statement).bind(saga).bind(position)).await.map(drop)
    }
}

#[async_trait]
impl Checkpoints for MysqlCheckpoints {
    async fn load(&self, saga: &str) -> Result<Position, CheckpointError> {
        self.read(saga).await.map_err(|error| CheckpointError(error.into()))
    }

    async fn save(&self, saga: &str, position: Position) -> Result<(), CheckpointError> {
        self.write(saga, position).await.map_err(|error| CheckpointError(error.into()))
    }
}
