//! Whole contents, by the names of their copies.

use std::sync::Arc;

use async_trait::async_trait;
use cairn_commands::ports::ByteStream;
use cairn_commands::ports::blobs::{BlobError, BlobStore, OpenLink, Opened, Revision};
use cairn_commands::ports::tasks::StoreKind;
use cairn_domain::blob::BlobKey;
use futures_util::{StreamExt, stream};

use super::Flavor;
use super::bucket::Bucket;
use super::connect::S3Store;
use super::keys;
use super::sweep::Swept;
use super::trouble::Trouble;

mod write;

/// The blobs of a bucket.
///
/// Memory in use for a copy that is written: up to 16 MiB of a small one; of others the parts that are on their way, at most 64 MiB
/// together or a single one, the one that fills, and the one that is hashed.
#[derive(Clone)]
pub struct S3Blobs {
    name: Arc<str>,
    bucket: Arc<Bucket>,
    swept: Arc<Swept>,
}

impl S3Blobs {
    pub(super) fn new(name: &str, bucket: Arc<Bucket>) -> Self {
        Self { name: name.into(), bucket, swept: Arc::default() }
    }

    /// Nothing is read, but the range must be true all the same.
    async fn read_nothing(&self, key: BlobKey, offset: u64) -> Result<Opened, BlobError> {
        match self.size(key).await? {
            None => Err(BlobError::Absent(key)),
            Some(size) if offset > size => Err(BlobError::OutOfRange),
            Some(_) => Ok(Opened { bytes: stream::empty().boxed(), revision: None }),
        }
    }

    /// What a crash has left of copies goes with time, also in a bucket that has no staging area to look for it.
    async fn sweep_if_due(&self) {
        if self.swept.is_due()
            && let Err(error) = self.bucket.sweep(keys::BLOBS, |_| false).await
        {
            tracing::warn!(%error, store = %self.name, "parts that nobody names any more could not be looked for");
        }
    }
}

#[async_trait]
impl BlobStore for S3Blobs {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> StoreKind {
        match self.bucket.flavor {
            Flavor::Ceph => StoreKind::Ceph,
            Flavor::S3 | Flavor::Oss => StoreKind::Oss,
        }
    }

    fn address(&self, key: BlobKey) -> String {
        self.bucket.key(&keys::blob(key))
    }

    async fn size(&self, key: BlobKey) -> Result<Option<u64>, BlobError> {
        let head = self.bucket.head(&keys::blob(key)).await.map_err(|trouble| explain(trouble, key))?;
        Ok(head.map(|head| head.size))
    }

    async fn read(&self, key: BlobKey, offset: u64, length: u64) -> Result<Opened, BlobError> {
        if length == 0 {
            return self.read_nothing(key, offset).await;
        }
        let download = self.bucket.read(&keys::blob(key), offset, length).await.map_err(|trouble| explain(trouble, key))?;
        let revision = download.etag().map(|etag| Revision(etag.to_owned()));
        Ok(Opened { bytes: download.into_stream(), revision })
    }

    async fn write(&self, key: BlobKey, size: u64, body: ByteStream) -> Result<(), BlobError> {
        self.sweep_if_due().await;
        Box::pin(write::write(&self.bucket, key, size, body)).await
    }

    async fn tidy(&self, key: BlobKey, size: u64) -> Result<(), BlobError> {
        write::tidy(&self.bucket, key, size).await
    }

    async fn remove(&self, key: BlobKey) -> Result<(), BlobError> {
        self.bucket.delete(&keys::blob(key)).await.map_err(|trouble| explain(trouble, key))
    }

    /// In the order of their names.
    async fn list(&self, after: Option<BlobKey>, limit: usize) -> Result<Vec<BlobKey>, BlobError> {
        let unknown = |trouble: Trouble| BlobError::Unavailable(trouble.into());
        let mut after = after.map(keys::blob);
        let mut listed = Vec::new();
        while listed.len() < limit {
            let names = self.bucket.list_after(keys::BLOBS, after.as_deref(), limit - listed.len()).await.map_err(unknown)?;
            let Some(last) = names.last() else { break };
            after = Some(last.clone());
            listed.extend(names.iter().filter_map(|name| keys::key_of(name)));
        }
        Ok(listed)
    }

    async fn link(&self, key: BlobKey, wish: &OpenLink) -> Result<Option<String>, BlobError> {
        if self.bucket.links.is_none() || self.size(key).await?.is_none() {
            return Ok(None);
        }
        let store = S3Store(self.bucket.clone());
        let link = store.presign_get(key, wish.seconds, Some(&wish.disposition), Some(&wish.content_type)).await;
        link.map(Some).map_err(BlobError::Unavailable)
    }

    async fn reachable(&self) -> Result<(), BlobError> {
        self.bucket.head_bucket().await.map_err(|trouble| BlobError::Unavailable(trouble.into()))
    }
}

fn explain(trouble: Trouble, key: BlobKey) -> BlobError {
    match trouble {
        Trouble::Absent => BlobError::Absent(key),
        Trouble::OutOfRange => BlobError::OutOfRange,
        Trouble::Full => BlobError::Full,
        Trouble::Unavailable(source) => BlobError::Unavailable(source),
        Trouble::Exists | Trouble::OtherParts => BlobError::Unavailable(trouble.into()),
    }
}
