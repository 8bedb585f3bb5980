use cairn_commands::folder::FolderError;

use crate::http::problem::{Explain, Problem, problems};
use crate::resources::file::no_such_folder;

problems! {
    /// Why no folder was made.
    pub CreateProblem: not_found + JSON_BODY + COMMAND + SIGNED_IN;
    /// You have as many folders as you may; purge some.
    422 too_many_folders;
}

problems! {
    /// Why the folder is called and stands as before.
    pub UpdateProblem: not_found + JSON_BODY + COMMAND + SIGNED_IN;
    /// The folder is in the trash; restore it first.
    409 folder_trashed;
    /// A folder can't be moved into itself, nor into one below it.
    422 folder_cycle;
}

problems! {
    /// Why the folder is where it was.
    pub TrashProblem: not_found + JSON_BODY + COMMAND + SIGNED_IN;
}

problems! {
    /// Why no list is given.
    pub QueryProblem: invalid + SIGNED_IN;
}

impl From<FolderError> for CreateProblem {
    fn from(error: FolderError) -> Self {
        match error {
            FolderError::NoSuchParent => no_such_folder().into(),
            FolderError::TooMany { limit } => {
                Self::too_many_folders().detail(format!("At most {limit} folders may be there, those in the trash included."))
            }
            other => unexpected(other).into(),
        }
    }
}

impl From<FolderError> for UpdateProblem {
    fn from(error: FolderError) -> Self {
        match error {
            FolderError::NoSuchParent => no_such_folder().into(),
            FolderError::Trashed => Self::folder_trashed(),
            FolderError::Cycle => Self::folder_cycle(),
            other => unexpected(other).into(),
        }
    }
}

impl From<FolderError> for TrashProblem {
    fn from(error: FolderError) -> Self {
        unexpected(error).into()
    }
}

/// What any command to a folder may meet; the rest is not decided about that command.
fn unexpected(error: FolderError) -> Problem {
    match error {
        FolderError::Trouble(trouble) => Problem::from(trouble),
        FolderError::Absent
        | FolderError::NoSuchParent
        | FolderError::Trashed
        | FolderError::Cycle
        | FolderError::TooMany { .. } => no_such_folder(),
    }
}
