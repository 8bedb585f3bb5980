//! The digests of the log, in MySQL.

use async_trait::async_trait;
use cairn_commands::ports::BoxError;
use cairn_commands::ports::digests::{Block, Digests, DigestsError};
use sqlx::Row;
use sqlx::mysql::MySqlRow;

use super::connect::{Pool, Server};
use super::schema::{Migrate, OpenError, Part};
use crate::digest_blocks;

const PART: Part = Part {
    name: "log digests",
    migrations: &["
CREATE TABLE IF NOT EXISTS log_digest (
    `before` BIGINT NOT NULL PRIMARY KEY COMMENT 'events that come before the block',
    last     BIGINT NOT NULL COMMENT 'the position of its last event',
    digest   BINARY(32) NOT NULL COMMENT 'of the whole log up to there',
    marks    BLOB NOT NULL COMMENT '8 bytes of the digest after each event'
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
"],
};

const LAST: &str = "SELECT `before`, last, digest, marks FROM log_digest ORDER BY `before` DESC LIMIT 1";
const LOAD: &str = "SELECT `before`, last, digest, marks FROM log_digest WHERE `before` = ?";
const CLEAR: &str = "DELETE FROM log_digest";

/// The assignments are made from left to right, so the length that decides is the last to change.
const KEEP: &str = "INSERT INTO log_digest (`before`, last, digest, marks) VALUES (?, ?, ?, ?) ON DUPLICATE KEY UPDATE
    last = IF(LENGTH(VALUES(marks)) > LENGTH(marks), VALUES(last), last),
    digest = IF(LENGTH(VALUES(marks)) > LENGTH(marks), VALUES(digest), digest),
    marks = IF(LENGTH(VALUES(marks)) > LENGTH(marks), VALUES(marks), marks)";

/// They change now and then.
const CONNECTIONS_MAX: u32 = 2;

/// Shared by all processes that use the database.
#[derive(Debug, Clone)]
pub struct MysqlDigests {
    pool: Pool,
}

impl MysqlDigests {
    /// Opens the digests, and makes their table if it may.
    pub async fn open(server: &Server, migrate: Migrate) -> Result<Self, OpenError> {
        PART.prepare(server, migrate).await?;
        Ok(Self { pool: server.pool(CONNECTIONS_MAX) })
    }

    /// Closes the connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn read(&self, before: Option<u64>) -> Result<Option<Block>, BoxError> {
        let before = before.map(|before| i64::try_from(before).unwrap_or(i64::MAX));
        let rows = match before {
            None => self.pool.fetch(|| sqlx::query(LAST)).await?,
            Some(before) => self.pool.fetch(|| sqlx::query(LOAD).bind(before)).await?,
        };
        rows.first().map(block).transpose()
    }

    async fn write(&self, block: &Block) -> Result<(), sqlx::Error> {
        let before = i64::try_from(block.before).unwrap_or(i64::MAX);
        let (last, digest, marks) = digest_blocks::columns(block);
        self.pool.execute(sqlx::query(KEEP).bind(before).bind(last).bind(digest).bind(marks)).await.map(drop)
    }
}

fn block(row: &MySqlRow) -> Result<Block, BoxError> {
    digest_blocks::block(row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?))
}

#[async_trait]
impl Digests for MysqlDigests {
    async fn last(&self) -> Result<Option<Block>, DigestsError> {
        self.read(None).await.map_err(DigestsError)
    }

    async fn load(&self, before: u64) -> Result<Option<Block>, DigestsError> {
        self.read(Some(before)).await.map_err(DigestsError)
    }

    async fn keep(&self, block: &Block) -> Result<(), DigestsError> {
        self.write(block).await.map_err(|error| DigestsError(error.into()))
    }

    async fn clear(&self) -> Result<(), DigestsError> {
        self.pool.execute(sqlx::query(CLEAR)).await.map(drop).map_err(|error| DigestsError(error.into()))
    }
}
