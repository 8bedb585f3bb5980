use cairn_domain::folder::FolderCommand;
use cairn_domain::{FolderId, Position, StreamName};

use super::contents::{INLINE_MAX, purge_contents_of};
use super::{Changed, FolderError, changed, execute, folders_of};
use crate::{Caller, Drive, Request};

/// What has become of the folder.
#[derive(Debug, Clone)]
pub enum Deleted {
    /// It is in the trash.
    Trashed(Box<Changed>),
    /// It is gone for good.
    Purged(Position),
}

/// Puts a folder into the trash with everything in it, or with `purge` removes all of that for good.
pub async fn delete(drive: &Drive, request: &Request, caller: &Caller, id: FolderId, purge: bool) -> Result<Deleted, FolderError> {
    let at = drive.ports.clock.now();
    if !purge {
        let tree = execute(drive, request, caller, FolderCommand::Trash { folder: id, at }).await?;
        return Ok(Deleted::Trashed(Box::new(changed(&tree, id)?)));
    }
    let before = folders_of(drive, caller.account).await?;
    let gone = before.state.with_all_below(id);
    let tree = execute(drive, request, caller, FolderCommand::Purge { folder: id, at }).await?;
    // From here on nobody sees them any more. What is not done here, or comes late, the saga does.
    let cause = request.command.event(StreamName::tree(caller.account).as_str(), 0);
    match purge_contents_of(drive, caller.account, &gone, cause, INLINE_MAX).await {
        Ok(_) => {}
        Err(trouble) => tracing::warn!(error = &trouble as &dyn std::error::Error, "what stood in a folder is purged later"),
    }
    Ok(Deleted::Purged(tree.position))
}
