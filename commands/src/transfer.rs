//! Transfers of contents between stores, as far as operators have a say in them.

mod abandon;
mod retry;

pub use abandon::abandon;
pub use retry::retry;

use cairn_domain::TransferId;
use cairn_domain::transfer::{Transfer, TransferRejection};

use crate::{Loaded, Request, Trouble};

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

/// A line in the log of the process about what somebody has decided.
fn tell(id: TransferId, transfer: &Loaded<Transfer>, request: &Request, what: &str) {
    let sha256 = transfer.state.requested().map(|requested| tracing::field::display(requested.sha256));
    let causation = request.causation.map(tracing::field::display);
    tracing::info!(transfer = %id, sha256, causation, "{what}");
}
