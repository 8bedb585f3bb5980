//! How the file is opened: who durability depends on.

use std::path::Path;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection, SqlitePool};

use super::trouble;

/// How long a statement waits for the write lock of another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections for reading; each has a thread. More would only queue for the same cores.
const READERS_MAX: u32 = 4;

/// Rows that a connection's thread may be ahead of who reads them, so that a page of a projection is one wake-up.
pub(super) const ROWS_AHEAD: usize = 1_024;

/// Pages of the WAL after which they are moved to the main file: 64 MiB. The leaves of the two random indexes are
/// written again and again, so that a longer WAL means fewer pages to move.
const CHECKPOINT_PAGES: &str = "16000";

/// The WAL is cut back to this many bytes when a burst has made it longer.
const WAL_BYTES_KEPT: &str = "67108864";

/// Pages of the tables in the writer's memory, in KiB: enough for the upper parts of the indexes of a large log.
const WRITER_CACHE: &str = "-8192";

/// Memory for sorting the indexes of a new log, in KiB.
const MAKING_CACHE: &str = "-32768";

/// With `synchronous=NORMAL` a WAL lost acknowledged commits in 10 of 10 simulated power cuts, with `FULL` in none.
pub(super) fn for_writing(path: &Path) -> SqliteConnectOptions {
    common(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", WRITER_CACHE)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .pragma("journal_size_limit", WAL_BYTES_KEPT)
}

/// A file that nobody else sees before it is whole. Its transactions outlive this process; all of it is flushed when it is whole.
pub(super) async fn making(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    common(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Truncate)
        .synchronous(SqliteSynchronous::Normal)
        .locking_mode(SqliteLockingMode::Exclusive)
        .pragma("cache_size", MAKING_CACHE)
        .pragma("threads", "1")
        .connect()
        .await
}

pub(super) fn common(path: &Path) -> SqliteConnectOptions {
    // The errors reach someone who logs them, and the statements are always the same few.
    SqliteConnectOptions::new().filename(path).busy_timeout(BUSY_TIMEOUT).disable_statement_logging()
}

/// Connects, again and again for some seconds while another process is making the same file: SQLite does not wait for the
/// lock that the change to WAL takes.
pub(super) async fn patiently(options: &SqliteConnectOptions) -> Result<SqliteConnection, sqlx::Error> {
    let patience = ExponentialBuilder::default().with_min_delay(Duration::from_millis(5)).with_max_times(10).with_jitter();
    (|| options.connect()).retry(patience).when(trouble::is_busy).await
}

/// Connections that can't write, whatever is asked of them.
pub(super) async fn readers(path: &Path) -> Result<SqlitePool, sqlx::Error> {
    SqlitePoolOptions::new()
        .max_connections(READERS_MAX)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(common(path).read_only(true).row_buffer_size(ROWS_AHEAD))
        .await
}
