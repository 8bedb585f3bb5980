//! What an error of SQLite means to the runner. The codes: <https://www.sqlite.org/rescode.html>.

use cairn_projections::ports::{ReadError, TablesError};

/// `SQLITE_TOOBIG`, `SQLITE_CONSTRAINT` and `SQLITE_MISMATCH`: the values are at fault, and would be again.
const OF_THE_VALUES: [u32; 3] = [18, 19, 20];

/// Everything that is not the fault of the values may pass: a lock, a full disk, a file that has to be repaired.
pub(super) fn of_write(error: sqlx::Error) -> TablesError {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    // The primary code stands in the lowest byte of the extended one.
    let refused = code.is_some_and(|code| OF_THE_VALUES.contains(&(code & 0xff)));
    if refused { TablesError::Rejected(error.into()) } else { TablesError::Unavailable(error.into()) }
}

pub(super) fn of_bookkeeping(error: ReadError) -> TablesError {
    TablesError::Unavailable(error.into())
}
