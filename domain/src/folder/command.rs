use crate::{FileName, FolderId, Timestamp};

/// What may be asked of somebody's folders.
#[derive(Debug, Clone)]
pub enum FolderCommand {
    /// Make one.
    Create(CreateFolder),
    /// Give one another name or place, or both.
    Update(UpdateFolder),
    /// Put one into the trash, with everything in it.
    Trash {
        /// Which.
        folder: FolderId,
        /// The time now.
        at: Timestamp,
    },
    /// Take one out of the trash, with everything that went along. One whose place is in the trash comes to the top.
    Restore {
        /// Which.
        folder: FolderId,
        /// The time now.
        at: Timestamp,
    },
    /// Remove one for good, with everything in it.
    Purge {
        /// Which.
        folder: FolderId,
        /// The time now.
        at: Timestamp,
    },
}

/// What a new folder is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateFolder {
    /// Which it will be.
    pub folder: FolderId,
    /// What it will be called.
    pub name: FileName,
    /// The folder that it will stand in; none is the top.
    pub parent: Option<FolderId>,
    /// The time now.
    pub at: Timestamp,
    /// As many folders may one account have.
    pub folders_max: usize,
}

/// What shall change; what is none stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateFolder {
    /// Which.
    pub folder: FolderId,
    /// The new name.
    pub name: Option<FileName>,
    /// The new place; `Some(None)` is the top.
    pub parent: Option<Option<FolderId>>,
    /// The time now.
    pub at: Timestamp,
}
