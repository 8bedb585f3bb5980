use cairn_commands::upload::{CancelError, CompleteError, PartError, StartError};

use super::types::pairs;
use crate::http::problem::{Explain, Problem, problems};
use crate::resources::common::body_problem;
use crate::resources::file::{no_such_folder, not_replaced, too_large};

problems! {
    /// Why no upload was started.
    pub InitProblem: not_found, too_large, quota_exceeded + JSON_BODY + COMMAND + SIGNED_IN;
    /// The file to be replaced is in the trash; restore it first.
    409 file_trashed;
    /// You have as many uploads open as you may; complete or cancel some.
    429 too_many_uploads retry after 60;
}

problems! {
    /// Why a part is not there.
    pub PartProblem: not_found, digest_mismatch, malformed_digest, incomplete_body, request_timeout + COMMAND + SIGNED_IN;
    /// The upload takes no more parts.
    409 upload_closed;
    /// The upload has no part of this number.
    422 no_such_part;
    /// The part has another size.
    422 wrong_part_size;
}

problems! {
    /// Why nothing is told of an upload.
    pub StatusProblem: not_found, invalid + SIGNED_IN;
}

problems! {
    /// Why no list is given.
    pub UploadsProblem: invalid + SIGNED_IN;
}

problems! {
    /// Why the upload has not become a file.
    pub CompleteProblem: not_found, digest_mismatch, quota_exceeded + JSON_BODY + COMMAND + SIGNED_IN;
    /// Some parts have not come; missing says which.
    409 parts_missing;
    /// The upload has ended without a file.
    409 upload_closed;
    /// The file to be replaced is in the trash; restore it first.
    409 file_trashed;
}

problems! {
    /// Why the upload goes on.
    pub CancelProblem: not_found + JSON_BODY + COMMAND + SIGNED_IN;
    /// The upload has become a file; delete that instead.
    409 upload_closed;
}

impl From<StartError> for InitProblem {
    fn from(error: StartError) -> Self {
        match error {
            StartError::TooLarge { limit } => too_large(limit).into(),
            StartError::PartSize { limit } => Problem::invalid("part_size", format!("is 1 to {limit} bytes")).into(),
            StartError::NoSuchFolder => no_such_folder().into(),
            StartError::Replace(error) => not_replaced(error, Self::file_trashed()).into(),
            StartError::TooManyUploads { limit } => {
                Self::too_many_uploads().detail(format!("At most {limit} uploads may be open at once; complete or cancel some."))
            }
            StartError::Trouble(trouble) => Problem::from(trouble).into(),
        }
    }
}

impl From<PartError> for PartProblem {
    fn from(error: PartError) -> Self {
        match error {
            PartError::Absent => Self::not_found(),
            PartError::Closed => Self::upload_closed(),
            PartError::NoSuchPart { count: 0 } => Self::no_such_part().detail("The file is empty and has no parts."),
            PartError::NoSuchPart { count } => Self::no_such_part().detail(format!("The upload has parts 1 to {count}.")),
            PartError::WrongPartSize { expected } => Self::wrong_part_size().detail(format!("This part has {expected} bytes.")),
            PartError::DigestMismatch { actual } => {
                Self::digest_mismatch().detail(format!("The bytes that arrived have the SHA-256 {actual}; send them again."))
            }
            PartError::Body(error) => body_problem(error).into(),
            PartError::Trouble(trouble) => Problem::from(trouble).into(),
        }
    }
}

impl From<CompleteError> for CompleteProblem {
    fn from(error: CompleteError) -> Self {
        match error {
            CompleteError::Absent => Self::not_found(),
            CompleteError::Closed => Self::upload_closed(),
            CompleteError::Replace(error) => not_replaced(error, Self::file_trashed()).into(),
            CompleteError::PartsMissing { missing } => Self::parts_missing().missing(pairs(&missing)),
            CompleteError::DigestMismatch => {
                Self::digest_mismatch().detail("The parts together do not have the declared digest; start a new upload.")
            }
            CompleteError::Trouble(trouble) => Problem::from(trouble).into(),
        }
    }
}

impl From<CancelError> for CancelProblem {
    fn from(error: CancelError) -> Self {
        match error {
            CancelError::Absent => Self::not_found(),
            CancelError::Closed => Self::upload_closed(),
            CancelError::Trouble(trouble) => Problem::from(trouble).into(),
        }
    }
}
