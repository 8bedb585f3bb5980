//! What can go wrong in any use case, however right the request is.

use cairn_domain::codec::Unreadable;

use crate::ports::BoxError;
use crate::ports::blobs::BlobError;
use crate::ports::event_store::StoreError;
use crate::ports::ledger::LedgerError;
use crate::ports::staging::StagingError;
use crate::ports::views::ViewsError;

/// The drive could not do what was asked. Nothing is known to have happened.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Something that the drive needs does not answer: try again later.
    #[error("something that the drive needs did not answer")]
    Unavailable(#[source] BoxError),
    /// Others were faster too often: try again.
    #[error("too many changes at once")]
    Busy,
    /// There is no room left.
    #[error("there is no room left")]
    NoRoom,
    /// The account would hold more than it may.
    #[error("the account may hold {quota} bytes, of which {free} are free")]
    OverQuota {
        /// What it may hold, in bytes.
        quota: u64,
        /// What is left of that, in bytes.
        free: u64,
    },
    /// What is stored is not as it should be: an operator must look.
    #[error("what is stored is not as it should be")]
    Broken(#[source] BoxError),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { .. } => Self::Busy,
            StoreError::Full(_) => Self::NoRoom,
            StoreError::Unavailable(_) => Self::Unavailable(error.into()),
            StoreError::BadSize | StoreError::Corrupt { .. } => Self::Broken(error.into()),
        }
    }
}

impl From<Unreadable> for Trouble {
    fn from(error: Unreadable) -> Self {
        Self::Broken(error.into())
    }
}

impl From<StagingError> for Trouble {
    fn from(error: StagingError) -> Self {
        match error {
            StagingError::Full => Self::NoRoom,
            StagingError::Unavailable(_) => Self::Unavailable(error.into()),
            StagingError::Absent(_)
            | StagingError::TooLong { .. }
            | StagingError::TooShort { .. }
            | StagingError::DigestMismatch { .. }
            | StagingError::Body(_)
            | StagingError::Damaged { .. } => Self::Broken(error.into()),
        }
    }
}

impl From<BlobError> for Trouble {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Full => Self::NoRoom,
            BlobError::Unavailable(_) | BlobError::Body(_) => Self::Unavailable(error.into()),
            BlobError::Absent(_) | BlobError::OutOfRange | BlobError::NotTheContent(_) => Self::Broken(error.into()),
        }
    }
}

impl From<ViewsError> for Trouble {
    fn from(error: ViewsError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<LedgerError> for Trouble {
    fn from(error: LedgerError) -> Self {
        Self::Unavailable(error.into())
    }
}
