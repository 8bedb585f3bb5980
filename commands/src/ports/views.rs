//! The read tables, as far as a use case needs them.

use std::ops::RangeInclusive;

use async_trait::async_trait;
use cairn_domain::transfer::Phase;
use cairn_domain::{AccountId, FileId, FolderId, OfflineId, Position, Sha1, Sha256, Timestamp, TransferId, UploadId};

use super::BoxError;

mod memory;

pub use memory::MemoryViews;

/// A few questions that a use case asks of the read tables, and the wait for them to catch up.
///
/// The answers may be a little old; whatever is decided because of them is decided again on the log.
#[async_trait]
pub trait Views: Send + Sync {
    /// Waits until the local read tables have reached the position; false when they have not within the
    /// configured time.
    async fn reached(&self, position: Position) -> bool;

    /// The account's newest entry with this content, whether active or in the trash.
    async fn entry_with_content(&self, owner: AccountId, content: ContentHash) -> Result<Option<FileId>, ViewsError>;

    /// The content with this SHA-1, if exactly such a one was stored.
    async fn content_by_sha1(&self, sha1: Sha1) -> Result<Option<Sha256>, ViewsError>;

    /// The account's open upload that was started like this, if there is one.
    async fn open_upload(&self, alike: &OpenUploadKey) -> Result<Option<UploadId>, ViewsError>;

    /// How many uploads the account has open.
    async fn open_uploads(&self, owner: AccountId) -> Result<u64, ViewsError>;

    /// Open uploads that would have expired by this time, at most `limit`, oldest first.
    async fn overdue_uploads(&self, now: Timestamp, limit: u64) -> Result<Vec<UploadId>, ViewsError>;

    /// Transfers in one of these phases of which something was heard within that time, and nothing after it, at most `limit`, with the time
    /// when; the one longest silent first.
    async fn silent_transfers(
        &self,
        phases: &[Phase],
        heard: RangeInclusive<Timestamp>,
        limit: u64,
    ) -> Result<Vec<(Timestamp, TransferId)>, ViewsError>;

    /// The owner's entries that stand in the folder, in use or in the trash, newest first, at most `limit`; each with its place in the log.
    /// Only those that were made before `after`, if that is given.
    async fn entries_in(
        &self,
        owner: AccountId,
        folder: FolderId,
        after: Option<Position>,
        limit: u64,
    ) -> Result<Vec<(FileId, Position)>, ViewsError>;

    /// How many shares the account has that were not revoked.
    async fn shares_of(&self, owner: AccountId) -> Result<u64, ViewsError>;

    /// What the account's entries occupy, in bytes, and up to where in the log that is counted.
    async fn occupied(&self, owner: AccountId) -> Result<(u64, Position), ViewsError>;

    /// How many offline downloads of the account wait or run.
    async fn open_offline(&self, owner: AccountId) -> Result<u64, ViewsError>;

    /// Offline downloads that wait for a worker, and whose they are, at most `limit`, the oldest first.
    async fn waiting_offline(&self, limit: u64) -> Result<Vec<(OfflineId, AccountId)>, ViewsError>;

    /// Offline downloads that run, but of which nothing was heard after that time, and whose they are, at most `limit`; the one longest silent first.
    async fn silent_offline(&self, since: Timestamp, limit: u64) -> Result<Vec<(OfflineId, AccountId)>, ViewsError>;

    /// Contents that are stored, at most `limit`, in the order of their hashes, after one (excluded).
    async fn contents(&self, after: Option<Sha256>, limit: u64) -> Result<Vec<Sha256>, ViewsError>;
}

/// A content by either of its hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ContentHash {
    /// By its address.
    Sha256(Sha256),
    /// By the hash of the older protocol.
    Sha1(Sha1),
}

/// What makes two starts of an upload the same upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenUploadKey {
    /// Whose it is.
    pub owner: AccountId,
    /// What the file will be called.
    pub name: cairn_domain::FileName,
    /// In bytes.
    pub size: u64,
    /// As declared.
    pub sha256: Option<Sha256>,
    /// As declared.
    pub sha1: Option<Sha1>,
    /// Where the file will stand.
    pub folder: Option<FolderId>,
}

/// The read tables did not answer: try again.
#[derive(Debug, thiserror::Error)]
#[error("the read tables did not answer")]
pub struct ViewsError(#[source] pub BoxError);
