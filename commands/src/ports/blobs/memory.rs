use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use cairn_domain::Sha256;
use futures_util::{StreamExt, stream};
use sha2::Digest;

use super::{BlobError, BlobStore, OpenLink};
use crate::ports::ByteStream;

/// The twin: whole contents in a map. [`MemoryStaging`](crate::ports::staging::MemoryStaging) fills it.
#[derive(Debug)]
pub struct MemoryBlobs {
    name: String,
    contents: Mutex<HashMap<Sha256, Bytes>>,
}

/// A small piece, so that readers meet streams of many pieces.
const PIECE_BYTES: usize = 16 * 1024;

impl MemoryBlobs {
    /// An empty store of that name.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), contents: Mutex::default() }
    }

    /// Puts a content in, by the way that only the twin has.
    pub fn put(&self, content: impl Into<Bytes>) -> Sha256 {
        let content = content.into();
        let sha256 = Sha256(sha2::Sha256::digest(&content).into());
        self.contents().insert(sha256, content);
        sha256
    }

    /// Takes a content out: what damage or another program would do.
    pub fn remove(&self, sha256: Sha256) -> Option<Bytes> {
        self.contents().remove(&sha256)
    }

    pub(in crate::ports) fn contents(&self) -> MutexGuard<'_, HashMap<Sha256, Bytes>> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryBlobs {
    /// An empty store under the name of the built-in one.
    fn default() -> Self {
        Self::new("local")
    }
}

#[async_trait]
impl BlobStore for MemoryBlobs {
    fn name(&self) -> &str {
        &self.name
    }

    async fn size(&self, sha256: Sha256) -> Result<Option<u64>, BlobError> {
        Ok(self.contents().get(&sha256).map(|content| content.len() as u64))
    }

    async fn read(&self, sha256: Sha256, offset: u64, length: u64) -> Result<ByteStream, BlobError> {
        let content = self.contents().get(&sha256).cloned().ok_or(BlobError::Absent(sha256))?;
        let end = offset.checked_add(length).filter(|end| *end <= content.len() as u64).ok_or(BlobError::OutOfRange)?;
        let range = content.slice(offset as usize..end as usize);
        let pieces = (0..range.len()).step_by(PIECE_BYTES).map(move |at| Ok(range.slice(at..range.len().min(at + PIECE_BYTES))));
        Ok(stream::iter(pieces).boxed())
    }

    async fn link(&self, _: Sha256, _: &OpenLink) -> Result<Option<String>, BlobError> {
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
