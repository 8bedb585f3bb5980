use cairn_domain::folder::{CreateFolder, FolderCommand};
use cairn_domain::{FileName, FolderId};

use super::{Changed, FolderError, changed, execute};
use crate::{Caller, Drive, Request};

/// Somebody wants a new folder.
#[derive(Debug, Clone)]
pub struct CreateWish {
    /// What it will be called. A name may repeat.
    pub name: FileName,
    /// The folder that it will stand in; none is the top.
    pub parent: Option<FolderId>,
}

/// Makes a folder.
pub async fn create(drive: &Drive, request: &Request, caller: &Caller, wish: CreateWish) -> Result<Changed, FolderError> {
    let folder = FolderId(request.command.derive("folder"));
    let folders_max = usize::try_from(drive.limits.folders_max).unwrap_or(usize::MAX);
    let CreateWish { name, parent } = wish;
    let command = FolderCommand::Create(CreateFolder { folder, name, parent, at: drive.ports.clock.now(), folders_max });
    changed(&execute(drive, request, caller, command).await?, folder)
}
