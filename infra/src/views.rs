//! The questions of the use cases, put to the read tables.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cairn_commands::ports::views::{ContentHash, OpenUploadKey, Views, ViewsError};
use cairn_domain::transfer::Phase;
use cairn_domain::{AccountId, FileId, FolderId, OfflineId, Position, Sha1, Sha256, Timestamp, TransferId, UploadId};
use cairn_projections::ReachedPosition;
use cairn_projections::ports::{ReadError, ReadTables};
use cairn_projections::queries::files::{ByHash, entries_in_folder, newest_with_content};
use cairn_projections::queries::uploads::{self, UploadLike};
use cairn_projections::queries::users::occupied_by;
use cairn_projections::queries::{contents, offline, shares, transfers};

/// The read tables of this process, and the runner that keeps them up with the log.
#[derive(Clone)]
pub struct LocalViews {
    tables: Arc<dyn ReadTables>,
    reached: ReachedPosition,
    wait_max: Duration,
}

impl LocalViews {
    /// `wait_max` is how long a command or query waits for the tables to catch up.
    pub fn new(tables: Arc<dyn ReadTables>, reached: ReachedPosition, wait_max: Duration) -> Self {
        Self { tables, reached, wait_max }
    }
}

#[async_trait]
impl Views for LocalViews {
    async fn reached(&self, position: Position) -> bool {
        self.reached.shows(&*self.tables, position, self.wait_max).await
    }

    async fn entry_with_content(&self, owner: AccountId, content: ContentHash) -> Result<Option<FileId>, ViewsError> {
        let content = match content {
            ContentHash::Sha256(sha256) => ByHash::Sha256(sha256),
            ContentHash::Sha1(sha1) => ByHash::Sha1(sha1),
        };
        let newest = newest_with_content(&*self.tables, owner, content, None).await.map_err(translate)?;
        Ok(newest.map(|file| file.id))
    }

    async fn content_by_sha1(&self, sha1: Sha1) -> Result<Option<Sha256>, ViewsError> {
        contents::sha256_by_sha1(&*self.tables, sha1).await.map_err(translate)
    }

    async fn open_upload(&self, alike: &OpenUploadKey) -> Result<Option<UploadId>, ViewsError> {
        let OpenUploadKey { owner, ref name, size, sha256, sha1, folder } = *alike;
        uploads::open_upload_like(&*self.tables, &UploadLike { owner, name, size, sha256, sha1, folder }).await.map_err(translate)
    }

    async fn open_uploads(&self, owner: AccountId) -> Result<u64, ViewsError> {
        uploads::count_open_uploads(&*self.tables, owner).await.map_err(translate)
    }

    async fn overdue_uploads(&self, now: Timestamp, limit: u64) -> Result<Vec<UploadId>, ViewsError> {
        uploads::overdue_uploads(&*self.tables, now, limit).await.map_err(translate)
    }

    async fn silent_transfers(
        &self,
        phases: &[Phase],
        heard: RangeInclusive<Timestamp>,
        limit: u64,
    ) -> Result<Vec<(Timestamp, TransferId)>, ViewsError> {
        transfers::silent_transfers(&*self.tables, phases, heard, limit).await.map_err(translate)
    }

    async fn entries_in(
        &self,
        owner: AccountId,
        folder: FolderId,
        after: Option<Position>,
        limit: u64,
    ) -> Result<Vec<(FileId, Position)>, ViewsError> {
        entries_in_folder(&*self.tables, owner, folder, after, limit).await.map_err(translate)
    }

    async fn shares_of(&self, owner: AccountId) -> Result<u64, ViewsError> {
        shares::count_shares(&*self.tables, owner).await.map_err(translate)
    }

    async fn occupied(&self, owner: AccountId) -> Result<(u64, Position), ViewsError> {
        occupied_by(&*self.tables, owner).await.map_err(translate)
    }

    async fn open_offline(&self, owner: AccountId) -> Result<u64, ViewsError> {
        offline::count_open_offline(&*self.tables, owner).await.map_err(translate)
    }

    async fn waiting_offline(&self, limit: u64) -> Result<Vec<(OfflineId, AccountId)>, ViewsError> {
        offline::waiting_offline(&*self.tables, limit).await.map_err(translate)
    }

    async fn silent_offline(&self, since: Timestamp, limit: u64) -> Result<Vec<(OfflineId, AccountId)>, ViewsError> {
        offline::silent_offline(&*self.tables, since, limit).await.map_err(translate)
    }

    async fn contents(&self, after: Option<Sha256>, limit: u64) -> Result<Vec<Sha256>, ViewsError> {
        contents::contents(&*self.tables, after, limit).await.map_err(translate)
    }
}

fn translate(error: ReadError) -> ViewsError {
    ViewsError(error.into())
}
