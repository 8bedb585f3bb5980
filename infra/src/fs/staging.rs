//! Uploads on their way to become blobs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use cairn_commands::ports::ByteStream;
use cairn_commands::ports::staging::{Staging, StagingError, Whole};
use cairn_commands::turns::Turns;
use cairn_digest::Hasher;
use cairn_domain::blob::BlobKey;
use cairn_domain::upload::Part;
use cairn_domain::{Sha256, UploadId};

use super::durable::{SharedSync, create_directory, sync_directory, trouble};
use super::places::Places;
use super::pour::{on_blocking_thread, pour};

mod names;
mod receive;
mod wholes;

mod claim;
mod directory;
mod part_aside;
mod part_in_place;
mod read_back;
mod record;
mod upload;

mod promote;
mod seal;

use claim::Claim;
use part_aside::AsideSink;
use part_in_place::{Hashes, InPlaceSink};
use upload::{Upload, Uploads};
use wholes::{Shelves, Wholes};

/// The built-in staging area, below the data directory, beside the blobs.
///
/// Memory in use: two batches of at most 320 KiB for each body that comes in, and about a hundred bytes for each part of an upload
/// that was touched since the start.
#[derive(Clone)]
pub struct FsStaging(Arc<Area>);

/// What all calls share.
struct Area {
    root: PathBuf,
    root_sync: SharedSync,
    places: Places,
    shelves: Shelves,
    wholes: Wholes,
    uploads: Uploads,
    turns: Turns,
    bytes_read_back: AtomicU64,
}

impl FsStaging {
    /// Makes the directories below the data directory that are not there yet, and removes what a predecessor left
    /// unfinished. Blocks. No other process may use the directory.
    pub fn open_dir(data: &Path) -> io::Result<Self> {
        if let Some(parent) = data.parent() {
            fs::create_dir_all(parent)?;
        }
        create_directory(data)?;
        let root = data.join("staging");
        create_directory(&root)?;
        let places = Places::create(data.join("blobs"))?;
        sync_directory(data)?;
        directory::remove_unfinished_uploads(&root)?;
        let shelves = Shelves::open(root.clone())?;
        let wholes = Wholes::load(&shelves)?;
        Ok(Self(Arc::new(Area {
            root_sync: SharedSync::new(root.clone()),
            root,
            places,
            shelves,
            wholes,
            uploads: Uploads::default(),
            turns: Turns::default(),
            bytes_read_back: AtomicU64::new(0),
        })))
    }

    /// How many bytes had to be read back from the disk for the whole-file hashes, since the start: none of
    /// uploads whose parts came in order.
    pub fn bytes_read_back(&self) -> u64 {
        self.0.bytes_read_back.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Staging for FsStaging {
    async fn open(&self, upload: UploadId, size: u64) -> Result<(), StagingError> {
        self.in_turn(upload, move |area| area.open(upload, size)).await
    }

    async fn receive(&self, upload: UploadId, body: ByteStream, bytes_max: u64) -> Result<Whole, StagingError> {
        pour(body, bytes_max, receive::WholeSink::new(self.0.clone(), upload), Hasher::new()).await
    }

    async fn write_part(
        &self,
        upload: UploadId,
        part: Part,
        body: ByteStream,
        expected: Option<Sha256>,
        taken: Option<Sha256>,
    ) -> Result<Sha256, StagingError> {
        let upload = self.loaded(upload).await?;
        match upload.claim(part, taken)? {
            Claim::InPlace(claim, prefix) => {
                let written = pour(body, part.length, InPlaceSink::new(claim, expected), Hashes::new(prefix)).await;
                self.follow(upload);
                written
            }
            Claim::Aside(claim) => pour(body, part.length, AsideSink::new(claim, expected), Hashes::new(None)).await,
        }
    }

    async fn seal(&self, upload: UploadId, parts: &[(Part, Sha256)]) -> Result<Whole, StagingError> {
        let parts = parts.to_vec();
        self.in_turn(upload, move |area| area.seal(upload, &parts)).await
    }

    async fn promote(&self, upload: UploadId, key: BlobKey) -> Result<(), StagingError> {
        self.in_turn(upload, move |area| area.promote(upload, key)).await
    }

    async fn discard(&self, upload: UploadId) -> Result<(), StagingError> {
        // Whoever is in the middle of something stops at this, instead of being waited for.
        if let Some(there) = self.0.uploads.get(upload) {
            there.close();
        }
        self.in_turn(upload, move |area| area.discard(upload)).await
    }

    async fn holds(&self, upload: UploadId) -> Result<bool, StagingError> {
        let area = self.0.clone();
        on_blocking_thread(move || area.holds(upload).map_err(trouble)).await
    }

    async fn list(&self, quiet: Duration) -> Result<Vec<UploadId>, StagingError> {
        let area = self.0.clone();
        on_blocking_thread(move || area.list(quiet).map_err(trouble)).await
    }

    async fn reachable(&self) -> Result<(), StagingError> {
        let area = self.0.clone();
        on_blocking_thread(move || std::fs::read_dir(&area.root).map(drop).map_err(trouble)).await
    }
}

impl FsStaging {
    /// Runs what changes an upload as a whole: one at a time, to its end even when the caller goes away.
    async fn in_turn<T: Send + 'static>(
        &self,
        upload: UploadId,
        work: impl FnOnce(&Area) -> Result<T, StagingError> + Send + 'static,
    ) -> Result<T, StagingError> {
        let turn = self.0.turns.turn(upload.0).await;
        let area = self.0.clone();
        on_blocking_thread(move || {
            let _turn = turn;
            work(&area)
        })
        .await
    }

    /// What is known of an upload in parts; read from its directory when that is the first time since the start.
    async fn loaded(&self, upload: UploadId) -> Result<Arc<Upload>, StagingError> {
        match self.0.uploads.get(upload) {
            Some(loaded) => Ok(loaded),
            None => self.in_turn(upload, move |area| area.load(upload)).await,
        }
    }

    /// Lets the whole-file hashes catch up in the background, where a gap has closed.
    fn follow(&self, upload: Arc<Upload>) {
        if upload.can_follow() {
            let area = Arc::downgrade(&self.0);
            tokio::task::spawn_blocking(move || upload.follow(&area));
        }
    }
}
