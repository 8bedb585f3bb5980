use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use async_trait::async_trait;
use cairn_domain::blob::{Blob, BlobEvent};
use cairn_domain::decider::Decider;
use cairn_domain::file::{Entry, File};
use cairn_domain::offline::{self, Offline};
use cairn_domain::share::Share;
use cairn_domain::transfer::{Phase, Transfer};
use cairn_domain::upload::Upload;
use cairn_domain::{
    AccountId, Event, FileId, FolderId, OfflineId, Position, Sha1, Sha256, ShareId, Timestamp, TransferId, UploadId, codec, upload,
};

use super::{ContentHash, OpenUploadKey, Views, ViewsError};
use crate::ports::event_store::EventStore;

/// The twin: reads the whole log for every question, so it is never behind.
pub struct MemoryViews {
    log: Arc<dyn EventStore>,
}

/// The whole log, folded. Entries stand in the order of their making.
#[derive(Default)]
struct Everything {
    uploads: BTreeMap<UploadId, Upload>,
    files: BTreeMap<FileId, (Position, File)>,
    contents: Vec<(Sha1, Sha256)>,
    blobs: BTreeMap<Sha256, Blob>,
    transfers: BTreeMap<TransferId, (Timestamp, Transfer)>,
    shares: BTreeMap<ShareId, Share>,
    head: Position,
    /// In the order in which they were asked for, with the time when something was last heard of each.
    offline: Vec<(OfflineId, Timestamp, Offline)>,
}

impl MemoryViews {
    /// Views of this log.
    pub fn new(log: Arc<dyn EventStore>) -> Self {
        Self { log }
    }

    async fn everything(&self) -> Result<Everything, ViewsError> {
        let broken = |error: Box<dyn std::error::Error + Send + Sync>| ViewsError(error);
        let events = self.log.read_all(Position::START, usize::MAX).await.map_err(|error| broken(error.into()))?;
        let mut all = Everything::default();
        for stored in events {
            let id = stored.stream.id();
            all.head = stored.position;
            match codec::decode(&stored).map_err(|error| broken(error.into()))? {
                Event::Upload(event) => {
                    let upload = all.uploads.entry(id.parse().map_err(|_| broken("not an id".into()))?).or_default();
                    *upload = std::mem::take(upload).evolve(&event);
                }
                Event::File(event) => {
                    let id = id.parse().map_err(|_| broken("not an id".into()))?;
                    let (_, file) = all.files.entry(id).or_insert((stored.position, File::default()));
                    *file = std::mem::take(file).evolve(&event);
                }
                Event::Share(event) => {
                    let share = all.shares.entry(id.parse().map_err(|_| broken("not an id".into()))?).or_default();
                    *share = std::mem::take(share).evolve(&event);
                }
                Event::Blob(event) => {
                    let sha256 = id.parse().map_err(|_| broken("not a hash".into()))?;
                    if let BlobEvent::BlobStored(stored) = &event {
                        all.contents.push((stored.sha1, sha256));
                    }
                    let blob = all.blobs.entry(sha256).or_default();
                    *blob = std::mem::take(blob).evolve(&event);
                }
                Event::Transfer(event) => {
                    let id = id.parse().map_err(|_| broken("not an id".into()))?;
                    let (updated_at, transfer) = all.transfers.entry(id).or_default();
                    *updated_at = stored.time;
                    *transfer = std::mem::take(transfer).evolve(&event);
                }
                Event::Offline(event) => {
                    let id = id.parse().map_err(|_| broken("not an id".into()))?;
                    let place = all.offline.iter().position(|(known, ..)| *known == id).unwrap_or(all.offline.len());
                    if place == all.offline.len() {
                        all.offline.push((id, stored.time, Offline::default()));
                    }
                    let (_, heard_at, offline) = &mut all.offline[place];
                    *heard_at = stored.time;
                    *offline = std::mem::take(offline).evolve(&event);
                }
                _ => {}
            }
        }
        Ok(all)
    }
}

fn is_open(upload: &Upload) -> bool {
    upload.started().is_some_and(|started| started.offline.is_none()) && *upload.phase() == upload::Phase::Open
}

#[async_trait]
impl Views for MemoryViews {
    async fn reached(&self, _: Position) -> bool {
        true
    }

    async fn entry_with_content(&self, owner: AccountId, content: ContentHash) -> Result<Option<FileId>, ViewsError> {
        let all = self.everything().await?;
        let mine = all.files.iter().filter(|(_, (_, file))| {
            file.entry().is_some_and(|entry| {
                entry.added.owner == owner
                    && entry.added.version_of.is_none()
                    && match content {
                        ContentHash::Sha256(sha256) => entry.content().sha256 == sha256,
                        ContentHash::Sha1(sha1) => entry.content().sha1 == sha1,
                    }
            })
        });
        Ok(mine.max_by_key(|(_, (position, _))| *position).map(|(id, _)| *id))
    }

    async fn content_by_sha1(&self, sha1: Sha1) -> Result<Option<Sha256>, ViewsError> {
        let all = self.everything().await?;
        Ok(all.contents.iter().find(|(known, _)| *known == sha1).map(|(_, sha256)| *sha256))
    }

