use cairn_domain::folder::{FolderCommand, UpdateFolder};
use cairn_domain::{FileName, FolderId};

use super::{Changed, FolderError, changed, execute};
use crate::{Caller, Drive, Request};

/// Somebody wants a folder to be called or to stand otherwise.
#[derive(Debug, Clone)]
pub struct UpdateWish {
    /// Which folder.
    pub id: FolderId,
    /// The new name; none keeps it.
    pub name: Option<FileName>,
    /// The new place; none keeps it, `Some(None)` is the top.
    pub parent: Option<Option<FolderId>>,
}

/// Renames or moves a folder, or both. That is one event for each, however much stands in it.
pub async fn update(drive: &Drive, request: &Request, caller: &Caller, wish: UpdateWish) -> Result<Changed, FolderError> {
    let UpdateWish { id, name, parent } = wish;
    let command = FolderCommand::Update(UpdateFolder { folder: id, name, parent, at: drive.ports.clock.now() });
    changed(&execute(drive, request, caller, command).await?, id)
}
