//! Transfers of contents between stores, as far as operators have a say in them.

mod abandon;
mod retry;

pub use abandon::abandon;
pub use retry::retry;

use cairn_domain::transfer::TransferRejection;

use crate::Trouble;

/// Why a transfer goes on as before.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// There is no such transfer.
    #[error("there is no such transfer")]
    Absent,
    /// It is done.
    #[error("the transfer is done")]
    Completed,
    /// It was given up.
    #[error("the transfer was given up")]
    Abandoned,
    /// The drive could not.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

impl From<TransferRejection> for TransferError {
    fn from(rejection: TransferRejection) -> Self {
        match rejection {
            TransferRejection::Absent => Self::Absent,
            TransferRejection::Completed => Self::Completed,
            TransferRejection::Abandoned => Self::Abandoned,
            TransferRejection::AlreadyRequested | TransferRejection::Stalled => Self::Trouble(Trouble::Busy),
        }
    }
}
