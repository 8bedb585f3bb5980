use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use cairn_domain::blob::BlobKey;
use cairn_domain::upload::Part;
use cairn_domain::{Sha1, Sha256, UploadId};
use futures_util::StreamExt;
use sha2::Digest;
use tokio::time::Instant;

use super::{Staging, StagingError, Whole};
use crate::ports::ByteStream;
use crate::ports::blobs::MemoryBlobs;

/// The twin: bytes in a map, on top of a [`MemoryBlobs`].
#[derive(Debug)]
pub struct MemoryStaging {
    blobs: Arc<MemoryBlobs>,
    uploads: Mutex<HashMap<UploadId, Staged>>,
    room: Mutex<u64>,
}

#[derive(Debug)]
struct Staged {
    touched: Instant,
    /// Room made for parts, in bytes; none for a file that came whole.
    opened: Option<u64>,
    /// Every part ever written, so that whichever the log names is found.
    parts: HashMap<(u64, Sha256), Bytes>,
    /// Received or sealed.
    wholes: HashMap<Sha256, Bytes>,
}

impl Default for Staged {
    fn default() -> Self {
        Self { touched: Instant::now(), opened: None, parts: HashMap::new(), wholes: HashMap::new() }
    }
}

impl MemoryStaging {
    /// Nothing staged, unlimited room.
    pub fn new(blobs: Arc<MemoryBlobs>) -> Self {
        Self { blobs, uploads: Mutex::default(), room: Mutex::new(u64::MAX) }
    }

    /// From now on no single file may be larger: what a full disk does.
    pub fn limit_room(&self, bytes: u64) {
        *self.room.lock().unwrap_or_else(PoisonError::into_inner) = bytes;
    }

    fn uploads(&self) -> MutexGuard<'_, HashMap<UploadId, Staged>> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_room(&self, bytes: u64) -> Result<(), StagingError> {
        let room = *self.room.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes > room { Err(StagingError::Full) } else { Ok(()) }
    }
}

#[async_trait]
impl Staging for MemoryStaging {
    async fn open(&self, upload: UploadId, size: u64) -> Result<(), StagingError> {
        self.check_room(size)?;
        self.uploads().entry(upload).or_default().opened = Some(size);
        Ok(())
    }

    async fn receive(&self, upload: UploadId, body: ByteStream, bytes_max: u64) -> Result<Whole, StagingError> {
        let content = collect(body, bytes_max).await?;
        self.check_room(content.len() as u64)?;
        let whole = digest(&content);
        self.uploads().entry(upload).or_default().wholes.insert(whole.sha256, content);
        Ok(whole)
    }

    async fn write_part(
        &self,
        upload: UploadId,
        part: Part,
        body: ByteStream,
        expected: Option<Sha256>,
        _taken: Option<Sha256>,
    ) -> Result<Sha256, StagingError> {
        self.uploads().get(&upload).and_then(|staged| staged.opened).ok_or(StagingError::Absent(upload))?;
        let content = collect(body, part.length).await?;
        let actual = content.len() as u64;
        if actual < part.length {
            return Err(StagingError::TooShort { expected: part.length, actual });
        }
        self.check_room(actual)?;
        let sha256 = digest(&content).sha256;
        if expected.is_some_and(|expected| expected != sha256) {
            return Err(StagingError::DigestMismatch { actual: sha256 });
        }
        let mut uploads = self.uploads();
        let staged = uploads.get_mut(&upload).ok_or(StagingError::Absent(upload))?;
        staged.parts.insert((part.offset, sha256), content);
        staged.touched = Instant::now();
        Ok(sha256)
    }

    async fn seal(&self, upload: UploadId, parts: &[(Part, Sha256)]) -> Result<Whole, StagingError> {
        let mut uploads = self.uploads();
        let staged = uploads.get_mut(&upload).filter(|staged| staged.opened.is_some()).ok_or(StagingError::Absent(upload))?;
        let mut content = BytesMut::new();
        for (part, sha256) in parts {
            let bytes = staged.parts.get(&(part.offset, *sha256)).ok_or(StagingError::Damaged { upload })?;
            content.extend_from_slice(bytes);
        }
        if staged.opened != Some(content.len() as u64) {
            return Err(StagingError::Damaged { upload });
        }
        let content = content.freeze();
        let whole = digest(&content);
        staged.wholes.insert(whole.sha256, content);
        Ok(whole)
    }

    async fn promote(&self, upload: UploadId, key: BlobKey) -> Result<(), StagingError> {
        let mut uploads = self.uploads();
        if let Some(content) = uploads.get_mut(&upload).and_then(|staged| staged.wholes.remove(&key.sha256)) {
            uploads.remove(&upload);
            self.blobs.contents().insert(key, content);
            return Ok(());
        }
        let there = self.blobs.contents().contains_key(&key);
        if there { Ok(()) } else { Err(StagingError::Absent(upload)) }
    }

    async fn discard(&self, upload: UploadId) -> Result<(), StagingError> {
        self.uploads().remove(&upload);
        Ok(())
    }

    async fn holds(&self, upload: UploadId) -> Result<bool, StagingError> {
        Ok(self.uploads().contains_key(&upload))
    }

    async fn list(&self, quiet: Duration) -> Result<Vec<UploadId>, StagingError> {
        let uploads = self.uploads();
        let quiet = uploads.iter().filter(|(_, staged)| staged.touched.elapsed() >= quiet);
        Ok(quiet.map(|(upload, _)| *upload).collect())
    }

    async fn reachable(&self) -> Result<(), StagingError> {
        Ok(())
    }
}

async fn collect(mut body: ByteStream, bytes_max: u64) -> Result<Bytes, StagingError> {
    let mut content = BytesMut::new();
    while let Some(piece) = body.next().await {
        content.extend_from_slice(&piece.map_err(StagingError::Body)?);
        if content.len() as u64 > bytes_max {
            return Err(StagingError::TooLong { limit: bytes_max });
        }
    }
    Ok(content.freeze())
}

fn digest(content: &[u8]) -> Whole {
    let sha256 = Sha256(sha2::Sha256::digest(content).into());
    let sha1 = Sha1(sha1::Sha1::digest(content).into());
    Whole { size: content.len() as u64, sha256, sha1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::staging::contract;

    #[tokio::test]
    async fn the_twin_passes_the_contract() {
        let blobs = Arc::new(MemoryBlobs::default());
        let staging = MemoryStaging::new(blobs.clone());
        contract::suite(&staging, &*blobs, "twin").await;
    }
}
