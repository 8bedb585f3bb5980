use cairn_domain::file::{File, FileCommand};
use cairn_domain::folder::FolderStatus;
use cairn_domain::{Decider, FileId, Position, StreamName};

use super::{FileError, own_entry};
use crate::folder::folders_of;
use crate::journal::Start;
use crate::{Caller, Drive, Loaded, Request};

/// What has become of the entry.
#[derive(Debug, Clone)]
pub enum Deleted {
    /// It is in the trash.
    Trashed(Box<Loaded<File>>),
    /// It is gone for good.
    Purged(Position),
}

/// Puts an entry into the trash, or with `purge` removes it for good. No other entry is touched.
pub async fn delete(drive: &Drive, request: &Request, caller: &Caller, id: FileId, purge: bool) -> Result<Deleted, FileError> {
    let folders = folders_of(drive, caller.account).await?.state;
    let decide = |file: &Loaded<File>| -> Result<_, FileError> {
        let entry = own_entry(id, file, caller).ok_or(FileError::Absent)?;
        match folders.status_of_place(entry.folder) {
            FolderStatus::Absent => Err(FileError::Absent),
            // It is there already, with its folder, and comes back with it.
            FolderStatus::Trashed if !purge => Ok(Vec::new()),
            FolderStatus::Active | FolderStatus::Trashed => {
                Ok(file.state.decide(if purge { FileCommand::Purge } else { FileCommand::Trash })?)
            }
        }
    };
    let file: Loaded<File> = drive.journal.execute(&StreamName::file(id), Start::Load, request, decide).await?;
    drive.visible(file.position).await;
    Ok(if purge { Deleted::Purged(file.position) } else { Deleted::Trashed(Box::new(file)) })
}
