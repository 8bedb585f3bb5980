//! Folders: making, renaming, moving, the trash. What they hold goes with them without an event of its own.

mod create;
mod delete;
mod restore;
mod update;

pub(crate) mod contents;

pub use create::{CreateWish, create};
pub use delete::{Deleted, delete};
pub use restore::restore;
pub use update::{UpdateWish, update};

use cairn_domain::folder::{Folder, FolderCommand, FolderRejection, FolderStatus, Tree};
use cairn_domain::{AccountId, Decider, FolderId, Position, StreamName};

use crate::journal::Start;
use crate::{Caller, Drive, Loaded, Request, Trouble};

/// A folder as a command left it.
#[derive(Debug, Clone)]
pub struct Changed {
    /// Which.
    pub id: FolderId,
    /// What is known of it.
    pub folder: Folder,
    /// Whether it is in use.
    pub status: FolderStatus,
    /// Where the log then stood.
    pub position: Position,
}

/// Why a change to a folder did not happen.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The caller has no such folder.
    #[error("there is no such folder")]
    Absent,
    /// The caller has no such folder in use to put it into.
    #[error("there is no such folder to put it into")]
    NoSuchParent,
    /// It is in the trash: restore it first.
    #[error("the folder is in the trash")]
    Trashed,
    /// It would stand in itself.
    #[error("a folder can't stand in itself")]
    Cycle,
    /// The account has as many as it may.
    #[error("there are {limit} folders already")]
    TooMany {
        /// How many there may be.
        limit: u64,
    },
    /// The drive could not.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// Somebody's folders, as the log has them.
pub(crate) async fn folders_of(drive: &Drive, owner: AccountId) -> Result<Loaded<Tree>, Trouble> {
    drive.journal.load(&StreamName::tree(owner)).await
}

/// Where an entry that stands there is, as far as its place decides.
pub async fn status_of_place(drive: &Drive, owner: AccountId, place: Option<FolderId>) -> Result<FolderStatus, Trouble> {
    match place {
        None => Ok(FolderStatus::Active),
        Some(folder) => Ok(folders_of(drive, owner).await?.state.status(folder)),
    }
}

/// True when an entry may be put there: at the top, or into a folder of the owner's that is in use.
pub async fn is_in_use(drive: &Drive, owner: AccountId, place: Option<FolderId>) -> Result<bool, Trouble> {
    Ok(status_of_place(drive, owner, place).await? == FolderStatus::Active)
}

/// The place where an entry was to stand, or the top when that folder is not in use any more: what somebody has sent is not lost with it.
pub(crate) async fn still_in_use(drive: &Drive, owner: AccountId, place: Option<FolderId>) -> Result<Option<FolderId>, Trouble> {
    Ok(if is_in_use(drive, owner, place).await? { place } else { None })
}

/// Decides on all of the caller's folders together.
async fn execute(drive: &Drive, request: &Request, caller: &Caller, command: FolderCommand) -> Result<Loaded<Tree>, FolderError> {
    let limit = drive.limits.folders_max;
    let decide = |tree: &Loaded<Tree>| {
        tree.state.decide(command.clone()).map_err(|rejection| match rejection {
            FolderRejection::Absent => FolderError::Absent,
            FolderRejection::NoSuchParent => FolderError::NoSuchParent,
            FolderRejection::Trashed => FolderError::Trashed,
            FolderRejection::Cycle => FolderError::Cycle,
            FolderRejection::TooMany => FolderError::TooMany { limit },
        })
    };
    let tree = drive.journal.execute(&StreamName::tree(caller.account), Start::Load, request, decide).await?;
    drive.visible(tree.position).await;
    Ok(tree)
}

fn changed(tree: &Loaded<Tree>, id: FolderId) -> Result<Changed, FolderError> {
    let folder = tree.state.folder(id).ok_or(FolderError::Absent)?.clone();
    Ok(Changed { id, folder, status: tree.state.status(id), position: tree.position })
}
