//! Reading: rows to events.

use std::time::Duration;

use cairn_commands::ports::BoxError;
use cairn_commands::ports::event_store::{SIFTED_AT_ONCE, Sifted, StoreError};
use cairn_domain::{EventId, Position, StoredEvent, StreamName, Timestamp, Version};
use sqlx::Row;
use sqlx::mysql::MySqlRow;
use uuid::Uuid;

use crate::mysql::connect::Pool;
use crate::mysql::trouble;

const STREAM: &str = "SELECT position, stream, version, id, type, `schema`, time, metadata, data FROM events
    WHERE stream = ? AND version >= ? ORDER BY version LIMIT ?";

const ALL: &str = "SELECT position, stream, version, id, type, `schema`, time, metadata, data FROM events
    WHERE position > ? ORDER BY position LIMIT ?";

/// Names of events have no commas.
const NAMED: &str = "SELECT position, stream, version, id, type, `schema`, time, metadata, data FROM events
    WHERE position > ? AND position <= ? AND FIND_IN_SET(type, ?) > 0 ORDER BY position LIMIT ?";

/// A page for the projections is thousands of events, perhaps large ones, and nobody but they waits for it.
const PAGE_MAX: Duration = Duration::from_secs(10);

const HEAD: &str = "SELECT position FROM log_head WHERE id = 1";

pub(super) async fn stream(
    readers: &Pool,
    stream: &StreamName,
    from: Version,
    limit: usize,
) -> Result<Vec<StoredEvent>, StoreError> {
    let query = || sqlx::query(STREAM).bind(stream.as_str().as_bytes()).bind(bounded(from.0)).bind(bounded(limit as u64));
    let rows = readers.fetch(query).await.map_err(|error| trouble::of_read(error, Position::START))?;
    rows.iter().map(event).collect()
}

pub(super) async fn all(readers: &Pool, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
    let query = || sqlx::query(ALL).bind(bounded(after.0)).bind(bounded(limit as u64));
    let rows = readers.fetch_within(PAGE_MAX, query).await.map_err(|error| trouble::of_read(error, after))?;
    rows.iter().map(event).collect()
}

/// The events of these names in the next [`SIFTED_AT_ONCE`], or up to the limit.
pub(super) async fn named(readers: &Pool, after: Position, names: &[&str], limit: usize) -> Result<Sifted, StoreError> {
    let head = head(readers).await?;
    let end = head.min(Position(after.0.saturating_add(SIFTED_AT_ONCE)));
    if end <= after {
        return Ok(Sifted { events: Vec::new(), reached: after, last: true });
    }
    let names = names.join(",");
    let query = || sqlx::query(NAMED).bind(bounded(after.0)).bind(bounded(end.0)).bind(names.clone()).bind(bounded(limit as u64));
    let rows = readers.fetch_within(PAGE_MAX, query).await.map_err(|error| trouble::of_read(error, after))?;
    let events = rows.iter().map(event).collect::<Result<Vec<_>, _>>()?;
    Ok(Sifted::up_to(end, head, events, limit))
}

pub(super) async fn head(readers: &Pool) -> Result<Position, StoreError> {
    let rows = readers.fetch(|| sqlx::query(HEAD)).await;
    let head = rows.and_then(|rows| rows.first().ok_or(sqlx::Error::RowNotFound)?.try_get::<i64, _>(0));
    head.map(|head| Position(head.unsigned_abs())).map_err(|error| trouble::of_read(error, Position::START))
}

/// Nothing is stored beyond the largest integer of a column, so it stands for every larger one.
fn bounded(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn event(row: &MySqlRow) -> Result<StoredEvent, StoreError> {
    let position = row.try_get::<i64, _>(0).map_or(Position::START, |position| Position(position.unsigned_abs()));
    decode(row, position).map_err(|source| StoreError::Corrupt { position, source })
}

fn decode(row: &MySqlRow, position: Position) -> Result<StoredEvent, BoxError> {
    Ok(StoredEvent {
        position,
        stream: StreamName::try_from(String::from_utf8(row.try_get::<Vec<u8>, _>(1)?)?)?,
        version: Version(row.try_get::<i64, _>(2)?.try_into()?),
        id: EventId(Uuid::from_slice(row.try_get::<&[u8], _>(3)?)?),
        name: row.try_get(4)?,
        schema: row.try_get::<u16, _>(5)?,
        time: Timestamp(row.try_get(6)?),
        metadata: serde_json::from_str(row.try_get::<&str, _>(7)?)?,
        data: row.try_get(8)?,
    })
}
