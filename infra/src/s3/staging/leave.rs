//! Uploads go, and what nobody remembers goes with time.

use std::collections::BTreeSet;
use std::time::Duration;

use cairn_commands::ports::clock::Clock;
use cairn_commands::ports::staging::StagingError;
use cairn_domain::UploadId;

use super::super::keys;
use super::super::trouble::Trouble;
use super::Area;
use crate::clock::SystemClock;

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
        self.bucket.delete_all(last).await?;
        self.written.invalidate(&upload);
        Ok(())
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

    async fn sweep(&self, uploads: &BTreeSet<UploadId>) -> Result<(), Trouble> {
        let is_named = |key: &str| keys::upload_of(key).is_some_and(|upload| uploads.contains(&upload));
        self.bucket.sweep(keys::STAGING, is_named).await?;
        self.bucket.sweep(keys::BLOBS, is_named).await
    }
}
