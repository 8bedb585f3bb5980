use super::event::FileAdded;
use crate::{FileName, FolderId};

/// What may be asked of an entry.
#[derive(Debug, Clone)]
pub enum FileCommand {
    /// Make it.
    Add(FileAdded),
    /// Give it another name or place, or both; what is none stays.
    Update {
        /// The new name.
        name: Option<FileName>,
        /// The new place; `Some(None)` is the top.
        folder: Option<Option<FolderId>>,
    },
    /// Put it into the trash.
    Trash,
    /// Take it out of the trash.
    Restore,
    /// Remove it for good.
    Purge,
}
