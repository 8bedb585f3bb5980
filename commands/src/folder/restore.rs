use cairn_domain::FolderId;
use cairn_domain::folder::FolderCommand;

use super::{Changed, FolderError, changed, execute};
use crate::{Caller, Drive, Request};

/// Takes a folder out of the trash, with everything that went along. One whose place is itself in the trash comes to the top.
pub async fn restore(drive: &Drive, request: &Request, caller: &Caller, id: FolderId) -> Result<Changed, FolderError> {
    let command = FolderCommand::Restore { folder: id, at: drive.ports.clock.now() };
    changed(&execute(drive, request, caller, command).await?, id)
}
