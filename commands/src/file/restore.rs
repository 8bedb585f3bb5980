use cairn_domain::file::{File, FileCommand};
use cairn_domain::{Decider, FileId, StreamName};

use super::{FileError, own_entry};
use crate::journal::Start;
use crate::{Caller, Drive, Loaded, Request};

/// Takes an entry out of the trash.
pub async fn restore(drive: &Drive, request: &Request, caller: &Caller, id: FileId) -> Result<Loaded<File>, FileError> {
    let decide = |file: &Loaded<File>| -> Result<_, FileError> {
        own_entry(file, caller).ok_or(FileError::Absent)?;
        Ok(file.state.decide(FileCommand::Restore)?)
    };
    let file = drive.journal.execute(&StreamName::file(id), Start::Load, request, decide).await?;
    drive.visible(file.position).await;
    Ok(file)
}
