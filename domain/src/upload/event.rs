//! The names and the serde form of these types are the storage format.

use serde::{Deserialize, Serialize};

use crate::{AccountId, FileId, FileName, FolderId, OfflineId, Sha1, Sha256, Timestamp};

/// What may have happened to an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadEvent {
    /// It began.
    UploadStarted(UploadStarted),
    /// A range of its bytes is durable.
    ChunkReceived(ChunkReceived),
    /// All its bytes are there, were read and are what was declared: the commit point of an upload.
    FileMerged(FileMerged),
    /// Its owner gave it up.
    UploadCancelled(UploadCancelled),
    /// Nothing came for too long, or what had come is lost: then also after it was merged, and before it was a file.
    UploadExpired(UploadExpired),
    /// Its bytes are not what was declared.
    UploadRejected(UploadRejected),
}

/// The upload began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadStarted {
    /// Whose it is.
    pub owner: AccountId,
    /// What the file will be called.
    pub name: FileName,
    /// Where the file will stand; none is the top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<FolderId>,
    /// The media type of the file to be.
    pub content_type: String,
    /// Whole size in bytes.
    pub size: u64,
    /// Size of every part but the last, in bytes.
    pub part_bytes: u64,
    /// The SHA-256 that the bytes shall have, if the client said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_sha256: Option<Sha256>,
    /// The SHA-1 that the bytes shall have, if the client said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_sha1: Option<Sha1>,
    /// When it ends by itself if nothing comes.
    pub expires_at: Timestamp,
    /// The entry whose content it will be; none makes an entry of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<FileId>,
    /// The offline download for which the drive itself sends the parts; none when somebody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline: Option<OfflineId>,
}

/// A range of bytes is durable in staging. A later one at the same offset replaces it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkReceived {
    /// In bytes from the start of the file.
    pub offset: u64,
    /// In bytes.
    pub length: u64,
    /// Of the range.
    pub sha256: Sha256,
    /// When the upload now ends by itself if nothing more comes.
    pub expires_at: Timestamp,
}

/// All bytes are durable in staging and hashed by the server. Whatever follows (blob, entry) follows from this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMerged {
    /// The entry to be made.
    pub file: FileId,
    /// Whose it is.
    pub owner: AccountId,
    /// What the file is called.
    pub name: FileName,
    /// Where the file stands; none is the top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<FolderId>,
    /// The media type of the file.
    pub content_type: String,
    /// In bytes.
    pub size: u64,
    /// Of all bytes.
    pub sha256: Sha256,
    /// Of all bytes.
    pub sha1: Sha1,
    /// The entry whose content it will be. The one to be made holds it then, and nobody sees that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<FileId>,
    /// The offline download of which the file comes; none when somebody sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline: Option<OfflineId>,
}

/// The owner gave the upload up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadCancelled {}

/// Nothing came for too long, or what had come is lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadExpired {}

/// The upload ended because its bytes are wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadRejected {
    /// What is wrong with them.
    pub reason: RejectionReason,
    /// What the bytes are.
    pub sha256: Sha256,
}

/// What is wrong with the bytes of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectionReason {
    /// They have another digest than was declared.
    DigestMismatch,
}
