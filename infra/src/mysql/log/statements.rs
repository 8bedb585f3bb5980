//! The statements of a group. They carry their values, so that a group takes one trip to the server where the guess is right, and four
//! otherwise.

use std::collections::HashMap;

use cairn_commands::ports::event_store::Appended;
use cairn_domain::{EventId, Position, StreamName, Version};
use sqlx::mysql::MySqlRow;
use sqlx::{AssertSqlSafe, Executor, MySqlConnection, Row as _};
use uuid::Uuid;

use crate::group_commit::{AppendJob, Judge, Row};
use crate::mysql::literal;

/// Begins the transaction of a group: from here on nobody else appends.
const LOCK: &str = "SELECT position FROM log_head WHERE id = 1 FOR UPDATE";

/// Bytes of one trip, far below the smallest `max_allowed_packet` that is usual (16 MiB); one event can make a trip longer, by 2 MiB.
const TRIP_BYTES: usize = 4 * 1024 * 1024;

const INSERT: &str = "INSERT INTO events (position, stream, version, id, type, `schema`, time, metadata, data) VALUES ";

/// Takes the lock and tells the head.
pub(super) async fn lock(connection: &mut MySqlConnection) -> Result<Position, sqlx::Error> {
    let row = connection.fetch_one(sqlx::raw_sql(LOCK)).await?;
    Ok(Position(row.try_get::<i64, _>(0)?.unsigned_abs()))
}

/// Everything else that the jobs depend on, once the lock is held.
pub(super) async fn look<'a>(
    connection: &mut MySqlConnection,
    head: Position,
    jobs: &'a [AppendJob],
) -> Result<Judge<'a>, sqlx::Error> {
    let streams = Judge::streams(jobs);
    let rows = connection.fetch_all(sqlx::raw_sql(AssertSqlSafe(last_versions(&streams)))).await?;
    let versions = rows.iter().map(last_version).collect::<Result<HashMap<_, _>, _>>()?;
    let version = |stream: &StreamName| versions.get(stream.as_str().as_bytes()).copied();
    let last = streams.into_iter().filter_map(|stream| Some((stream, version(stream)?))).collect();

    let rows = connection.fetch_all(sqlx::raw_sql(AssertSqlSafe(places(Judge::ids(jobs))))).await?;
    let known = rows.iter().map(place).collect::<Result<_, _>>()?;
    Ok(Judge { head, last, known })
}

fn last_versions(streams: &[&StreamName]) -> String {
    let mut text = "SELECT stream, MAX(version) FROM events WHERE stream IN (".to_owned();
    literal::list(&mut text, streams, |text, stream| literal::bytes(text, stream.as_str().as_bytes()));
    text + ") GROUP BY stream"
}

fn last_version(row: &MySqlRow) -> Result<(Vec<u8>, Version), sqlx::Error> {
    Ok((row.try_get(0)?, Version(row.try_get::<i64, _>(1)?.unsigned_abs())))
}

fn places(ids: impl Iterator<Item = EventId>) -> String {
    let mut text = "SELECT id, version, position FROM events WHERE id IN (".to_owned();
    literal::list(&mut text, ids, |text, id| literal::bytes(text, id.0.as_bytes()));
    text + ")"
}

fn place(row: &MySqlRow) -> Result<(EventId, Appended), sqlx::Error> {
    let id = Uuid::from_slice(row.try_get(0)?).map_err(|error| sqlx::Error::Decode(error.into()))?;
    let version = Version(row.try_get::<i64, _>(1)?.unsigned_abs());
    let position = Position(row.try_get::<i64, _>(2)?.unsigned_abs());
    Ok((EventId(id), Appended { version, position, repeated: true }))
}

/// Stores the rows if the head is where it is believed to be; if it is not, it can't be moved to nowhere, and that fails. When this returns,
/// all of it is on the server's disk.
pub(super) async fn append_as_guessed(
    connection: &mut MySqlConnection,
    rows: &[Row<'_>],
    believed: Position,
    head: Position,
) -> Result<(), sqlx::Error> {
    let lock = format!("UPDATE log_head SET position = IF(position = {believed}, {head}, NULL) WHERE id = 1;");
    write(connection, lock, rows, "COMMIT").await
}

/// Stores the rows and ends the transaction: when this returns, all of it is on the server's disk.
pub(super) async fn insert_and_commit(
    connection: &mut MySqlConnection,
    rows: &[Row<'_>],
    head: Position,
) -> Result<(), sqlx::Error> {
    let end = format!("UPDATE log_head SET position = {head} WHERE id = 1; COMMIT");
    write(connection, String::new(), rows, &end).await
}

/// One trip, or several for a very large group.
async fn write(connection: &mut MySqlConnection, begin: String, rows: &[Row<'_>], end: &str) -> Result<(), sqlx::Error> {
    let mut trip = begin;
    let mut continued = false;
    for row in rows {
        trip.push_str(if continued { "," } else { INSERT });
        continued = true;
        write_row(&mut trip, row);
        if trip.len() >= TRIP_BYTES {
            connection.execute(sqlx::raw_sql(AssertSqlSafe(std::mem::take(&mut trip)))).await?;
            continued = false;
        }
    }
    if continued {
        trip.push(';');
    }
    trip.push_str(end);
    connection.execute(sqlx::raw_sql(AssertSqlSafe(trip))).await.map(drop)
}

/// Ends a transaction in which something was found that others have written. They may have been told by now, or may never be: what is said to
/// be durable has to be, and a server flushes only for those who write.
pub(super) async fn confirm(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    let text = "UPDATE log_head SET confirmations = confirmations + 1 WHERE id = 1; COMMIT";
    connection.execute(sqlx::raw_sql(text)).await.map(drop)
}

/// Ends a transaction in which there was nothing to write.
pub(super) async fn give_up(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    connection.execute(sqlx::raw_sql("ROLLBACK")).await.map(drop)
}

/// The columns in the order of the INSERT.
fn write_row(text: &mut String, row: &Row<'_>) {
    let event = row.event;
    text.push('(');
    literal::number(text, row.position.0);
    text.push(',');
    literal::bytes(text, row.stream.as_str().as_bytes());
    text.push(',');
    literal::number(text, row.version.0);
    text.push(',');
    literal::bytes(text, event.id.0.as_bytes());
    text.push(',');
    literal::characters(text, &event.name);
    text.push(',');
    literal::number(text, event.schema);
    text.push(',');
    literal::number(text, event.time.0);
    text.push(',');
    literal::characters(text, &event.metadata);
    text.push(',');
    literal::characters(text, &event.data);
    text.push(')');
}
