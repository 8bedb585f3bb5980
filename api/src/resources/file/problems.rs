use cairn_commands::Trouble;
use cairn_commands::content::ContentError;
use cairn_commands::file::{FileError, ReplaceError, UpdateError};
use cairn_commands::upload::WholeError;

use crate::http::problem::{Explain, Problem, common, problems};
use crate::resources::common::body_problem;

problems! {
    /// Why no file was uploaded.
    pub UploadProblem: not_found, digest_mismatch, quota_exceeded + UPLOAD_BODY + COMMAND + SIGNED_IN;
    /// The file to be replaced is in the trash; restore it first.
    409 file_trashed;
}

problems! {
    /// Why no list is given.
    pub QueryProblem: invalid + SIGNED_IN;
}

problems! {
    /// Why nothing is told of a file.
    pub LookProblem: not_found, invalid + SIGNED_IN;
}

problems! {
    /// Why a file is not sent.
    pub DownloadProblem: not_found, range_not_satisfiable, invalid + SIGNED_IN;
    /// No sound copy of the content is left. The fault is on our side, and an operator has been told.
    500 content_damaged;
}

problems! {
    /// Why nothing is told of a download.
    pub PeekProblem: not_found, invalid + SIGNED_IN;
}

problems! {
    /// Why there is no link.
    pub LinkProblem: not_found + JSON_BODY + COMMAND + SIGNED_IN;
    /// The file is in the trash; restore it first.
    409 file_trashed;
}

problems! {
    /// Why the entry is called and stands as before.
    pub UpdateProblem: not_found, malformed + JSON_BODY + COMMAND + SIGNED_IN;
    /// The file is in the trash; restore it first.
    409 file_trashed;
    /// The file has changed since you saw it; read it again.
    412 version_conflict;
}

problems! {
    /// Why the file has the content that it had.
    pub VersionProblem: not_found + JSON_BODY + COMMAND + SIGNED_IN;
    /// The file is in the trash; restore it first.
    409 file_trashed;
}

problems! {
    /// Why the entry is where it was.
    pub TrashProblem: not_found + JSON_BODY + COMMAND + SIGNED_IN;
}

impl From<ContentError> for DownloadProblem {
    fn from(error: ContentError) -> Self {
        match error {
            ContentError::Lost(_) => Self::content_damaged().because(error),
            // The range was read from the size on the log, so the copy is not what the log says.
            ContentError::OutOfRange => Problem::of(common::internal).because(error).into(),
            ContentError::Trouble(trouble @ (Trouble::Unavailable(_) | Trouble::Busy)) => {
                Problem::of(common::unavailable).detail("The content cannot be read just now; try again.").because(trouble).into()
            }
            ContentError::Trouble(trouble) => Problem::from(trouble).into(),
        }
    }
}

impl From<WholeError> for UploadProblem {
    fn from(error: WholeError) -> Self {
        match error {
            WholeError::TooLarge { limit } => too_large(limit).into(),
            WholeError::DigestMismatch { actual } => {
                Self::digest_mismatch().detail(format!("The bytes that arrived have the SHA-256 {actual}; send them again."))
            }
            WholeError::NoSuchFolder => no_such_folder().into(),
            WholeError::Replace(error) => error.into(),
            WholeError::Body(error) => body_problem(error).into(),
            WholeError::Trouble(trouble) => Problem::from(trouble).into(),
        }
    }
}

impl From<UpdateError> for UpdateProblem {
    fn from(error: UpdateError) -> Self {
        match error {
            UpdateError::Absent => Self::not_found(),
            UpdateError::VersionConflict { actual } => {
                Self::version_conflict().detail(format!("The file has version {actual} now; read it again."))
            }
            UpdateError::Trashed => Self::file_trashed(),
            UpdateError::NoSuchFolder => no_such_folder().into(),
            UpdateError::Trouble(trouble) => Problem::from(trouble).into(),
        }
    }
}

impl From<FileError> for TrashProblem {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Absent => Self::not_found(),
            FileError::Trouble(trouble) => Problem::from(trouble).into(),
        }
    }
}

impl From<FileError> for LookProblem {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Absent => Self::not_found(),
            FileError::Trouble(trouble) => Problem::from(trouble).into(),
        }
    }
}

/// A file is larger than allowed, in bytes.
pub(in crate::resources) fn too_large(limit: u64) -> Problem {
    Problem::of(common::too_large).detail(format!("A file may have at most {limit} bytes."))
}

/// An entry shall stand where there is nothing of the caller's.
pub(in crate::resources) fn no_such_folder() -> Problem {
    Problem::of(common::not_found).detail("There is no such folder of yours.")
}

/// Why an entry did not get another content; `trashed` is the operation's own problem for that.
pub(in crate::resources) fn not_replaced(error: ReplaceError, trashed: impl Into<Problem>) -> Problem {
    match error {
        ReplaceError::Absent => Problem::of(common::not_found).detail("There is no such file of yours to be replaced."),
        ReplaceError::NoSuchVersion => Problem::of(common::not_found).detail("The file does not have this version, or no longer."),
        ReplaceError::Trashed => trashed.into(),
        ReplaceError::Trouble(trouble) => trouble.into(),
    }
}

impl From<ReplaceError> for UploadProblem {
    fn from(error: ReplaceError) -> Self {
        not_replaced(error, Self::file_trashed()).into()
    }
}

impl From<ReplaceError> for VersionProblem {
    fn from(error: ReplaceError) -> Self {
        not_replaced(error, Self::file_trashed()).into()
    }
}
