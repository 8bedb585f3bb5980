//! Whole contents, one file for each copy.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use cairn_commands::ports::ByteStream;
use cairn_commands::ports::blobs::{BlobError, BlobStore, OpenLink, Opened, Revision};
use cairn_commands::ports::tasks::StoreKind;
use cairn_domain::Sha256;
use cairn_domain::blob::BlobKey;
use rustix::fs::Advice;

use super::durable::{remove_file, sync_directory};
use super::places;
use super::pour::pour;

mod buffers;
mod list;
mod reader;
mod write;

use buffers::Buffers;
use write::{CopySink, Digest};

/// The built-in blob store, below the data directory. Uploads come by way of [`FsStaging`](super::FsStaging).
///
/// Memory in use: two pieces of 256 KiB for each read that is going on, two batches of at most 320 KiB for each write, and a few spare
/// ones.
#[derive(Debug, Clone)]
pub struct FsBlobs {
    root: Arc<PathBuf>,
    staging: Arc<PathBuf>,
    buffers: Arc<Buffers>,
    /// Whether the directories were there once.
    made: Arc<AtomicBool>,
}

impl FsBlobs {
    /// The blobs of this data directory. What is not there yet is made by
    /// [`FsStaging::open_dir`](super::FsStaging::open_dir); until then the store is empty, and nothing can be written to it.
    pub fn open_dir(data: &Path) -> Self {
        // Other programs are told where copies lie. Without a working directory there is nothing that it could be below.
        let data = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
        let root = data.join("blobs");
        let made = Arc::new(AtomicBool::new(places::directory(&root, BlobKey::first(Sha256([0; 32]))).is_dir()));
        Self { root: Arc::new(root), staging: Arc::new(data.join("staging")), buffers: Arc::default(), made }
    }

    async fn on_file<T: Send + 'static>(
        &self,
        key: BlobKey,
        work: impl FnOnce(File) -> Result<T, BlobError> + Send + 'static,
    ) -> Result<T, BlobError> {
        let made = self.made.clone();
        self.on_disk(move |root| match places::open(root, key) {
            Ok(file) => work(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                is_still_there(&made, &places::directory(root, key))?;
                Err(BlobError::Absent(key))
            }
            Err(error) => Err(unavailable(error)),
        })
        .await
    }

    /// Runs what may block, on the directory of the blobs.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> Result<T, BlobError> + Send + 'static,
    ) -> Result<T, BlobError> {
        let root = self.root.clone();
        tokio::task::spawn_blocking(move || work(&root)).await.map_err(|error| BlobError::Unavailable(error.into()))?
    }
}

#[async_trait]
impl BlobStore for FsBlobs {
    fn name(&self) -> &'static str {
        "local"
    }

    fn kind(&self) -> StoreKind {
        StoreKind::Local
    }

    fn address(&self, key: BlobKey) -> String {
        places::path(&self.root, key).display().to_string()
    }

    async fn size(&self, key: BlobKey) -> Result<Option<u64>, BlobError> {
        let size = self.on_file(key, |file| file.metadata().map(|metadata| metadata.len()).map_err(unavailable)).await;
        match size {
            Ok(size) => Ok(Some(size)),
            Err(BlobError::Absent(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A range of up to 256 KiB is read before this returns; of a larger one the first piece is.
    async fn read(&self, key: BlobKey, offset: u64, length: u64) -> Result<Opened, BlobError> {
        let buffers = self.buffers.clone();
        let begin = move |file: File| {
            let metadata = file.metadata().map_err(unavailable)?;
            let end = offset.checked_add(length).filter(|end| *end <= metadata.len()).ok_or(BlobError::OutOfRange)?;
            if length > reader::PIECE_BYTES as u64 {
                // A hint only: twice the read-ahead for what is not in memory.
                rustix::fs::fadvise(&file, offset, std::num::NonZeroU64::new(length), Advice::Sequential).ok();
            }
            Ok((reader::Reader::begin(file, buffers, offset, end).map_err(unavailable)?, revision(&metadata)))
        };
        let (reader, revision) = self.on_file(key, begin).await?;
        Ok(Opened { bytes: reader.into_stream(), revision: Some(revision) })
    }

    async fn write(&self, key: BlobKey, size: u64, body: ByteStream) -> Result<(), BlobError> {
        let sink = CopySink::new(key, size, &self.root, &self.staging);
        pour(body, size, sink, Digest::default()).await.map_err(|error| write::explain(error, key))
    }

    async fn remove(&self, key: BlobKey) -> Result<(), BlobError> {
        let made = self.made.clone();
        self.on_disk(move |root| {
            let directory = places::directory(root, key);
            let removed = remove_file(&places::path(root, key)).and_then(|()| sync_directory(&directory));
            match removed {
                Err(error) if error.kind() == io::ErrorKind::NotFound => is_still_there(&made, &directory),
                removed => removed.map_err(unavailable),
            }
        })
        .await
    }

    /// In the order of the keys.
    async fn list(&self, after: Option<BlobKey>, limit: usize) -> Result<Vec<BlobKey>, BlobError> {
        let made = self.made.clone();
        self.on_disk(move |root| {
            is_still_there(&made, &places::directory(root, BlobKey::first(Sha256([0; 32]))))?;
            list::list(root, after, limit).map_err(unavailable)
        })
        .await
    }

    /// A file has no address for everybody.
    async fn link(&self, _: BlobKey, _: &OpenLink) -> Result<Option<String>, BlobError> {
        Ok(None)
    }

    async fn reachable(&self) -> Result<(), BlobError> {
        self.size(BlobKey::first(Sha256([0; 32]))).await.map(|_| ())
    }
}

/// A directory of the blobs is made once and stays. Where one was and is not, its disk has gone, and nothing is known of what it holds; where
/// none ever was, nothing was ever stored.
fn is_still_there(made: &AtomicBool, directory: &Path) -> Result<(), BlobError> {
    if directory.try_exists().map_err(unavailable)? {
        made.store(true, Ordering::Relaxed);
        return Ok(());
    }
    if made.load(Ordering::Relaxed) {
        let message = format!("the directory {} is not there any more: has its disk gone?", directory.display());
        return Err(BlobError::Unavailable(message.into()));
    }
    Ok(())
}

/// No program writes into a file, or puts another in its place, without changing one of these.
fn revision(file: &Metadata) -> Revision {
    Revision(format!("{}-{}-{}.{:09}", file.ino(), file.len(), file.ctime(), file.ctime_nsec()))
}

fn unavailable(error: io::Error) -> BlobError {
    BlobError::Unavailable(error.into())
}
