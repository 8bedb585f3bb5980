use cairn_commands::offline::{CancelOfflineError, CreateOfflineError};

use crate::http::problem::{Explain, Problem, problems};
use crate::resources::file::no_such_folder;

problems! {
    /// Why nothing will be fetched.
    pub CreateProblem: not_found, quota_exceeded + JSON_BODY + COMMAND + SIGNED_IN;
    /// The URL is none that the drive asks: http and https only, without a password, and hosts of the public internet only.
    422 url_refused;
    /// You have as many downloads waiting and running as you may; wait for one, or cancel it.
    429 too_many_jobs retry after 60;
}

problems! {
    /// Why nothing is told of a download.
    pub StatusProblem: not_found, invalid + SIGNED_IN;
}

problems! {
    /// Why no list is given.
    pub ListProblem: invalid + SIGNED_IN;
}

problems! {
    /// Why the download goes on.
    pub CancelProblem: not_found + JSON_BODY + COMMAND + SIGNED_IN;
}

impl From<CreateOfflineError> for CreateProblem {
    fn from(error: CreateOfflineError) -> Self {
        match error {
            CreateOfflineError::UrlRefused(reason) => Self::url_refused().detail(format!("The URL is not asked: {reason}.")),
            CreateOfflineError::NoSuchFolder => no_such_folder().into(),
            CreateOfflineError::TooMany { limit } => Self::too_many_jobs()
                .detail(format!("At most {limit} downloads may wait and run at once; wait for one, or cancel it.")),
            CreateOfflineError::Trouble(trouble) => Problem::from(trouble).into(),
        }
    }
}

impl From<CancelOfflineError> for CancelProblem {
    fn from(error: CancelOfflineError) -> Self {
        match error {
            CancelOfflineError::Absent => Self::not_found(),
            CancelOfflineError::Trouble(trouble) => Problem::from(trouble).into(),
        }
    }
}
