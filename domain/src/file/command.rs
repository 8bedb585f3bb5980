use super::Content;
use super::event::FileAdded;
use crate::{FileId, FileName, FolderId, Timestamp};

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
    /// Give it another content, which another entry holds.
    Replace(Replace),
    /// Give it a content again that it had before.
    RestoreVersion {
        /// Which.
        number: u64,
        /// The time now.
        at: Timestamp,
    },
    /// Keep no contents that were replaced before a time.
    RemoveVersions {
        /// Which time.
        replaced_before: Timestamp,
    },
    /// Put it into the trash.
    Trash,
    /// Take it out of the trash.
    Restore,
    /// Remove it for good.
    Purge,
}

/// Another content for an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replace {
    /// The entry that holds it.
    pub by: FileId,
    /// The content.
    pub content: Content,
    /// The time now.
    pub at: Timestamp,
    /// As many contents may an entry keep, at least 1.
    pub versions_max: usize,
}
