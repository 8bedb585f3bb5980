//! How the files are opened.

use std::path::Path;
use std::time::Duration;

use cairn_projections::ports::OnRefusal;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection, SqlitePool};

/// How long a statement waits for the lock of another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections for reading; each has a thread. More would only queue for the same cores.
const READERS_MAX: u32 = 4;

/// The WAL is cut back to this many bytes when a burst has made it longer.
const WAL_BYTES_KEPT: &str = "16777216";

/// Pages of the WAL after which they are moved to the main file: as many as are kept. Moving is when the tables wait for the disk.
const CHECKPOINT_PAGES: &str = "4000";

/// Texts that a connection keeps prepared: every query there is, and the usual sets of statements of the writer.
const STATEMENTS_KEPT: usize = 512;

/// Pages that a rebuild keeps in memory, in KiB (the sign says so): inserts under random keys touch all of an index.
const REBUILD_CACHE: &str = "-65536";

pub(super) async fn writer(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    common(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .pragma("journal_size_limit", WAL_BYTES_KEPT)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .connect()
        .await
}

/// Connections that can't write, whatever is asked of them.
pub(super) async fn readers(path: &Path) -> Result<SqlitePool, sqlx::Error> {
    SqlitePoolOptions::new()
        .max_connections(READERS_MAX)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(common(path).read_only(true))
        .await
}

/// A file of which nothing is needed before it is whole: no flush, and a journal in memory at most, for batches that are to be taken back. It takes
/// an eighth of a rebuild's time.
pub(super) async fn draft(path: &Path, on_refusal: OnRefusal) -> Result<SqliteConnection, sqlx::Error> {
    let journal = match on_refusal {
        OnRefusal::TakeBack => SqliteJournalMode::Memory,
        OnRefusal::Spoil => SqliteJournalMode::Off,
    };
    common(path)
        .create_if_missing(true)
        .journal_mode(journal)
        .synchronous(SqliteSynchronous::Off)
        .locking_mode(SqliteLockingMode::Exclusive)
        .pragma("cache_size", REBUILD_CACHE)
        // One more sorts the indexes.
        .pragma("threads", "1")
        .connect()
        .await
}

fn common(path: &Path) -> SqliteConnectOptions {
    // The errors reach someone who logs them, and the statements are always the same few.
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(STATEMENTS_KEPT)
        .disable_statement_logging()
}
