use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use cairn_domain::Sha256;
use cairn_domain::blob::BlobKey;
use futures_util::{StreamExt, stream};
use sha2::Digest;

use super::{BlobError, BlobStore, OpenLink, Opened, Revision};
use crate::ports::ByteStream;
use crate::ports::tasks::StoreKind;

/// The twin: whole contents in a map. [`MemoryStaging`](crate::ports::staging::MemoryStaging) fills it.
#[derive(Debug)]
pub struct MemoryBlobs {
    name: String,
    contents: Mutex<BTreeMap<BlobKey, Bytes>>,
    /// How often something was put in the place of a copy.
    replaced: AtomicU64,
    /// How many of the next reads give something else.
    spoilt: AtomicU64,
}

/// A small piece, so that readers meet streams of many pieces.
const PIECE_BYTES: usize = 16 * 1024;

impl MemoryBlobs {
    /// An empty store of that name.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), contents: Mutex::default(), replaced: AtomicU64::default(), spoilt: AtomicU64::default() }
    }

    /// Puts a content in, by the way that only the twin has.
    pub fn put(&self, content: impl Into<Bytes>) -> Sha256 {
        let content = content.into();
        let sha256 = digest(&content);
        self.contents().insert(BlobKey::first(sha256), content);
        sha256
    }

    /// Takes a copy out, or puts something else in its place: what another program would do.
    pub fn damage(&self, key: BlobKey, instead: Option<Bytes>) {
        self.replaced.fetch_add(1, Ordering::SeqCst);
        self.rot(key, instead);
    }

    /// The same, unnoticed: what a disk does.
    pub fn rot(&self, key: BlobKey, instead: Option<Bytes>) {
        match instead {
            Some(bytes) => self.contents().insert(key, bytes),
            None => self.contents().remove(&key),
        };
    }

    /// The first byte of so many reads is wrong, and the copies are not: what a wire does.
    pub fn spoil_reads(&self, count: u64) {
        self.spoilt.store(count, Ordering::SeqCst);
    }

    fn is_spoilt(&self) -> bool {
        self.spoilt.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }

    pub(in crate::ports) fn contents(&self) -> MutexGuard<'_, BTreeMap<BlobKey, Bytes>> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryBlobs {
    /// An empty store under the name of the built-in one.
    fn default() -> Self {
        Self::new("local")
    }
}

fn digest(content: &[u8]) -> Sha256 {
    Sha256(sha2::Sha256::digest(content).into())
}

#[async_trait]
impl BlobStore for MemoryBlobs {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> StoreKind {
        if self.name == "local" { StoreKind::Local } else { StoreKind::Oss }
    }

    fn address(&self, key: BlobKey) -> String {
        format!("{}/{key}", self.name)
    }

    async fn size(&self, key: BlobKey) -> Result<Option<u64>, BlobError> {
        Ok(self.contents().get(&key).map(|content| content.len() as u64))
    }

    async fn read(&self, key: BlobKey, offset: u64, length: u64) -> Result<Opened, BlobError> {
        let content = self.contents().get(&key).cloned().ok_or(BlobError::Absent(key))?;
        let end = offset.checked_add(length).filter(|end| *end <= content.len() as u64).ok_or(BlobError::OutOfRange)?;
        let mut range = content.slice(offset as usize..end as usize);
        if !range.is_empty() && self.is_spoilt() {
            let mut bytes = BytesMut::from(range);
            bytes[0] ^= 1;
            range = bytes.freeze();
        }
        let pieces = (0..range.len()).step_by(PIECE_BYTES).map(move |at| Ok(range.slice(at..range.len().min(at + PIECE_BYTES))));
        let revision = Some(Revision(self.replaced.load(Ordering::SeqCst).to_string()));
        Ok(Opened { bytes: stream::iter(pieces).boxed(), revision })
    }

    async fn write(&self, key: BlobKey, size: u64, mut body: ByteStream) -> Result<(), BlobError> {
        let mut content = BytesMut::new();
        while let Some(piece) = body.next().await {
            content.extend_from_slice(&piece.map_err(BlobError::Body)?);
        }
        if content.len() as u64 != size || digest(&content) != key.sha256 {
            return Err(BlobError::NotTheContent(key));
        }
        self.damage(key, Some(content.freeze()));
        Ok(())
    }

    async fn remove(&self, key: BlobKey) -> Result<(), BlobError> {
        self.contents().remove(&key);
        Ok(())
    }

    async fn list(&self, after: Option<BlobKey>, limit: usize) -> Result<Vec<BlobKey>, BlobError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(self.contents().range((from, Bound::Unbounded)).map(|(key, _)| *key).take(limit).collect())
    }

    async fn link(&self, _: BlobKey, _: &OpenLink) -> Result<Option<String>, BlobError> {
        Ok(None)
    }

    async fn reachable(&self) -> Result<(), BlobError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::blobs::contract;

    #[tokio::test]
    async fn the_twin_passes_the_contract() {
        let blobs = MemoryBlobs::default();
        blobs.put(contract::content());
        blobs.put(Bytes::new());
        contract::suite(&blobs).await;
    }
}
