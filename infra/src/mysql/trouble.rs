//! What an error of the server means to the caller. The numbers: <https://mariadb.com/kb/en/mariadb-error-code-reference/>.

use std::sync::Arc;

use cairn_commands::ports::BoxError;
use cairn_commands::ports::event_store::StoreError;
use cairn_domain::Position;
use sqlx::mysql::MySqlDatabaseError;

/// `ER_DUP_ENTRY`
const TAKEN: u16 = 1062;
/// `ER_DISK_FULL` and `ER_RECORD_FILE_FULL`: a statement found no room, before anything was committed.
const FULL: [u16; 2] = [1021, 1114];
/// `ER_DBACCESS_DENIED_ERROR`, `ER_ACCESS_DENIED_ERROR`, `ER_BAD_DB_ERROR`, `ER_HOST_NOT_PRIVILEGED`: asking again would not help.
const NOT_LET_IN: [u16; 4] = [1044, 1045, 1049, 1130];

/// `ER_BAD_NULL_ERROR`, `ER_WARN_DATA_OUT_OF_RANGE`, `WARN_DATA_TRUNCATED`, `ER_TRUNCATED_WRONG_VALUE_FOR_FIELD`, `ER_DATA_TOO_LONG`,
/// `ER_NO_DEFAULT_FOR_FIELD`: the values are at fault, and would be again.
const OF_THE_VALUES: [u16; 6] = [1048, 1264, 1265, 1366, 1406, 1364];

pub(super) fn number(error: &sqlx::Error) -> Option<u16> {
    error.as_database_error()?.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number)
}

/// A position, a version or an event's id is in the table already.
pub(super) fn is_taken(error: &sqlx::Error) -> bool {
    number(error) == Some(TAKEN)
}

/// `ER_LOCK_WAIT_TIMEOUT`
pub(super) fn is_lock_wait(error: &sqlx::Error) -> bool {
    number(error) == Some(1205)
}

/// `ER_BAD_NULL_ERROR`: how a guess about the head says that it was wrong.
pub(super) fn is_null(error: &sqlx::Error) -> bool {
    number(error) == Some(1048)
}

pub(super) fn is_not_let_in(error: &sqlx::Error) -> bool {
    number(error).is_some_and(|number| NOT_LET_IN.contains(&number))
}

pub(super) fn is_of_the_values(error: &sqlx::Error) -> bool {
    number(error).is_some_and(|number| OF_THE_VALUES.contains(&number))
}

/// The failure of a whole group, for one of its members.
pub(super) fn of_append(error: &Arc<sqlx::Error>) -> StoreError {
    let cause: BoxError = Box::new(Arc::clone(error));
    match number(error) {
        Some(number) if FULL.contains(&number) => StoreError::Full(cause),
        // The head row was locked and the log looked at, and yet a place is taken: the head row is not what it was.
        Some(TAKEN) => StoreError::Corrupt { position: Position::START, source: cause },
        _ => StoreError::Unavailable(cause),
    }
}

/// The failure of a read that had come as far as `position`.
pub(super) fn of_read(error: sqlx::Error, position: Position) -> StoreError {
    match error {
        sqlx::Error::ColumnDecode { source, .. } | sqlx::Error::Decode(source) => StoreError::Corrupt { position, source },
        error => StoreError::Unavailable(error.into()),
    }
}
