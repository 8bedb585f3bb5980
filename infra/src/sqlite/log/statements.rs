//! The statements of a group.
//!
//! Every query is a trip to the thread of the connection and back, 8 µs on a good day and 40 µs on a bad one, so there are as few of
//! them as possible: statements travel together, and sets of values as one JSON text.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use cairn_commands::ports::event_store::Appended;
use cairn_commands::ports::ledger::StoredAnswer;
use cairn_domain::{EventId, Position, Timestamp, Version};
use serde::Serialize;
use sqlx::error::BoxDynError;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments, Row as _, SqliteConnection};
use uuid::Uuid;

use super::job::{BeginJob, FinishJob};
use crate::group_commit::{AppendJob, Judge, Row};

/// Takes the write lock and tells the head, the last versions of the streams of `?1` in their order, and
/// where the events of `?2` stand that are there.
const BEGIN: &str = "
BEGIN IMMEDIATE;
SELECT (SELECT coalesce(max(position), 0) FROM events),
       (SELECT json_group_array((SELECT max(version) FROM events WHERE stream = wanted.value) ORDER BY wanted.key)
        FROM json_each(?1) AS wanted),
       (SELECT json_group_array(json_array(hex(id), version, position))
        FROM events WHERE id IN (SELECT unhex(value) FROM json_each(?2)));
";

const COMMIT: &str = "COMMIT";

/// Rows of one INSERT at most. They travel as values: as JSON they took 1.5 times as long to store.
pub(super) const ROWS_MAX: usize = 128;

/// Tells what stands under the keys of `?1`, then begins the requests of `?2` and answers those of `?3`.
const LEDGER: &str = "
SELECT key, fingerprint, status, position, body FROM request_ledger WHERE key IN (SELECT value FROM json_each(?1));
INSERT INTO request_ledger (key, fingerprint, at)
SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?2) WHERE true ON CONFLICT (key) DO NOTHING;
UPDATE request_ledger SET status = answer.status, position = answer.position, body = answer.body
FROM (SELECT value ->> 0 AS key, value ->> 1 AS status, value ->> 2 AS position, value ->> 3 AS body FROM json_each(?3)) AS answer
WHERE request_ledger.key = answer.key AND request_ledger.status IS NULL;
";

const SAVE: &str = "INSERT INTO saga_checkpoint (saga, position) VALUES (?1, ?2)
    ON CONFLICT (saga) DO UPDATE SET position = excluded.position";

const FORGET: &str = "DELETE FROM request_ledger WHERE at < ?1";

/// Begins the transaction of a group and looks at everything that its appends depend on.
pub(super) async fn begin<'a>(connection: &mut SqliteConnection, jobs: &'a [AppendJob]) -> Result<Judge<'a>, sqlx::Error> {
    let streams = Judge::streams(jobs);
    let ids: Vec<_> = Judge::ids(jobs).map(|id| id.0.simple()).collect();
    let row = sqlx::query(BEGIN).bind(json(&streams)?).bind(json(&ids)?).fetch_one(connection).await?;

    let versions: Vec<Option<u64>> = from_json(&row, 1)?;
    let known: Vec<(Uuid, u64, u64)> = from_json(&row, 2)?;
    let last = streams.into_iter().zip(versions).filter_map(|(stream, version)| Some((stream, Version(version?)))).collect();
    let place = |(id, version, position)| {
        (EventId(id), Appended { version: Version(version), position: Position(position), repeated: true })
    };
    Ok(Judge { head: Position(row.try_get::<i64, _>(0)?.unsigned_abs()), last, known: known.into_iter().map(place).collect() })
}

