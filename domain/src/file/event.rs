//! The names and the serde form of these types are the storage format.

use serde::{Deserialize, Serialize};

use crate::{AccountId, FileId, FileName, FolderId, Sha1, Sha256, ShareId, Timestamp, UploadId};

/// What may have happened to an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileEvent {
    /// It was made.
    FileAdded(FileAdded),
    /// It has another name.
    FileRenamed(FileRenamed),
    /// It stands elsewhere.
    FileMoved(FileMoved),
    /// It has another content.
    FileReplaced(FileReplaced),
    /// One of its earlier contents is kept no longer.
    FileVersionRemoved(FileVersionRemoved),
    /// It is in the trash.
    FileTrashed(FileTrashed),
    /// It came back from the trash.
    FileRestored(FileRestored),
    /// It is gone for good.
    FilePurged(FilePurged),
}

/// The entry was made; the bytes were stored and referred to before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileAdded {
    /// Whose it is.
    pub owner: AccountId,
    /// What it is called.
    pub name: FileName,
    /// Where it stands; none is the top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<FolderId>,
    /// In bytes.
    pub size: u64,
    /// The content.
    pub sha256: Sha256,
    /// The content, for clients of the older protocol.
    pub sha1: Sha1,
    /// A media type (RFC 6838), as told by the uploader or guessed from the name.
    pub content_type: String,
    /// How it came to be.
    pub origin: Origin,
    /// The entry for which this one holds a content; nobody sees it then. None for an entry of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_of: Option<FileId>,
}

/// How an entry came to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Its bytes were sent.
    Upload(UploadId),
    /// Its bytes were there, and the owner had them already or proved to possess them.
    Instant,
    /// Somebody else shared it.
    Share(ShareId),
}

/// The entry has another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRenamed {
    /// The new name.
    pub name: FileName,
}

/// The entry stands elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMoved {
    /// The new place; none is the top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<FolderId>,
}

/// The entry has another content: one that has just come, or one that it had before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReplaced {
    /// The entry that holds the content; none for the content with which this one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<FileId>,
    /// In bytes.
    pub size: u64,
    /// The content.
    pub sha256: Sha256,
    /// The content, for clients of the older protocol.
    pub sha1: Sha1,
    /// A media type.
    pub content_type: String,
    /// When.
    pub at: Timestamp,
}

/// One of the entry's contents, which it has no more, is not kept any longer. The entry that holds it is purged after this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileVersionRemoved {
    /// The entry that holds it; none for the content with which this one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_by: Option<FileId>,
    /// Whose it was.
    pub owner: AccountId,
    /// In bytes.
    pub size: u64,
    /// The content.
    pub sha256: Sha256,
}

/// The entry is in the trash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileTrashed {}

/// The entry came back from the trash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRestored {}

/// The entry is gone for good; its content may live on in other entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePurged {
    /// Whose it was.
    pub owner: AccountId,
    /// What it occupied, in bytes.
    pub size: u64,
    /// The content that it no longer needs.
    pub sha256: Sha256,
}
