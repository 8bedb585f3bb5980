//! The end of an upload: it becomes a blob.

use std::sync::Arc;

use cairn_commands::ports::staging::StagingError;
use cairn_domain::blob::BlobKey;
use cairn_domain::{Sha256, UploadId};

use super::super::bucket::Head;
use super::super::keys;
use super::super::trouble::Trouble;
use super::Area;
use super::assemble::{Source, assemble};
use super::receive::Received;
use super::seal::Sealed;
use super::upload::Upload;

/// How often it is looked again, because another process does the same at once.
const LOOKS: usize = 3;

/// Bytes that may become a blob.
struct Staged {
    key: String,
    size: u64,
    /// The keys of everything of the upload; none when there may be more.
    all: Option<Vec<String>>,
}

impl Area {
    /// May be repeated after a crash at any moment in it, and be done by several at once: the copy comes as a whole, in the place of one
    /// that may be damaged, and what is staged goes after it. Whoever finds nothing staged any more, or only a part of it, finds the copy.
    pub(super) async fn promote(self: &Arc<Self>, upload: UploadId, key: BlobKey) -> Result<(), StagingError> {
        for _ in 0..LOOKS {
            let staged = self.staged(upload, key.sha256).await.map_err(|trouble| trouble.of(upload))?;
            let Some(staged) = staged else {
                let there = self.bucket.head(&keys::blob(key)).await.map_err(|trouble| trouble.of(upload))?;
                return there.map(drop).ok_or(StagingError::Absent(upload));
            };
            match self.copy_to_blobs(upload, key, &staged).await {
                // What is staged goes after it was copied, so whoever was cut off while it went has copied it.
                Err(StagingError::Absent(_)) if !self.is_copied(upload, key, &staged).await? => {
                    self.received.invalidate(&(upload, key.sha256));
                    if let Some(here) = self.uploads.get(&upload) {
                        here.state().sealed = None;
                    }
                }
                Ok(()) | Err(StagingError::Absent(_)) => return self.clear(upload, key.sha256, staged).await,
                Err(error) => return Err(error),
            }
        }
        Err(StagingError::Absent(upload))
    }

    async fn is_copied(&self, upload: UploadId, key: BlobKey, staged: &Staged) -> Result<bool, StagingError> {
        let head = self.bucket.head(&keys::blob(key)).await.map_err(|trouble| trouble.of(upload))?;
        Ok(head.is_some_and(|head| head.size == staged.size))
    }

    async fn staged(&self, upload: UploadId, sha256: Sha256) -> Result<Option<Staged>, Trouble> {
        if let Some(Received { key, size }) = self.received.get(&(upload, sha256)) {
            let all = self.written.get(&upload).map(|written| written.into_iter().collect());
            return Ok(Some(Staged { key, size, all }));
        }
        if let Some(here) = self.uploads.get(&upload)
            && let Some(staged) = here.staged(sha256)
        {
            return Ok(Some(staged));
        }
        let names = self.bucket.list(&keys::whole(upload, sha256)).await?;
        for key in names.iter().map(|name| keys::bytes_of(upload, name)) {
            if let Some(Head { size, .. }) = self.bucket.head(&key).await? {
                return Ok(Some(Staged { key, size, all: None }));
            }
        }
        let sealed: Option<Sealed> = match self.note(upload, &keys::sealed(upload)).await {
            Ok(sealed) => sealed,
            Err(error) => return Err(Trouble::Unavailable(error.into())),
        };
        let sealed = sealed.filter(|sealed| sealed.sha256 == sha256);
        Ok(sealed.map(|Sealed { key, size, .. }| Staged { key, size, all: None }))
    }

    /// Within the store. What is there in the end has the right size, and the right CRC where the store tells it.
    async fn copy_to_blobs(&self, upload: UploadId, copy: BlobKey, staged: &Staged) -> Result<(), StagingError> {
        let Staged { key, size, .. } = staged;
        let blob = keys::blob(copy);
        if *size <= self.bucket.flavor.copy_bytes_max() {
            self.bucket.copy(key, &blob, *size).await.map_err(|trouble| trouble.of(upload))?;
        } else {
            let whole = Source { key: key.clone(), at: 0, length: *size };
            assemble(&self.bucket, upload, &blob, &[whole]).await?;
        }
        let copied = self.bucket.head(&blob).await.map_err(|trouble| trouble.of(upload))?;
        let expected = match copied.and_then(|copied| copied.crc) {
            Some(_) => self.bucket.head(key).await.map_err(|trouble| trouble.of(upload))?.ok_or(StagingError::Absent(upload))?,
            None => Head { size: *size, crc: None },
        };
        if copied == Some(expected) {
            return Ok(());
        }
        Err(StagingError::Unavailable("the copy is not what was copied".into()))
    }

    async fn clear(self: &Arc<Self>, upload: UploadId, sha256: Sha256, staged: Staged) -> Result<(), StagingError> {
        let gone = match staged.all {
            Some(all) => self.remove_these(upload, all).await,
            None => self.remove(upload).await,
        };
        gone.map_err(|trouble| trouble.of(upload))?;
        // Who has to do it again still knows what there is.
        self.received.invalidate(&(upload, sha256));
        self.written.invalidate(&upload);
        Ok(())
    }

    /// All at once, in any order: the copy is there, so nobody needs what tells that something was staged.
    async fn remove_these(self: &Arc<Self>, upload: UploadId, all: Vec<String>) -> Result<(), Trouble> {
        self.bucket.delete_all(all).await?;
        let Some(here) = self.uploads.remove(&upload) else { return Ok(()) };
        here.closed.cancel();
        // Other processes may have put parts aside of which this one knows nothing. Nobody waits for it: what is listed is looked after.
        let area = self.clone();
        tokio::spawn(async move {
            if let Err(error) = area.remove(upload).await {
                tracing::debug!(%error, %upload, "what others may have left of an upload can't be looked for just now");
            }
        });
        Ok(())
    }
}

impl Upload {
    /// What this process has sealed last, if it is that content.
    fn staged(&self, sha256: Sha256) -> Option<Staged> {
        let (id, state) = (self.id, self.state());
        let Sealed { key, size, .. } = state.sealed.clone().filter(|sealed| sealed.sha256 == sha256)?;
        let is_all = state.alone && !state.damaged && !state.aside && key == keys::data(id);
        let all = is_all
            .then(|| vec![keys::plan(id), keys::closed(id), keys::layout(id, 0), keys::last(id), key.clone(), keys::sealed(id)]);
        Some(Staged { key, size, all })
    }
}
