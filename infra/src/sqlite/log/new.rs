//! A log that comes whole from elsewhere: made in a file beside, and put in its place when it is complete.
//!
//! Until then nobody sees it. So its events are written in their order without the unique indexes, which are made at the end: with them, and in
//! the log itself, a million events took six times as long. What was interrupted is gone on with: the rollback journal of rows that only come
//! behind others is next to nothing.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use cairn_commands::ports::BoxError;
use cairn_commands::ports::event_store::{EventStore, StoreError};
use cairn_commands::ports::intake::{Intake, expected_before};
use cairn_domain::{Position, StoredEvent, StreamName, Version};
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};
use tokio::sync::Mutex;

use super::{OpenError, SCHEMA_VERSION, SqliteLog, connect, read, schema, statements, trouble};
use crate::group_commit::{EncodedAppend, Row};
use crate::sqlite::files;

/// The first event that does not follow the one before it in its stream, neither in number nor in place.
const DOES_NOT_FOLLOW: &str = "
SELECT stream, version, CASE WHEN place < position THEN before END FROM (
    SELECT stream, version, position, lag(version) OVER one AS before, lag(position) OVER one AS place
    FROM events WINDOW one AS (PARTITION BY stream ORDER BY version)
) WHERE version <> coalesce(before + 1, 0) OR place > position LIMIT 1";

/// A log that is being made.
pub struct SqliteNewLog {
    /// Where it will be.
    path: PathBuf,
    /// Where it is.
    file: PathBuf,
    made: Mutex<Made>,
}

/// What has been made of it.
struct Made {
    connection: SqliteConnection,
    head: Position,
}

impl SqliteNewLog {
    /// Begins one, or goes on with one that was interrupted. None if there is a log with events already. Nobody else may use it meanwhile.
    pub async fn begin(path: &Path) -> Result<Option<Self>, OpenError> {
        let unusable = |source: BoxError| OpenError::Unusable { path: path.to_owned(), source };
        if path.exists() {
            let log = SqliteLog::open(path).await?;
            let head = log.head().await;
            log.close().await;
            if head.map_err(|error| unusable(error.into()))? != Position::START {
                return Ok(None);
            }
        }
        let file = files::sibling(path, ".import.db");
        let made = if let Ok(made) = Made::take_up(&file).await {
            made
        } else {
            // Whatever it is, it is no part of a log that this program can go on with.
            files::remove(&file).map_err(|error| unusable(error.into()))?;
            Made::take_up(&file).await.map_err(unusable)?
        };
        Ok(Some(Self { path: path.to_owned(), file, made: Mutex::new(made) }))
    }

    /// Puts it in its place, durably. If an event does not follow the one before it in its stream, it is a [`StoreError::Conflict`].
    pub async fn finish(self) -> Result<(), StoreError> {
        let mut connection = self.made.into_inner().connection;
        schema::prepare(&mut connection).await.map_err(of_insert)?;
        check_streams(&mut connection).await?;
        files::close_ready_to_be_opened(connection).await.map_err(of_write)?;
        let placed = async {
            files::replace(self.file.clone(), self.path).await?;
            files::remove(&self.file)
        };
        placed.await.map_err(|error| StoreError::Unavailable(error.into()))
    }
}

impl Made {
    async fn take_up(file: &Path) -> Result<Self, BoxError> {
        let mut connection = connect::making(file).await?;
        let (version, tables): (u32, u32) =
            sqlx::query_as("SELECT user_version, (SELECT count(*) FROM sqlite_schema) FROM pragma_user_version")
                .fetch_one(&mut connection)
                .await?;
        if tables == 0 {
            sqlx::raw_sql(schema::EVENTS).execute(&mut connection).await?;
            sqlx::raw_sql(AssertSqlSafe(format!("PRAGMA user_version = {SCHEMA_VERSION}"))).execute(&mut connection).await?;
        } else if version != SCHEMA_VERSION {
            return Err("another program has begun it".into());
        }
        let head = read::head(&mut connection).await?;
        Ok(Self { connection, head })
    }

    async fn put(&mut self, appends: &[(Version, EncodedAppend)]) -> Result<(), sqlx::Error> {
        let rows = appends.iter().flat_map(|(version, append)| {
            append.events.iter().map(|event| Row { position: Position(0), stream: &append.stream, version: *version, event })
        });
        let rows: Vec<_> =
            (self.head.0 + 1..).zip(rows).map(|(position, row)| Row { position: Position(position), ..row }).collect();
        sqlx::query("BEGIN").execute(&mut self.connection).await?;
        if let Err(error) = statements::insert_and_commit(&mut self.connection, &rows).await {
            // Nothing is to be taken back if the statement has done that itself.
            let _ = sqlx::query("ROLLBACK").execute(&mut self.connection).await;
            return Err(error);
        }
        self.head = rows.last().map_or(self.head, |last| last.position);
        Ok(())
    }
}

#[async_trait]
impl Intake for SqliteNewLog {
    async fn held(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        read::all(&mut self.made.lock().await.connection, after, limit).await
    }

    async fn take_in(&self, events: Vec<StoredEvent>) -> Result<(), StoreError> {
        let encoded = events.into_iter().map(|event| Ok((event.version, EncodedAppend::of_stored(event)?)));
        let appends: Vec<_> = encoded.collect::<Result<_, StoreError>>()?;
        self.made.lock().await.put(&appends).await.map_err(of_insert)
    }

    async fn forget_after(&self, position: Position) -> Result<bool, StoreError> {
        let mut made = self.made.lock().await;
        let after = i64::try_from(position.0).unwrap_or(i64::MAX);
        sqlx::query("DELETE FROM events WHERE position > ?").bind(after).execute(&mut made.connection).await.map_err(of_write)?;
        made.head = made.head.min(position);
        Ok(true)
    }
}

async fn check_streams(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let unreadable = |error| trouble::of_read(error, Position::START);
    let found = sqlx::query(DOES_NOT_FOLLOW).fetch_optional(connection).await.map_err(unreadable)?;
    let Some(row) = found else { return Ok(()) };
    let stream: String = row.try_get(0).map_err(unreadable)?;
    let version: i64 = row.try_get(1).map_err(unreadable)?;
    let before: Option<i64> = row.try_get(2).map_err(unreadable)?;
    let stream =
        StreamName::try_from(stream).map_err(|error| StoreError::Corrupt { position: Position::START, source: error.into() })?;
    let expected = expected_before(Version(version.unsigned_abs()));
    Err(StoreError::Conflict { stream, expected, actual: before.map(|before| Version(before.unsigned_abs())) })
}

fn of_insert(error: sqlx::Error) -> StoreError {
    if trouble::is_taken(&error) {
        let source = "two of its events have one id, or one place in a stream".into();
        return StoreError::Corrupt { position: Position::START, source };
    }
    of_write(error)
}

fn of_write(error: sqlx::Error) -> StoreError {
    trouble::of_write(&error.into())
}

#[cfg(test)]
mod tests;
