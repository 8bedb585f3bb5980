use cairn_commands::account::AccountError;
use cairn_commands::ports::event_store::StoreError;
use cairn_commands::transfer::TransferError;
use cairn_projections::ports::{SourceError, TablesError};
use cairn_projections::runner::RebuildError;

use crate::http::problem::{Explain, Problem, common, problems};

problems! {
    /// Why the projections are not shown.
    pub ProjectionsProblem: not_found + SIGNED_IN;
}

problems! {
    /// Why no events are shown.
    pub EventsProblem: not_found, invalid + SIGNED_IN;
}

problems! {
    /// Why there are no new rows.
    pub RebuildProblem: not_found, internal, unavailable + JSON_BODY + COMMAND + SIGNED_IN;
    /// Another rebuild is under way; wait for its end.
    409 rebuild_running;
}

problems! {
    /// Why the quota is what it was.
    pub QuotaProblem: not_found + JSON_BODY + COMMAND + SIGNED_IN;
}

problems! {
    /// Why no transfers are shown.
    pub TransfersProblem: not_found, invalid + SIGNED_IN;
}

problems! {
    /// Why a transfer is not tried again.
    pub TransferRetryProblem: not_found + JSON_BODY + COMMAND + SIGNED_IN;
    /// The transfer is done or was given up; there is nothing to try again.
    409 transfer_not_stalled;
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        cairn_commands::Trouble::from(error).into()
    }
}

impl From<RebuildError> for RebuildProblem {
    fn from(error: RebuildError) -> Self {
        match error {
            RebuildError::UnknownProjection(_) => Self::not_found().detail("There is no projection of this name."),
            RebuildError::Busy | RebuildError::Tables(TablesError::Busy) => Self::rebuild_running(),
            RebuildError::Cancelled
            | RebuildError::Source(SourceError::Unavailable(_))
            | RebuildError::Tables(TablesError::Unavailable(_) | TablesError::Lost { .. }) => Self::unavailable().because(error),
            RebuildError::StageLost
            | RebuildError::NothingKept
            | RebuildError::Source(SourceError::Corrupt { .. })
            | RebuildError::Tables(TablesError::Rejected(_) | TablesError::Spoilt(_)) => Self::internal().because(error),
        }
    }
}

impl From<AccountError> for QuotaProblem {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Absent => Problem::of(common::not_found).detail("There is no such account.").into(),
            AccountError::Trouble(trouble) => Problem::from(trouble).into(),
        }
    }
}

impl From<TransferError> for TransferRetryProblem {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::Absent => Self::not_found().detail("There is no such transfer."),
            TransferError::Completed => Self::transfer_not_stalled().detail("The transfer is done; there is nothing to try again."),
            TransferError::Abandoned => Self::transfer_not_stalled().detail("The transfer was given up; it is not tried again."),
            TransferError::Trouble(trouble) => Problem::from(trouble).into(),
        }
    }
}
