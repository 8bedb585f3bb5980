//! What an error of the client means. Its variants are few and its texts are many; this is the only file that knows them.

use std::time::Duration;

use cairn_commands::ports::BoxError;
use cairn_commands::ports::event_store::StoreError;
use cairn_domain::Position;
use eventstore::Error;

/// Numbers of statuses: <https://grpc.io/docs/guides/status-codes/>.
const INVALID_ARGUMENT: i32 = 3;
const NOT_FOUND: i32 = 5;
const ALREADY_EXISTS: i32 = 6;
const PERMISSION_DENIED: i32 = 7;
const DEADLINE_EXCEEDED: i32 = 4;
const RESOURCE_EXHAUSTED: i32 = 8;
const ABORTED: i32 = 10;
const UNAUTHENTICATED: i32 = 16;

/// What to do after a call that failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing is known, and the client may be of no use any more: try again over another one.
    Away(BoxError),
    /// Nothing is known, but the client lives: try again.
    Again(BoxError),
    /// Nothing was done: another node is the leader, and the client goes there for the next call.
    Moved(BoxError),
    /// Somebody else has appended to the stream.
    WrongVersion,
    /// No event begins at the position.
    NoSuchPosition,
    /// There is no such stream.
    Absent,
    /// Somebody has deleted the stream.
    Deleted,
    /// The append is larger than the server takes.
    TooLarge,
    /// The server knows us and says no, or does not know us.
    Denied,
    /// It makes no sense to try again.
    Refused(BoxError),
    /// An event of ours that can't be read, or one in our streams that is not ours.
    Unreadable(Position, BoxError),
}

/// The client was not there for so long.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {} ms", .0.as_millis())]
pub(super) struct Late(pub(super) Duration);

/// A stream of ours was deleted on the server.
#[derive(Debug, thiserror::Error)]
#[error("somebody has deleted the stream {0} on the server")]
pub(super) struct StreamDeleted(pub(super) String);

/// The server answers, but says no.
#[derive(Debug, thiserror::Error)]
#[error("the server does not let us in: wrong user or password, or the user may not do this")]
pub(super) struct AccessDenied;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match &error {
            Error::NotLeaderException(_) => Self::Moved(error.into()),
            Error::AccessDenied => Self::Denied,
            Error::ResourceNotFound => Self::Absent,
            Error::ResourceDeleted => Self::Deleted,
            Error::ResourceAlreadyExists | Error::WrongExpectedVersion { .. } => Self::WrongVersion,
            Error::UnsupportedFeature => {
                Self::Refused("the server has no batch appends: it must be of version 21.10 or later".into())
            }
            Error::ServerError(text) if is_invalid_position(text) => Self::NoSuchPosition,
            Error::ServerError(text) if text.contains("Batch-append stream has been closed") => Self::Again(error.into()),
            // The server's, or one on the way: over the same client it may go better next time.
            Error::DeadlineExceeded => Self::Again(error.into()),
            Error::Grpc { code, message } => Self::of_status(*code as i32, message, &error),
            _ => Self::Away(error.into()),
        }
    }
}

impl Failure {
    fn of_status(code: i32, message: &str, error: &Error) -> Self {
        match code {
            ALREADY_EXISTS => Self::WrongVersion,
            NOT_FOUND => Self::Deleted,
            PERMISSION_DENIED | UNAUTHENTICATED => Self::Denied,
            _ if is_invalid_position(message) => Self::NoSuchPosition,
            INVALID_ARGUMENT if message.contains("AppendSizeExceeded") || message.contains("Append Size") => Self::TooLarge,
            INVALID_ARGUMENT => Self::Refused(error.clone().into()),
            // Timeouts on the server's side: it may still do what it was asked.
            DEADLINE_EXCEEDED | RESOURCE_EXHAUSTED | ABORTED => Self::Again(error.clone().into()),
            _ => Self::Away(error.clone().into()),
        }
    }

    /// What the caller of the log is told.
    pub(super) fn into_store_error(self, stream: &str, position: Position) -> StoreError {
        match self {
            Self::Away(source) | Self::Again(source) | Self::Moved(source) | Self::Refused(source) => {
                StoreError::Unavailable(source)
            }
            Self::Denied => StoreError::Unavailable(AccessDenied.into()),
            Self::TooLarge => StoreError::BadSize,
            Self::Deleted => StoreError::Corrupt { position, source: StreamDeleted(stream.to_owned()).into() },
            Self::Unreadable(position, source) => StoreError::Corrupt { position, source },
            Self::WrongVersion => StoreError::Unavailable("others append to the stream all the time".into()),
            Self::NoSuchPosition | Self::Absent => StoreError::Unavailable("the server does not find what it has".into()),
        }
    }
}

/// Servers of different versions call it differently.
fn is_invalid_position(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("invalidposition") || text.contains("invalid position")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_numbers_of_the_server_are_told_apart() {
        let server = |text: &str| Failure::from(Error::ServerError(text.to_owned()));
        assert!(matches!(server("status: Unknown, Unexpected FilteredReadAllResult: InvalidPosition"), Failure::NoSuchPosition));
        assert!(matches!(server("Trying to read from an invalid position."), Failure::NoSuchPosition));
        assert!(matches!(server("status: Cancelled, Batch-append stream has been closed"), Failure::Again(_)));
        assert!(matches!(server("Server Is Not Ready"), Failure::Away(_)));
        assert!(matches!(Failure::from(Error::ConnectionClosed), Failure::Away(_)));
        assert!(matches!(Failure::from(Error::AccessDenied), Failure::Denied));
        assert!(matches!(Failure::from(Error::DeadlineExceeded), Failure::Again(_)));
        assert!(matches!(Failure::Denied.into_store_error("", Position::START), StoreError::Unavailable(_)));
        assert!(matches!(Failure::Deleted.into_store_error("a", Position(3)), StoreError::Corrupt { position: Position(3), .. }));
    }
}