    async fn open_upload(&self, alike: &OpenUploadKey) -> Result<Option<UploadId>, ViewsError> {
        let all = self.everything().await?;
        let same = |upload: &&Upload| {
            is_open(upload)
                && upload.started().is_some_and(|started| {
                    started.owner == alike.owner
                        && started.name == alike.name
                        && started.size == alike.size
                        && started.expected_sha256 == alike.sha256
                        && started.expected_sha1 == alike.sha1
                        && started.folder == alike.folder
                })
        };
        Ok(all.uploads.iter().find(|(_, upload)| same(upload)).map(|(id, _)| *id))
    }

    async fn open_uploads(&self, owner: AccountId) -> Result<u64, ViewsError> {
        let all = self.everything().await?;
        let mine = |upload: &&Upload| is_open(upload) && upload.started().is_some_and(|started| started.owner == owner);
        Ok(all.uploads.values().filter(mine).count() as u64)
    }

    async fn overdue_uploads(&self, now: Timestamp, limit: u64) -> Result<Vec<UploadId>, ViewsError> {
        let all = self.everything().await?;
        let mut overdue: Vec<_> = all.uploads.iter().filter(|(_, upload)| is_open(upload) && upload.expires_at() <= now).collect();
        overdue.sort_by_key(|(_, upload)| upload.expires_at());
        Ok(overdue.into_iter().take(limit as usize).map(|(id, _)| *id).collect())
    }

    async fn silent_transfers(
        &self,
        phases: &[Phase],
        heard: RangeInclusive<Timestamp>,
        limit: u64,
    ) -> Result<Vec<(Timestamp, TransferId)>, ViewsError> {
        let all = self.everything().await?;
        let is_silent =
            |updated_at: &Timestamp, transfer: &Transfer| heard.contains(updated_at) && phases.contains(&transfer.phase());
        let silent = all.transfers.iter().filter(|(_, (updated_at, transfer))| is_silent(updated_at, transfer));
        let mut silent: Vec<_> = silent.map(|(id, (updated_at, _))| (*updated_at, *id)).collect();
        silent.sort_unstable();
        silent.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(silent)
    }

    async fn entries_in(
        &self,
        owner: AccountId,
        folder: FolderId,
        after: Option<Position>,
        limit: u64,
    ) -> Result<Vec<(FileId, Position)>, ViewsError> {
        let all = self.everything().await?;
        let stands_there = |(_, (position, file)): &(&FileId, &(Position, File))| {
            let entry = file.entry().filter(|entry| entry.added.owner == owner && entry.folder == Some(folder));
            entry.is_some() && after.is_none_or(|after| *position < after)
        };
        let mut entries: Vec<_> = all.files.iter().filter(stands_there).map(|(id, (position, _))| (*id, *position)).collect();
        entries.sort_by_key(|(_, position)| std::cmp::Reverse(*position));
        entries.truncate(limit as usize);
        Ok(entries)
    }

    async fn shares_of(&self, owner: AccountId) -> Result<u64, ViewsError> {
        let all = self.everything().await?;
        let stands = |share: &&Share| share.offered().is_some_and(|share| share.owner == owner && !share.revoked);
        Ok(all.shares.values().filter(stands).count() as u64)
    }

    async fn occupied(&self, owner: AccountId) -> Result<(u64, Position), ViewsError> {
        let all = self.everything().await?;
        let entries = all.files.values().filter_map(|(_, file)| file.entry()).filter(|entry| entry.added.owner == owner);
        Ok((entries.map(Entry::occupies).sum(), all.head))
    }

    async fn open_offline(&self, owner: AccountId) -> Result<u64, ViewsError> {
        let all = self.everything().await?;
        let mine = |offline: &Offline| offline.is_open() && offline.requested().is_some_and(|requested| requested.owner == owner);
        Ok(all.offline.iter().filter(|(.., offline)| mine(offline)).count() as u64)
    }

    async fn waiting_offline(&self, limit: u64) -> Result<Vec<(OfflineId, AccountId)>, ViewsError> {
        let all = self.everything().await?;
        let waiting = all.offline.iter().filter(|(.., offline)| *offline.phase() == offline::Phase::Queued);
        Ok(waiting.filter_map(|(id, _, offline)| owned(*id, offline)).take(limit as usize).collect())
    }

    async fn silent_offline(&self, since: Timestamp, limit: u64) -> Result<Vec<(OfflineId, AccountId)>, ViewsError> {
        let all = self.everything().await?;
        let is_silent = |heard_at: &Timestamp, offline: &Offline| *heard_at <= since && *offline.phase() == offline::Phase::Running;
        let silent = all.offline.iter().filter(|(_, heard_at, offline)| is_silent(heard_at, offline));
        let mut silent: Vec<_> = silent.filter_map(|(id, heard_at, offline)| Some((*heard_at, owned(*id, offline)?))).collect();
        silent.sort_unstable();
        Ok(silent.into_iter().map(|(_, owned)| owned).take(limit as usize).collect())
    }

    async fn contents(&self, after: Option<Sha256>, limit: u64) -> Result<Vec<Sha256>, ViewsError> {
        let all = self.everything().await?;
        let stored = all.blobs.iter().filter(|(sha256, blob)| blob.content().is_some() && Some(**sha256) > after);
        Ok(stored.map(|(sha256, _)| *sha256).take(limit as usize).collect())
    }
}

fn owned(id: OfflineId, offline: &Offline) -> Option<(OfflineId, AccountId)> {
    offline.requested().map(|requested| (id, requested.owner))
}
