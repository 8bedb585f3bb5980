use std::time::Duration;

use cairn_commands::share::{CreateShareError, FindError, SaveError, ShareError};

use crate::http::problem::{Explain, Problem, common, problems};
use crate::resources::file::no_such_folder;

problems! {
    /// Why nothing was shared.
    pub CreateProblem: not_found + JSON_BODY + COMMAND + SIGNED_IN;
    /// The file is in the trash; restore it first.
    409 file_trashed;
    /// You have as many shares as you may; revoke some.
    422 too_many_shares;
}

problems! {
    /// Why no list is given.
    pub QueryProblem: invalid + SIGNED_IN;
}

problems! {
    /// Why the share is as it was.
    pub UpdateProblem: not_found + JSON_BODY + COMMAND + SIGNED_IN;
    /// The share was revoked, which nothing undoes; make a new one.
    409 share_revoked;
}

problems! {
    /// Why the share goes on.
    pub RevokeProblem: not_found + JSON_BODY + COMMAND + SIGNED_IN;
}

problems! {
    /// Why nothing is told of a share.
    pub HistoryProblem: not_found, invalid + SIGNED_IN;
}

problems! {
    /// Why nothing is told of what was shared.
    pub InfoProblem: not_found, invalid + OPEN;
}

problems! {
    /// Why nothing is sent of what was shared.
    pub DownloadProblem: not_found, range_not_satisfiable, invalid + SIGNED_IN;
    /// The share asks for its password, and none came, or a wrong one; send it as Share-Password.
    401 password_required;
    /// Too many wrong passwords came; wait as long as Retry-After says.
    429 too_many_attempts retry after 1;
    /// No sound copy of the content is left. The fault is on our side, and an operator has been told.
    500 content_damaged;
}

problems! {
    /// Why nothing is told of a download.
    pub PeekProblem: not_found, invalid + SIGNED_IN;
    /// The share asks for its password, and none came, or a wrong one; send it as Share-Password.
    401 password_required;
    /// Too many wrong passwords came; wait as long as Retry-After says.
    429 too_many_attempts retry after 1;
}

problems! {
    /// Why what was shared is not in the caller's drive.
    pub SaveProblem: not_found, quota_exceeded + JSON_BODY + COMMAND + SIGNED_IN;
    /// The share asks for its password, and none came, or a wrong one.
    401 password_required;
    /// Too many wrong passwords came; wait as long as Retry-After says.
    429 too_many_attempts retry after 1;
}

impl From<CreateShareError> for CreateProblem {
    fn from(error: CreateShareError) -> Self {
        match error {
            CreateShareError::NoSuchFile => Self::not_found().detail("There is no such file of yours."),
            CreateShareError::Trashed => Self::file_trashed(),
            CreateShareError::EndIsOver => Problem::invalid("expires_at", "is not in the future").into(),
            CreateShareError::TooMany { limit } => {
                Self::too_many_shares().detail(format!("At most {limit} shares may stand; revoke some."))
            }
            CreateShareError::Trouble(trouble) => Problem::from(trouble).into(),
        }
    }
}

impl From<ShareError> for UpdateProblem {
    fn from(error: ShareError) -> Self {
        match error {
            ShareError::Absent => Self::not_found(),
            ShareError::Revoked => Self::share_revoked(),
            ShareError::Trouble(trouble) => Problem::from(trouble).into(),
        }
    }
}

impl From<ShareError> for RevokeProblem {
    fn from(error: ShareError) -> Self {
        match error {
            ShareError::Absent | ShareError::Revoked => Self::not_found(),
            ShareError::Trouble(trouble) => Problem::from(trouble).into(),
        }
    }
}

impl From<ShareError> for HistoryProblem {
    fn from(error: ShareError) -> Self {
        match error {
            ShareError::Absent | ShareError::Revoked => Self::not_found(),
            ShareError::Trouble(trouble) => Problem::from(trouble).into(),
        }
    }
}

impl From<FindError> for DownloadProblem {
    fn from(error: FindError) -> Self {
        match error {
            FindError::Absent => Self::from(no_such_share()),
            FindError::PasswordRequired => Self::password_required(),
            FindError::TooManyAttempts { wait_seconds } => Self::too_many_attempts().retry_after(Duration::from_secs(wait_seconds)),
            FindError::Trouble(trouble) => Problem::from(trouble).into(),
        }
    }
}

/// What only a download may meet does not come of a look at one.
impl From<DownloadProblem> for PeekProblem {
    fn from(problem: DownloadProblem) -> Self {
        Problem::from(problem).into()
    }
}

impl From<FindError> for InfoProblem {
    fn from(error: FindError) -> Self {
        match error {
            FindError::Trouble(trouble) => Problem::from(trouble).into(),
            FindError::Absent | FindError::PasswordRequired | FindError::TooManyAttempts { .. } => no_such_share().into(),
        }
    }
}

impl From<SaveError> for SaveProblem {
    fn from(error: SaveError) -> Self {
        match error {
            SaveError::Find(error) => Problem::from(DownloadProblem::from(error)).into(),
            SaveError::NoSuchFolder => no_such_folder().into(),
            SaveError::Trouble(trouble) => Problem::from(trouble).into(),
        }
    }
}

/// Unknown, revoked, expired and used up tokens are answered alike.
pub(super) fn no_such_share() -> Problem {
    Problem::of(common::not_found).detail("There is nothing behind this token, or no longer.")
}
