//! Two processes at one upload or content: what one of them sees changes before it can say so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use cairn_domain::blob::{BlobDeleted, BlobEvent, BlobKey, BlobStored};
use cairn_domain::upload::Part;
use cairn_domain::{CommandId, Expected, Metadata, NewEvent, Sha1, Sha256, StreamName, Timestamp, UploadId};
use futures_util::TryStreamExt;
use uuid::Uuid;

use super::stage::{Stage, body, ports_over, read, sha256, stage};
use crate::content;
use crate::ports::ByteStream;
use crate::ports::blobs::{BlobStore, MemoryBlobs, Stores};
use crate::ports::event_store::{EventStore, MemoryEventStore};
use crate::ports::staging::{MemoryStaging, Staging, StagingError, Whole};
use crate::upload::{PartSent, StartUpload, complete, receive_part, start};
use crate::{Drive, Limits, Ports};

/// What another process does, once, when this one promotes an upload.
enum Meanwhile {
    /// It has sealed something else, so what was sealed here is forgotten.
    SealsAnother,
    /// It stores the same content, and deletes it again, before the log knows of ours.
    StoresAndDeletes(Arc<MemoryEventStore>),
}

struct Overtaken {
    inner: MemoryStaging,
    meanwhile: Meanwhile,
    happened: AtomicBool,
}

impl Overtaken {
    fn new(blobs: &Arc<MemoryBlobs>, meanwhile: Meanwhile) -> Arc<Self> {
        Arc::new(Self { inner: MemoryStaging::new(blobs.clone()), meanwhile, happened: AtomicBool::new(false) })
    }
}

#[async_trait]
impl Staging for Overtaken {
    async fn open(&self, upload: UploadId, size: u64) -> Result<(), StagingError> {
        self.inner.open(upload, size).await
    }

    async fn receive(&self, upload: UploadId, body: ByteStream, bytes_max: u64) -> Result<Whole, StagingError> {
        self.inner.receive(upload, body, bytes_max).await
    }

    async fn write_part(
        &self,
        upload: UploadId,
        part: Part,
        body: ByteStream,
        expected: Option<Sha256>,
        taken: Option<Sha256>,
    ) -> Result<Sha256, StagingError> {
        self.inner.write_part(upload, part, body, expected, taken).await
    }

    async fn seal(&self, upload: UploadId, parts: &[(Part, Sha256)]) -> Result<Whole, StagingError> {
        self.inner.seal(upload, parts).await
    }

    async fn promote(&self, upload: UploadId, key: BlobKey) -> Result<(), StagingError> {
        let first = !self.happened.swap(true, Ordering::SeqCst);
        match &self.meanwhile {
            Meanwhile::SealsAnother if first => Err(StagingError::Absent(upload)),
            Meanwhile::StoresAndDeletes(log) if first => {
                self.inner.promote(upload, key).await?;
                store_and_delete(log, key.sha256).await;
                Ok(())
            }
            _ => self.inner.promote(upload, key).await,
        }
    }

    async fn discard(&self, upload: UploadId) -> Result<(), StagingError> {
        self.inner.discard(upload).await
    }

    async fn holds(&self, upload: UploadId) -> Result<bool, StagingError> {
        self.inner.holds(upload).await
    }

    async fn list(&self, quiet: Duration) -> Result<Vec<UploadId>, StagingError> {
        self.inner.list(quiet).await
    }

    async fn reachable(&self) -> Result<(), StagingError> {
        self.inner.reachable().await
    }
}

async fn store_and_delete(log: &MemoryEventStore, sha256: Sha256) {
    let stored = BlobStored { size: 5, sha1: Sha1([0; 20]), store: "local".to_owned() };
    let deleted = BlobDeleted { stores: vec!["local".to_owned()] };
    let stream = StreamName::blob(sha256);
    let events = [BlobEvent::BlobStored(stored), BlobEvent::BlobDeleted(deleted)].into_iter().enumerate();
    let new = |(n, event): (usize, BlobEvent)| NewEvent {
        id: CommandId(Uuid::from_u128(77)).event(stream.as_str(), n),
        time: Timestamp(1),
        metadata: Metadata::default(),
        event: event.into(),
    };
    log.append(&stream, Expected::NoStream, events.map(new).collect()).await.expect("appended");
}

#[tokio::test]
async fn what_was_merged_is_sealed_again() {
    let Stage { log, clock, .. } = stage();
    let blobs = Arc::new(MemoryBlobs::default());
    let staging = Overtaken::new(&blobs, Meanwhile::SealsAnother);
    let ports =
        Ports { staging: staging.clone(), stores: Stores::new(blobs, Vec::new()), clock: clock.clone(), ..ports_over(log.clone()) };
    let drive = Drive::new(ports, Limits::default(), crate::drive::Secret([7; 32]));
    let stage = Stage { drive, clock, log };
    let alice = stage.caller("alice").await;
    let name = "a.bin".parse().expect("a name");
    let wish = StartUpload { name, folder: None, size: 6, sha256: None, sha1: None, part_bytes: Some(4), replaces: None };
    let upload = start(&stage.drive, &stage.request(), &alice, wish).await.expect("started").status.id;
    for (index, bytes) in [(1, &b"0123"[..]), (2, b"45")] {
        let sent = PartSent { upload, index, body: body(bytes), announced_bytes: None, sha256: None };
        receive_part(&stage.drive, &stage.request(), &alice, sent).await.expect("received");
    }
    let completed = complete(&stage.drive, &stage.request(), &alice, upload).await.expect("completed");
    assert!(staging.happened.load(Ordering::SeqCst));
    assert_eq!(completed.file.state.entry().expect("an entry").added.sha256, sha256(b"012345"));
    assert_eq!(read(&stage.drive, sha256(b"012345"), 6).await, b"012345");
}

#[tokio::test]
async fn bytes_whose_name_died_before_the_log_knew_of_them_get_another() {
    let Stage { log, clock, .. } = stage();
    let blobs = Arc::new(MemoryBlobs::default());
    let staging = Overtaken::new(&blobs, Meanwhile::StoresAndDeletes(log.clone()));
    let stores = Stores::new(blobs.clone(), Vec::new());
    let ports = Ports { staging: staging.clone(), stores, clock: clock.clone(), ..ports_over(log.clone()) };
    let drive = Drive::new(ports, Limits::default(), crate::drive::Secret([7; 32]));
    let stage = Stage { drive, clock, log };
    let alice = stage.caller("alice").await;
    stage.upload(&alice, "a.txt", b"hello").await.expect("uploaded");
    let second = BlobKey { sha256: sha256(b"hello"), generation: 1 };
    assert_eq!(blobs.list(None, 10).await.expect("a list"), [second]);
    let stream = content::read(&stage.drive, second.sha256, 5, Some("local"), 0..5).await.expect("readable");
    let pieces: Vec<bytes::Bytes> = stream.try_collect().await.expect("bytes");
    assert_eq!(pieces.concat(), b"hello");
}
