//! What an error of SQLite means to the caller. The codes: <https://www.sqlite.org/rescode.html>.

use std::sync::Arc;

use cairn_commands::ports::BoxError;
use cairn_commands::ports::event_store::StoreError;
use cairn_domain::Position;

/// `SQLITE_BUSY`.
const BUSY: u32 = 5;
/// `SQLITE_CORRUPT`.
const CORRUPT: u32 = 11;
/// `SQLITE_FULL`: a write met `ENOSPC`, or the file has reached its largest size.
const FULL: u32 = 13;
/// `SQLITE_NOTADB`.
const NOT_A_DATABASE: u32 = 26;
/// `SQLITE_IOERR_SHMSIZE`: the shared memory file could not grow, which happens before anything is written.
const SHARED_MEMORY_SIZE: u32 = 0x0a | (0x13 << 8);

fn extended_code(error: &sqlx::Error) -> Option<u32> {
    error.as_database_error()?.code()?.parse().ok()
}

/// The primary code stands in the lowest byte of the extended one.
fn primary_code(error: &sqlx::Error) -> Option<u32> {
    extended_code(error).map(|code| code & 0xff)
}

pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    primary_code(error) == Some(BUSY)
}

/// A position, a version or an event's id is in the table already.
pub(super) fn is_taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

fn is_full(error: &sqlx::Error) -> bool {
    primary_code(error) == Some(FULL) || extended_code(error) == Some(SHARED_MEMORY_SIZE)
}

fn is_corrupt(error: &sqlx::Error) -> bool {
    matches!(primary_code(error), Some(CORRUPT | NOT_A_DATABASE))
}

/// The failure of a whole group, for one of its members.
pub(super) fn of_write(error: &Arc<sqlx::Error>) -> StoreError {
    let cause: BoxError = Box::new(Arc::clone(error));
    if is_full(error) { StoreError::Full(cause) } else { StoreError::Unavailable(cause) }
}

/// The failure of a read that had come as far as `position`.
pub(super) fn of_read(error: sqlx::Error, position: Position) -> StoreError {
    match error {
        sqlx::Error::ColumnDecode { source, .. } | sqlx::Error::Decode(source) => StoreError::Corrupt { position, source },
        error if is_corrupt(&error) => StoreError::Corrupt { position, source: error.into() },
        error => StoreError::Unavailable(error.into()),
    }
}
