//! The tables of the log file.

use sqlx::{Connection, Row, SqliteConnection, SqlitePool};

/// The schema that this program writes, and the newest that it reads.
pub const SCHEMA_VERSION: u32 = 2;

/// The events. `position` is the rowid, so the log is read in the order in which it is stored.
pub const EVENTS: &str = "
CREATE TABLE IF NOT EXISTS events (
    position INTEGER PRIMARY KEY,
    stream   TEXT NOT NULL,
    version  INTEGER NOT NULL,
    id       BLOB NOT NULL,
    type     TEXT NOT NULL,
    schema   INTEGER NOT NULL,
    time     INTEGER NOT NULL, -- microseconds since 1970
    metadata TEXT NOT NULL,
    data     TEXT NOT NULL
) STRICT;
";

/// That no event stands there twice. A file that an earlier program has made has the same as constraints of the table.
pub const UNIQUE: &str = "
CREATE UNIQUE INDEX IF NOT EXISTS events_id ON events (id);
CREATE UNIQUE INDEX IF NOT EXISTS events_stream ON events (stream, version);
";

/// The request ledger and the checkpoints of sagas.
const BESIDE: &str = "
CREATE TABLE IF NOT EXISTS request_ledger (
    key         TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    at          INTEGER NOT NULL, -- microseconds since 1970
    status      INTEGER,          -- NULL until it was answered
    position    INTEGER,
    body        TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS request_ledger_at ON request_ledger (at);
CREATE TABLE IF NOT EXISTS saga_checkpoint (
    saga     TEXT PRIMARY KEY,
    position INTEGER NOT NULL -- the last event that it need not see again
) STRICT;
";

/// What makes each schema of the one before. The first is made from nothing.
const MIGRATIONS: [&[&str]; SCHEMA_VERSION as usize] = [&[EVENTS, UNIQUE, BESIDE], &[DIGESTS]];

/// The digests of the log, in blocks.
const DIGESTS: &str = "
CREATE TABLE IF NOT EXISTS log_digest (
    before INTEGER PRIMARY KEY, -- events that come before the block
    last   INTEGER NOT NULL,    -- the position of its last event
    digest BLOB NOT NULL,       -- of the whole log up to there
    marks  BLOB NOT NULL        -- 8 bytes of the digest after each event
) STRICT;
";

/// The schema of a file that is left as it is; none if it is not a log.
pub(super) async fn found(readers: &SqlitePool) -> Result<Option<u32>, sqlx::Error> {
    let tables = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('meta', 'events')";
    let tables: i64 = sqlx::query_scalar(tables).fetch_one(readers).await?;
    if tables < 2 {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT value FROM meta WHERE name = 'schema'").fetch_optional(readers).await
}

/// Makes the tables that are not there and tells the schema that is there then, which is the one of this program unless a
/// newer one has written the file; then nothing is changed.
pub(super) async fn prepare(connection: &mut SqliteConnection) -> Result<u32, sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::raw_sql("CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT")
        .execute(&mut *transaction)
        .await?;
    let found = sqlx::query("SELECT value FROM meta WHERE name = 'schema'").fetch_optional(&mut *transaction).await?;
    let found: u32 = found.map(|row| row.try_get(0)).transpose()?.unwrap_or(0);
    if found >= SCHEMA_VERSION {
        return Ok(found);
    }
    for migration in MIGRATIONS[found as usize..].iter().copied().flatten() {
        sqlx::raw_sql(*migration).execute(&mut *transaction).await?;
    }
    let written = "INSERT INTO meta (name, value) VALUES ('schema', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    sqlx::query(written).bind(SCHEMA_VERSION).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(SCHEMA_VERSION)
}