/// Stores rows in a transaction of their own: all or none.
pub(super) async fn insert(connection: &mut SqliteConnection, rows: &[Row<'_>]) -> Result<(), sqlx::Error> {
    insert_chunk(connection, rows, false).await
}

/// Stores the rows in the transaction that was begun, and ends it: when this returns, all of it is on the disk.
pub(super) async fn insert_and_commit(connection: &mut SqliteConnection, rows: &[Row<'_>]) -> Result<(), sqlx::Error> {
    let mut chunks = rows.chunks(ROWS_MAX);
    let Some(last) = chunks.next_back() else {
        return sqlx::query(COMMIT).execute(connection).await.map(drop);
    };
    for chunk in chunks {
        insert_chunk(connection, chunk, false).await?;
    }
    insert_chunk(connection, last, true).await
}

async fn insert_chunk(connection: &mut SqliteConnection, rows: &[Row<'_>], commit: bool) -> Result<(), sqlx::Error> {
    let size = rows.len().next_power_of_two();
    let mut arguments = SqliteArguments::default();
    arguments.reserve(size * COLUMNS, 0);
    for row in rows {
        bind(row, &mut arguments).map_err(sqlx::Error::Encode)?;
    }
    for _ in 0..(size - rows.len()) * COLUMNS {
        arguments.add(None::<i64>).map_err(sqlx::Error::Encode)?;
    }
    let statements = if commit { &INSERT_AND_COMMIT } else { &INSERT };
    sqlx::query_with(statements[size.ilog2() as usize].as_str(), arguments).execute(connection).await.map(drop)
}

const COLUMNS: usize = 9;

/// The columns in the order of the INSERT.
fn bind(row: &Row<'_>, arguments: &mut SqliteArguments) -> Result<(), BoxDynError> {
    let event = row.event;
    arguments.add(i64::try_from(row.position.0)?)?;
    arguments.add(row.stream.as_str())?;
    arguments.add(i64::try_from(row.version.0)?)?;
    arguments.add(&event.id.0.as_bytes()[..])?;
    arguments.add(&*event.name)?;
    arguments.add(event.schema)?;
    arguments.add(event.time.0)?;
    arguments.add(event.metadata.as_str())?;
    arguments.add(event.data.as_str())
}

/// By the logarithm of the number of rows that they have room for. Sizes are powers of two, so that few statements have to be
/// prepared; rows without a position are only padding.
static INSERT: LazyLock<Vec<String>> = LazyLock::new(|| inserts(""));
static INSERT_AND_COMMIT: LazyLock<Vec<String>> = LazyLock::new(|| inserts("; COMMIT"));

/// `OR ROLLBACK` spares SQLite a journal of the statement, which is as much to write again: the transaction ends anyway.
fn inserts(end: &str) -> Vec<String> {
    let insert = |size| {
        let rows = vec!["(?, ?, ?, ?, ?, ?, ?, ?, ?)"; size].join(", ");
        format!(
            "INSERT OR ROLLBACK INTO events (position, stream, version, id, type, schema, time, metadata, data)
             SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL{end}"
        )
    };
    (0..=ROWS_MAX.ilog2()).map(|power| insert(1 << power)).collect()
}

/// What the ledger had under a key before the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LedgerEntry {
    pub(super) fingerprint: String,
    pub(super) answer: Option<StoredAnswer>,
}

/// Enters the begun and the answered requests of the group in the ledger, and tells what it had under the begun keys before.
pub(super) async fn enter(
    connection: &mut SqliteConnection,
    begins: &[BeginJob],
    finishes: &[FinishJob],
) -> Result<HashMap<String, LedgerEntry>, sqlx::Error> {
    let keys: Vec<_> = begins.iter().map(|job| &job.key).collect();
    let begun: Vec<_> = begins.iter().map(|job| (&job.key, &job.fingerprint, job.now.0)).collect();
    let mut answered = HashSet::new();
    let firsts = finishes.iter().filter(|job| answered.insert(&job.key));
    let answers: Vec<_> = firsts.map(|job| (&job.key, job.stored.status, job.stored.position, &job.stored.body)).collect();
    let query = sqlx::query(LEDGER).bind(json(&keys)?).bind(json(&begun)?).bind(json(&answers)?);
    query.fetch_all(connection).await?.iter().map(ledger_entry).collect()
}

fn ledger_entry(row: &SqliteRow) -> Result<(String, LedgerEntry), sqlx::Error> {
    let answer = match row.try_get::<Option<u16>, _>(2)? {
        None => None,
        Some(status) => {
            let position: Option<i64> = row.try_get(3)?;
            Some(StoredAnswer { status, position: position.map(i64::unsigned_abs), body: row.try_get(4)? })
        }
    };
    Ok((row.try_get(0)?, LedgerEntry { fingerprint: row.try_get(1)?, answer }))
}

/// How far a saga has read.
pub(super) async fn save(connection: &mut SqliteConnection, saga: &str, position: Position) -> Result<(), sqlx::Error> {
    let position = i64::try_from(position.0).unwrap_or(i64::MAX);
    sqlx::query(SAVE).bind(saga).bind(position).execute(connection).await.map(drop)
}

/// Removes the requests that began before this time and tells how many they were.
pub(super) async fn forget(connection: &mut SqliteConnection, before: Timestamp) -> Result<u64, sqlx::Error> {
    sqlx::query(FORGET).bind(before.0).execute(connection).await.map(|done| done.rows_affected())
}

fn json(values: &(impl Serialize + ?Sized)) -> Result<String, sqlx::Error> {
    serde_json::to_string(values).map_err(|error| sqlx::Error::Encode(error.into()))
}

fn from_json<T: serde::de::DeserializeOwned>(row: &SqliteRow, column: usize) -> Result<T, sqlx::Error> {
    serde_json::from_str(row.try_get(column)?).map_err(|error| sqlx::Error::Decode(error.into()))
}
