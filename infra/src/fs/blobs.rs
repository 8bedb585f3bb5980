//! Whole contents, one file each.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use cairn_commands::ports::ByteStream;
use cairn_commands::ports::blobs::{BlobError, BlobStore, OpenLink};
use cairn_domain::Sha256;
use rustix::fs::Advice;

use super::places;

mod buffers;
mod reader;

use buffers::Buffers;

/// The built-in blob store, below the data directory; [`FsStaging`](super::FsStaging) fills it.
///
/// Memory in use: two pieces of 256 KiB for each read that is going on, and a few spare ones.
#[derive(Debug, Clone)]
pub struct FsBlobs {
    root: Arc<PathBuf>,
    buffers: Arc<Buffers>,
}

impl FsBlobs {
    /// The blobs of this data directory. What is not there yet is made by
    /// [`FsStaging::open_dir`](super::FsStaging::open_dir); until then the store is empty.
    pub fn open_dir(data: &Path) -> Self {
        Self { root: Arc::new(data.join("blobs")), buffers: Arc::default() }
    }

    async fn on_file<T: Send + 'static>(
        &self,
        sha256: Sha256,
        work: impl FnOnce(File) -> Result<T, BlobError> + Send + 'static,
    ) -> Result<T, BlobError> {
        let root = self.root.clone();
        let work = move || match places::open(&root, sha256) {
            Ok(file) => work(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(BlobError::Absent(sha256)),
            Err(error) => Err(unavailable(error)),
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| BlobError::Unavailable(error.into()))?
    }
}

#[async_trait]
impl BlobStore for FsBlobs {
    fn name(&self) -> &'static str {
        "local"
    }

    async fn size(&self, sha256: Sha256) -> Result<Option<u64>, BlobError> {
        let size = self.on_file(sha256, |file| file.metadata().map(|metadata| metadata.len()).map_err(unavailable)).await;
        match size {
            Ok(size) => Ok(Some(size)),
            Err(BlobError::Absent(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A range of up to 256 KiB is read before this returns; of a larger one the first piece is.
    async fn read(&self, sha256: Sha256, offset: u64, length: u64) -> Result<ByteStream, BlobError> {
        let buffers = self.buffers.clone();
        let begin = move |file: File| {
            let size = file.metadata().map_err(unavailable)?.len();
            let end = offset.checked_add(length).filter(|end| *end <= size).ok_or(BlobError::OutOfRange)?;
            if length > reader::PIECE_BYTES as u64 {
                // A hint only: twice the read-ahead for what is not in memory.
                rustix::fs::fadvise(&file, offset, std::num::NonZeroU64::new(length), Advice::Sequential).ok();
            }
            reader::Reader::begin(file, buffers, offset, end).map_err(unavailable)
        };
        Ok(self.on_file(sha256, begin).await?.into_stream())
    }

    /// A file has no address.
    async fn link(&self, _: Sha256, _: &OpenLink) -> Result<Option<String>, BlobError> {
        Ok(None)
    }

    async fn reachable(&self) -> Result<(), BlobError> {
        self.size(Sha256([0; 32])).await.map(|_| ())
    }
}

fn unavailable(error: io::Error) -> BlobError {
    BlobError::Unavailable(error.into())
}
