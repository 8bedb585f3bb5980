//! Whole contents, by their hash.

use std::sync::Arc;

use async_trait::async_trait;
use cairn_commands::ports::ByteStream;
use cairn_commands::ports::blobs::{BlobError, BlobStore, OpenLink};
use cairn_domain::Sha256;
use futures_util::{StreamExt, stream};

use super::bucket::Bucket;
use super::connect::S3Store;
use super::keys;
use super::trouble::Trouble;

/// The blobs of a bucket.
#[derive(Clone)]
pub struct S3Blobs {
    name: Arc<str>,
    bucket: Arc<Bucket>,
}

impl S3Blobs {
    pub(super) fn new(name: &str, bucket: Arc<Bucket>) -> Self {
        Self { name: name.into(), bucket }
    }

    /// Nothing is read, but the range must be true all the same.
    async fn read_nothing(&self, sha256: Sha256, offset: u64) -> Result<ByteStream, BlobError> {
        match self.size(sha256).await? {
            None => Err(BlobError::Absent(sha256)),
            Some(size) if offset > size => Err(BlobError::OutOfRange),
            Some(_) => Ok(stream::empty().boxed()),
        }
    }
}

#[async_trait]
impl BlobStore for S3Blobs {
    fn name(&self) -> &str {
        &self.name
    }

    async fn size(&self, sha256: Sha256) -> Result<Option<u64>, BlobError> {
        let head = self.bucket.head(&keys::blob(sha256)).await.map_err(|trouble| explain(trouble, sha256))?;
        Ok(head.map(|head| head.size))
    }

    async fn read(&self, sha256: Sha256, offset: u64, length: u64) -> Result<ByteStream, BlobError> {
        if length == 0 {
            return self.read_nothing(sha256, offset).await;
        }
        let download = self.bucket.read(&keys::blob(sha256), offset, length).await.map_err(|trouble| explain(trouble, sha256))?;
        Ok(download.into_stream())
    }

    async fn link(&self, sha256: Sha256, wish: &OpenLink) -> Result<Option<String>, BlobError> {
        if self.bucket.links.is_none() || self.size(sha256).await?.is_none() {
            return Ok(None);
        }
        let store = S3Store(self.bucket.clone());
        let link = store.presign_get(sha256, wish.seconds, Some(&wish.disposition), Some(&wish.content_type)).await;
        link.map(Some).map_err(BlobError::Unavailable)
    }

    async fn reachable(&self) -> Result<(), BlobError> {
        self.bucket.head_bucket().await.map_err(|trouble| BlobError::Unavailable(trouble.into()))
    }
}

fn explain(trouble: Trouble, sha256: Sha256) -> BlobError {
    match trouble {
        Trouble::Absent => BlobError::Absent(sha256),
        Trouble::OutOfRange => BlobError::OutOfRange,
        Trouble::Unavailable(source) => BlobError::Unavailable(source),
        Trouble::Exists | Trouble::Full => BlobError::Unavailable(trouble.into()),
    }
}
