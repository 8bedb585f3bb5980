use cairn_commands::instant::{OfferError, ProveError};

use crate::http::problem::{Problem, problems};
use crate::resources::file::{no_such_folder, not_replaced};

problems! {
    /// Why nothing was offered.
    pub OfferProblem: not_found, quota_exceeded + JSON_BODY + COMMAND + SIGNED_IN;
    /// The file to be replaced is in the trash; restore it first.
    409 file_trashed;
}

problems! {
    /// Why there is no entry.
    pub ProofProblem: not_found, quota_exceeded + JSON_BODY + COMMAND + SIGNED_IN;
    /// Send the bytes: the content is not known, the proof is wrong, or the challenge was used or has ended.
    409 upload_required;
    /// The file to be replaced is in the trash; restore it first.
    409 file_trashed;
}

impl From<OfferError> for OfferProblem {
    fn from(error: OfferError) -> Self {
        match error {
            OfferError::NoSuchFolder => no_such_folder().into(),
            OfferError::Replace(error) => not_replaced(error, Self::file_trashed()).into(),
            OfferError::Trouble(trouble) => Problem::from(trouble).into(),
        }
    }
}

impl From<ProveError> for ProofProblem {
    fn from(error: ProveError) -> Self {
        match error {
            ProveError::UploadRequired => Self::upload_required(),
            ProveError::Replace(error) => not_replaced(error, Self::file_trashed()).into(),
            ProveError::Trouble(trouble) => Problem::from(trouble).into(),
        }
    }
}
