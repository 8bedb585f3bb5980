use cairn_domain::file::{File, FileCommand, FileRejection};
use cairn_domain::folder::FolderStatus;
use cairn_domain::{Decider, FileId, FileName, FolderId, StreamName};

use super::own_entry;
use crate::folder::folders_of;
use crate::journal::Start;
use crate::{Caller, Drive, Loaded, Request, Trouble};

/// Somebody wants an entry to be called or to stand otherwise.
#[derive(Debug, Clone)]
pub struct UpdateFile {
    /// Which entry.
    pub id: FileId,
    /// The new name; none keeps it.
    pub name: Option<FileName>,
    /// The new place; none keeps it, `Some(None)` is the top.
    pub folder: Option<Option<FolderId>>,
    /// The version that the caller has seen; none takes any.
    pub if_version: Option<u64>,
}

/// Why the entry is as it was.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// The caller has no such entry.
    #[error("there is no such file")]
    Absent,
    /// The entry has changed since the caller saw it.
    #[error("the file has version {actual}")]
    VersionConflict {
        /// Its version now.
        actual: u64,
    },
    /// It is in the trash: restore it first.
    #[error("the file is in the trash")]
    Trashed,
    /// There is no such folder.
    #[error("there is no such folder")]
    NoSuchFolder,
    /// The drive could not.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

impl From<FileRejection> for UpdateError {
    fn from(rejection: FileRejection) -> Self {
        match rejection {
            FileRejection::Absent => Self::Absent,
            FileRejection::Trashed => Self::Trashed,
            FileRejection::AlreadyAdded | FileRejection::NoSuchVersion => Self::Trouble(Trouble::Busy),
        }
    }
}

/// Renames or moves an entry, or both.
pub async fn update(drive: &Drive, request: &Request, caller: &Caller, wish: UpdateFile) -> Result<Loaded<File>, UpdateError> {
    let folders = folders_of(drive, caller.account).await?.state;
    if folders.status_of_place(wish.folder.flatten()) != FolderStatus::Active {
        return Err(UpdateError::NoSuchFolder);
    }
    let decide = |file: &Loaded<File>| -> Result<_, UpdateError> {
        let entry = own_entry(wish.id, file, caller).ok_or(UpdateError::Absent)?;
        match folders.status_of_place(entry.folder) {
            FolderStatus::Active => {}
            FolderStatus::Trashed => return Err(UpdateError::Trashed),
            FolderStatus::Absent => return Err(UpdateError::Absent),
        }
        let actual = file.revision();
        if wish.if_version.is_some_and(|seen| seen != actual) {
            return Err(UpdateError::VersionConflict { actual });
        }
        Ok(file.state.decide(FileCommand::Update { name: wish.name.clone(), folder: wish.folder })?)
    };
    let file = drive.journal.execute(&StreamName::file(wish.id), Start::Load, request, decide).await?;
    drive.visible(file.position).await;
    Ok(file)
}
