use cairn_domain::file::{File, FileCommand};
use cairn_domain::folder::FolderStatus;
use cairn_domain::{Decider, FileId, StreamName};

use super::{FileError, own_entry};
use crate::folder::folders_of;
use crate::journal::Start;
use crate::{Caller, Drive, Loaded, Request};

/// Takes an entry out of the trash. One whose folder is in the trash comes to the top.
pub async fn restore(drive: &Drive, request: &Request, caller: &Caller, id: FileId) -> Result<Loaded<File>, FileError> {
    let folders = folders_of(drive, caller.account).await?.state;
    let decide = |file: &Loaded<File>| -> Result<_, FileError> {
        let entry = own_entry(id, file, caller).ok_or(FileError::Absent)?;
        let mut events = file.state.decide(FileCommand::Restore)?;
        match folders.status_of_place(entry.folder) {
            FolderStatus::Active => {}
            FolderStatus::Absent => return Err(FileError::Absent),
            FolderStatus::Trashed => {
                let back = events.iter().fold(file.state.clone(), File::evolve);
                events.extend(back.decide(FileCommand::Update { name: None, folder: Some(None) })?);
            }
        }
        Ok(events)
    };
    let file = drive.journal.execute(&StreamName::file(id), Start::Load, request, decide).await?;
    drive.visible(file.position).await;
    Ok(file)
}
