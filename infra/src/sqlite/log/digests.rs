//! The digests of the log, in its own file: a copy of the file holds both.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use cairn_commands::ports::BoxError;
use cairn_commands::ports::digests::{Block, Digests, DigestsError};
use sqlx::{Connection, SqliteConnection};

use super::connect;
use crate::digest_blocks;

const LAST: &str = "SELECT before, last, digest, marks FROM log_digest ORDER BY before DESC LIMIT 1";
const LOAD: &str = "SELECT before, last, digest, marks FROM log_digest WHERE before = ?";
const KEEP: &str = "INSERT INTO log_digest (before, last, digest, marks) VALUES (?, ?, ?, ?)
    ON CONFLICT (before) DO UPDATE SET last = excluded.last, digest = excluded.digest, marks = excluded.marks
    WHERE length(excluded.marks) > length(marks)";
const CLEAR: &str = "DELETE FROM log_digest";

/// They change now and then, so each use has a connection of its own and none is kept.
#[derive(Debug, Clone)]
pub struct SqliteDigests {
    path: PathBuf,
}

type BlockRow = (i64, i64, Vec<u8>, Vec<u8>);

impl SqliteDigests {
    /// The digests in the file of a log that was opened before.
    pub fn of(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    async fn connect(&self) -> Result<SqliteConnection, sqlx::Error> {
        connect::patiently(&connect::for_writing(&self.path)).await
    }

    async fn last_row(&self) -> Result<Option<BlockRow>, sqlx::Error> {
        let mut connection = self.connect().await?;
        let row = sqlx::query_as(LAST).fetch_optional(&mut connection).await?;
        connection.close().await?;
        Ok(row)
    }

    async fn row(&self, before: i64) -> Result<Option<BlockRow>, sqlx::Error> {
        let mut connection = self.connect().await?;
        let row = sqlx::query_as(LOAD).bind(before).fetch_optional(&mut connection).await?;
        connection.close().await?;
        Ok(row)
    }

    async fn write(&self, before: i64, (last, digest, marks): digest_blocks::Columns) -> Result<(), sqlx::Error> {
        let mut connection = self.connect().await?;
        sqlx::query(KEEP).bind(before).bind(last).bind(digest).bind(marks).execute(&mut connection).await?;
        connection.close().await
    }

    async fn remove(&self) -> Result<(), sqlx::Error> {
        let mut connection = self.connect().await?;
        sqlx::query(CLEAR).execute(&mut connection).await?;
        connection.close().await
    }
}

#[async_trait]
impl Digests for SqliteDigests {
    async fn last(&self) -> Result<Option<Block>, DigestsError> {
        read(self.last_row().await).map_err(DigestsError)
    }

    async fn load(&self, before: u64) -> Result<Option<Block>, DigestsError> {
        read(self.row(i64::try_from(before).unwrap_or(i64::MAX)).await).map_err(DigestsError)
    }

    async fn keep(&self, block: &Block) -> Result<(), DigestsError> {
        let before = i64::try_from(block.before).unwrap_or(i64::MAX);
        self.write(before, digest_blocks::columns(block)).await.map_err(|error| DigestsError(error.into()))
    }

    async fn clear(&self) -> Result<(), DigestsError> {
        self.remove().await.map_err(|error| DigestsError(error.into()))
    }
}

fn read(row: Result<Option<BlockRow>, sqlx::Error>) -> Result<Option<Block>, BoxError> {
    row?.map(|(before, last, digest, marks)| digest_blocks::block(before, (last, digest, marks))).transpose()
}

#[cfg(test)]
mod tests {
    use cairn_commands::ports::digests::contract;

    use super::*;
    use crate::sqlite::log::SqliteLog;

    #[tokio::test]
    async fn they_keep_the_contract() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("events.db");
        let log = SqliteLog::open(&path).await.expect("a log");
        contract::suite(&SqliteDigests::of(&path)).await;
        log.close().await;
    }
}
