//! The names and the serde form of these types are the storage format.

use serde::{Deserialize, Serialize};

use super::Visitor;
use crate::{AccountId, DownloadId, FileId, FileName, FolderId, Sha1, Sha256, Timestamp};

/// What may have happened to a share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShareEvent {
    /// It was made.
    ShareCreated(ShareCreated),
    /// It has other terms.
    ShareChanged(ShareChanged),
    /// A download began, and counts.
    ShareDownloaded(ShareDownloaded),
    /// All of a download was sent.
    ShareDownloadEnded(ShareDownloadEnded),
    /// Somebody has put the file into their own drive.
    ShareSaved(ShareSaved),
    /// It is over.
    ShareRevoked(ShareRevoked),
}

/// What a share asks and allows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Terms {
    /// The password's argon2id hash in PHC form, if one is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// How many downloads there may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_downloads: Option<u64>,
}

/// The share was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareCreated {
    /// Whose it is.
    pub owner: AccountId,
    /// The entry that it leads to.
    pub file: FileId,
    /// SHA-256 of the token; the token itself is known to its holders alone.
    pub token_sha256: Sha256,
    /// What it asks and allows.
    #[serde(flatten)]
    pub terms: Terms,
}

/// The share has other terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareChanged {
    /// All of them, also those that are as before.
    #[serde(flatten)]
    pub terms: Terms,
}

/// A download began, and counts. Who it was, and from where, stands beside the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareDownloaded {
    /// Which download.
    pub download: DownloadId,
    /// Who may go on with it.
    pub visitor: Visitor,
    /// The content.
    pub sha256: Sha256,
    /// When.
    pub at: Timestamp,
}

/// All of a download was sent: nobody goes on with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareDownloadEnded {
    /// Which download.
    pub download: DownloadId,
}

/// Somebody has put the file into their own drive. The entry follows from this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareSaved {
    /// The new entry.
    pub file: FileId,
    /// Whose it is.
    pub account: AccountId,
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
    /// A media type.
    pub content_type: String,
}

/// The owner has ended the share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareRevoked {}
