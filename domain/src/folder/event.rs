//! The names and the serde form of these types are the storage format.

use serde::{Deserialize, Serialize};

use crate::{FileName, FolderId, Timestamp};

/// What may have happened to somebody's folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderEvent {
    /// One was made.
    FolderCreated(FolderCreated),
    /// One has another name.
    FolderRenamed(FolderRenamed),
    /// One stands elsewhere, with everything in it.
    FolderMoved(FolderMoved),
    /// One is in the trash, with everything in it.
    FolderTrashed(FolderTrashed),
    /// One came back from the trash, with everything that went along.
    FolderRestored(FolderRestored),
    /// One is gone for good, with everything in it.
    FolderPurged(FolderPurged),
}

/// A folder was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderCreated {
    /// Which.
    pub folder: FolderId,
    /// What it is called. A name may repeat.
    pub name: FileName,
    /// The folder that it stands in; none is the top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<FolderId>,
    /// When.
    pub at: Timestamp,
}

/// A folder has another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderRenamed {
    /// Which.
    pub folder: FolderId,
    /// The new name.
    pub name: FileName,
    /// When.
    pub at: Timestamp,
}

/// A folder stands elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderMoved {
    /// Which.
    pub folder: FolderId,
    /// The new place; none is the top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<FolderId>,
    /// When.
    pub at: Timestamp,
}

/// A folder is in the trash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderTrashed {
    /// Which.
    pub folder: FolderId,
    /// The folders below it that were in use and went along.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub along: Vec<FolderId>,
    /// When.
    pub at: Timestamp,
}

/// A folder came back from the trash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderRestored {
    /// Which.
    pub folder: FolderId,
    /// The folders below it that are in use again with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub along: Vec<FolderId>,
    /// When.
    pub at: Timestamp,
}

/// A folder is gone for good. The entries in it follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderPurged {
    /// Which.
    pub folder: FolderId,
    /// The folders below it, whether in use or in the trash.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub along: Vec<FolderId>,
    /// When.
    pub at: Timestamp,
}
