//! Uploads go, and what nobody remembers goes with time.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use cairn_commands::ports::clock::Clock;
use cairn_commands::ports::staging::StagingError;
use cairn_domain::UploadId;

use super::super::keys;
use super::super::trouble::Trouble;
use super::Area;
use crate::clock::SystemClock;

/// How often one looks for parts that nobody names any more.
const SWEPT_EVERY: Duration = Duration::from_hours(1);

/// What began so long ago and is named by nobody was left behind by a crash, in seconds. A file that comes in one piece has no name until its
/// end, and a slow sender may take days.
const FORGOTTEN_AFTER_SECONDS: i64 = 7 * 24 * 60 * 60;

/// When it was looked last.
#[derive(Default)]
pub(super) struct Swept(Mutex<Option<Instant>>);

impl Swept {
    fn is_due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| last.elapsed() > SWEPT_EVERY);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }
}

impl Area {
    pub(super) async fn discard(&self, upload: UploadId) -> Result<(), StagingError> {
        self.remove(upload).await.map_err(|trouble| trouble.of(upload))
    }

    /// Removes everything of an upload: first what lets others write to it, last what tells that it was sealed or received, so that
    /// whoever goes on after a crash knows what to do.
    pub(super) async fn remove(&self, upload: UploadId) -> Result<(), Trouble> {
        if let Some(there) = self.uploads.remove(&upload) {
            there.closed.cancel();
        }
        self.bucket.delete(&keys::plan(upload)).await?;
        for (joining, _) in self.bucket.begun(&keys::folder(upload)).await? {
            self.bucket.abort(&joining).await?;
        }
        let is_last = |key: &String| *key == keys::sealed(upload) || key.starts_with(&keys::wholes(upload));
        let (last, first): (Vec<_>, Vec<_>) = self.bucket.list(&keys::folder(upload)).await?.into_iter().partition(is_last);
        for key in &last {
            if let Some(sha256) = key.strip_prefix(&keys::wholes(upload)).and_then(|name| name.split('.').next()?.parse().ok()) {
                self.received.invalidate(&(upload, sha256));
            }
        }
        self.bucket.delete_all(first).await?;
        self.bucket.delete_all(last).await
    }

    /// Every upload that has objects, the youngest of which is not younger than that. Files that are still coming in have none. Of an
    /// upload in parts only what was opened, put aside or sealed counts: which parts have come, only the store knows, and whether it is
    /// still open, only the log.
    pub(super) async fn list(&self, quiet: Duration) -> Result<Vec<UploadId>, StagingError> {
        let unknown = |trouble: Trouble| StagingError::Unavailable(trouble.into());
        let folders = self.bucket.folders(keys::STAGING).await.map_err(unknown)?;
        let mut uploads: BTreeSet<_> = folders.iter().filter_map(|folder| keys::upload_of(folder)).collect();
        if self.swept.is_due()
            && let Err(error) = self.sweep(&uploads).await
        {
            tracing::warn!(%error, "parts that nobody names any more could not be looked for");
        }
        if !quiet.is_zero() {
            let now = SystemClock.now().seconds();
            let seconds = i64::try_from(quiet.as_secs()).unwrap_or(i64::MAX);
            let objects = self.bucket.list_dated(keys::STAGING).await.map_err(unknown)?;
            for (key, _) in objects.iter().filter(|(_, written)| now.saturating_sub(*written) < seconds) {
                if let Some(upload) = keys::upload_of(key) {
                    uploads.remove(&upload);
                }
            }
        }
        Ok(uploads.into_iter().collect())
    }

    /// Parts are paid for until they are joined or given up. A process that dies gives up nothing. The bucket may hold what belongs to
    /// others.
    async fn sweep(&self, uploads: &BTreeSet<UploadId>) -> Result<(), Trouble> {
        let now = SystemClock.now().seconds();
        for below in [keys::STAGING, keys::BLOBS] {
            for (joining, since) in self.bucket.begun(below).await? {
                let is_named = keys::upload_of(&joining.key).is_some_and(|upload| uploads.contains(&upload));
                if !is_named && now.saturating_sub(since) > FORGOTTEN_AFTER_SECONDS {
                    tracing::info!(key = joining.key, "parts that nobody names any more are given up");
                    self.bucket.abort(&joining).await?;
                }
            }
        }
        Ok(())
    }
}
