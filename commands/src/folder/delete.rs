use std::sync::Arc;

use cairn_domain::folder::FolderCommand;
use cairn_domain::{AccountId, EventId, FolderId, Position, StreamName};

use super::contents::{INLINE_MAX, purge_contents_of};
use super::{Changed, FolderError, changed, execute, folders_of};
use crate::{Caller, Drive, Request, Trouble};

/// What has become of the folder.
#[derive(Debug, Clone)]
pub enum Deleted {
    /// It is in the trash.
    Trashed(Box<Changed>),
    /// It is gone for good.
    Purged(Position),
}

/// Puts a folder into the trash with everything in it, or with `purge` removes all of that for good.
pub async fn delete(
    drive: &Arc<Drive>,
    request: &Request,
    caller: &Caller,
    id: FolderId,
    purge: bool,
) -> Result<Deleted, FolderError> {
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
    match purge_contents_of(drive, caller.account, &gone, cause, |purged| purged < INLINE_MAX).await {
        Ok(purged) if purged < INLINE_MAX => {}
        Ok(_) => purge_the_rest(drive, caller.account, gone, cause),
        Err(trouble) => put_off(&trouble),
    }
    Ok(Deleted::Purged(tree.position))
}

/// Nobody waits for it, but what it frees can be used again soon.
fn purge_the_rest(drive: &Arc<Drive>, owner: AccountId, folders: Vec<FolderId>, cause: EventId) {
    let background = Arc::clone(drive);
    drive.in_background(async move {
        let goes_on = |_| !background.is_ending();
        if let Err(trouble) = purge_contents_of(&background, owner, &folders, cause, goes_on).await {
            put_off(&trouble);
        }
    });
}

fn put_off(trouble: &Trouble) {
    tracing::warn!(error = trouble as &dyn std::error::Error, "what stood in a folder is purged later");
}
