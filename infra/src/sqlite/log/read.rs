//! Reading: rows to events.

use std::time::Duration;

use cairn_commands::ports::BoxError;
use cairn_commands::ports::event_store::{SIFTED_AT_ONCE, Sifted, StoreError};
use cairn_domain::{EventId, Position, StoredEvent, StreamName, Timestamp, Version};
use futures_util::StreamExt;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteExecutor, SqlitePool};
use uuid::Uuid;

use super::connect::ROWS_AHEAD;
use super::trouble;

// SQLite plans by the value of a bare `LIMIT ?`, which means that it compiles the statement again for every call (a twentieth of what an
// upload of 4 KiB cost, measured).

const STREAM: &str = "SELECT position, stream, version, id, type, schema, time, metadata, data FROM events
    WHERE stream = ?1 AND version >= ?2 ORDER BY version LIMIT (?3 + 0)";

const ALL: &str = "SELECT position, stream, version, id, type, schema, time, metadata, data FROM events
    WHERE position > ?1 ORDER BY position LIMIT (?2 + 0)";

/// The names are a JSON text, so that the statement stays the same. An index by name would cost every append more than this costs.
const NAMED: &str = "SELECT position, stream, version, id, type, schema, time, metadata, data FROM events
    WHERE position > ?1 AND position <= ?2 AND type IN (SELECT value FROM json_each(?3)) ORDER BY position LIMIT (?4 + 0)";

/// Of a page that has come so far, more is to be expected.
const LONG_ROWS: usize = 256;

/// In this time the connection's thread reads some hundred rows.
const GATHERING: Duration = Duration::from_millis(1);

const HEAD: &str = "SELECT coalesce(max(position), 0) FROM events";

pub(super) async fn stream(
    reader: impl SqliteExecutor<'_>,
    stream: &StreamName,
    from: Version,
    limit: usize,
) -> Result<Vec<StoredEvent>, StoreError> {
    let query = sqlx::query(STREAM).bind(stream.as_str().to_owned()).bind(bounded(from.0)).bind(bounded(limit as u64));
    let rows = query.fetch_all(reader).await;
    rows.map_err(|error| trouble::of_read(error, Position::START))?.iter().map(event).collect()
}

pub(super) async fn all(reader: impl SqliteExecutor<'_>, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
    let rows = sqlx::query(ALL).bind(bounded(after.0)).bind(bounded(limit as u64)).fetch(reader);
    let (mut chunks, mut events) = (rows.ready_chunks(ROWS_AHEAD), Vec::new());
    while let Some(chunk) = chunks.next().await {
        for row in chunk {
            events.push(event(&row.map_err(|error| trouble::of_read(error, after))?)?);
        }
        // Whoever waits for each row is woken for each row.
        if events.len() >= LONG_ROWS && events.len() < limit {
            tokio::time::sleep(GATHERING).await;
        }
    }
    Ok(events)
}

/// The events of these names in the next [`SIFTED_AT_ONCE`], or up to the limit.
pub(super) async fn named(readers: &SqlitePool, after: Position, names: &[&str], limit: usize) -> Result<Sifted, StoreError> {
    let head = head(readers).await?;
    let end = head.min(Position(after.0.saturating_add(SIFTED_AT_ONCE)));
    if end <= after {
        return Ok(Sifted { events: Vec::new(), reached: after, last: true });
    }
    let names = serde_json::to_string(names).map_err(|error| StoreError::Unavailable(error.into()))?;
    let query = sqlx::query(NAMED).bind(bounded(after.0)).bind(bounded(end.0)).bind(names).bind(bounded(limit as u64));
    let rows = query.fetch_all(readers).await.map_err(|error| trouble::of_read(error, after))?;
    let events = rows.iter().map(event).collect::<Result<Vec<_>, _>>()?;
    Ok(Sifted::up_to(end, head, events, limit))
}

pub(super) async fn head(reader: impl SqliteExecutor<'_>) -> Result<Position, StoreError> {
    let row = sqlx::query(HEAD).fetch_one(reader).await;
    let head = row.and_then(|row| row.try_get::<i64, _>(0)).map_err(|error| trouble::of_read(error, Position::START))?;
    Ok(Position(head.unsigned_abs()))
}

/// Nothing is stored beyond the largest integer of SQLite, so it stands for every larger one.
fn bounded(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn event(row: &SqliteRow) -> Result<StoredEvent, StoreError> {
    let position = row.try_get::<i64, _>(0).map_or(Position::START, |position| Position(position.unsigned_abs()));
    decode(row, position).map_err(|source| StoreError::Corrupt { position, source })
}

fn decode(row: &SqliteRow, position: Position) -> Result<StoredEvent, BoxError> {
    Ok(StoredEvent {
        position,
        stream: StreamName::try_from(row.try_get::<String, _>(1)?)?,
        version: Version(row.try_get::<i64, _>(2)?.try_into()?),
        id: EventId(Uuid::from_slice(row.try_get::<&[u8], _>(3)?)?),
        name: row.try_get(4)?,
        schema: row.try_get::<i64, _>(5)?.try_into()?,
        time: Timestamp(row.try_get(6)?),
        metadata: serde_json::from_str(row.try_get::<&str, _>(7)?)?,
        data: row.try_get(8)?,
    })
}
