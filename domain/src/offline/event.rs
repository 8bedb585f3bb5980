//! The names and the serde form of these types are the storage format.

use serde::{Deserialize, Serialize};

use super::SourceUrl;
use crate::{AccountId, FileId, FileName, FolderId, Sha256, Timestamp, UploadId};

/// What may have happened to an offline download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfflineEvent {
    /// Somebody wants a file from elsewhere.
    OfflineRequested(OfflineRequested),
    /// A worker is at it.
    OfflineStarted(OfflineStarted),
    /// The source has answered, for the first time or differently than before.
    OfflineFound(OfflineFound),
    /// A worker is still at it.
    OfflineProgressed(OfflineProgressed),
    /// The file is in the drive.
    OfflineCompleted(OfflineCompleted),
    /// It can't be had.
    OfflineFailed(OfflineFailed),
    /// Its owner does not want it any more.
    OfflineCancelled(OfflineCancelled),
}

/// Somebody wants a file from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfflineRequested {
    /// Whose the file will be.
    pub owner: AccountId,
    /// Where it is.
    pub url: SourceUrl,
    /// What the file shall be called; none for what the source calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<FileName>,
    /// Where the file shall stand; none is the top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<FolderId>,
    /// The SHA-256 that the bytes shall have, if the owner said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_sha256: Option<Sha256>,
}

/// A worker is at it: the first one, or another one after nothing was heard of the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfflineStarted {
    /// Which process.
    pub worker: String,
    /// How often it was started since it last came further, from 1.
    pub attempt: u32,
    /// When it fails if it is not there by then. Later starts don't put it off.
    pub deadline: Timestamp,
}

/// The source has answered. What was received from it before, under another upload, counts no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfflineFound {
    /// The upload as which the bytes are received.
    pub upload: UploadId,
    /// What the file will be called.
    pub name: FileName,
    /// A media type: as the source told it, or by the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// In bytes, if the source told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// What tells this content of the source from a later one (RFC 9110 section 8.8); none when the source gives no part of it alone, so that
    /// what breaks off begins anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validator: Option<String>,
}

/// A worker is still at it. There is one from time to time, not one for every part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfflineProgressed {
    /// How much has come so far, in bytes.
    pub received_bytes: u64,
    /// When the worker said so.
    pub at: Timestamp,
}

/// The file is in the drive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfflineCompleted {
    /// The entry.
    pub file: FileId,
    /// In bytes.
    pub size: u64,
}

/// The file can't be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfflineFailed {
    /// Why.
    pub reason: FailureReason,
    /// The same in a sentence for the owner, where there is more to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Why a file can't be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// The URL, or one that it leads to, is of a kind or at an address that is not asked.
    UrlRefused,
    /// It leads from one URL to the next without an end.
    TooManyRedirects,
    /// The source says that it does not give the file.
    SourceRefused,
    /// The source did not answer, or broke off, too often.
    SourceUnavailable,
    /// The file is larger than allowed.
    TooLarge,
    /// The bytes have another digest than the owner said.
    DigestMismatch,
    /// It took too long.
    TimedOut,
    /// There is no room left.
    StorageFull,
    /// The owner would hold more than they may.
    QuotaExceeded,
}

impl FailureReason {
    /// As it is written, also in the events.
    pub const fn code(self) -> &'static str {
        match self {
            Self::UrlRefused => "url_refused",
            Self::TooManyRedirects => "too_many_redirects",
            Self::SourceRefused => "source_refused",
            Self::SourceUnavailable => "source_unavailable",
            Self::TooLarge => "too_large",
            Self::DigestMismatch => "digest_mismatch",
            Self::TimedOut => "timed_out",
            Self::StorageFull => "storage_full",
            Self::QuotaExceeded => "quota_exceeded",
        }
    }
}

/// The owner does not want the file any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfflineCancelled {}
