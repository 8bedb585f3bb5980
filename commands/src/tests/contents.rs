//! Contents that are read while stores are away and copies go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use cairn_domain::blob::{Blob, BlobCommand, BlobKey, BlobStored};
use cairn_domain::{Decider, FileId, Sha1, StreamName};
use futures_util::{StreamExt, TryStreamExt, stream};
use uuid::Uuid;

use super::stage::{Stage, ports_over, sha256, stage};
use crate::content::{ContentError, read};
use crate::drive::Secret;
use crate::journal::Start;
use crate::ports::ByteStream;
use crate::ports::blobs::{BlobError, BlobStore, MemoryBlobs, OpenLink, Opened, Stores};
use crate::ports::tasks::StoreKind;
use crate::{Drive, Limits, Ports, Trouble};

const CONTENT: &[u8] = b"0123456789";

/// How a store is that is not well.
enum Ailment {
    /// Nobody knows what it holds.
    Dead,
    /// Its copy goes while the first reader has three bytes of it.
    Losing,
}

struct Ailing {
    ailment: Ailment,
    was_read: AtomicBool,
}

fn dead<T>() -> Result<T, BlobError> {
    Err(BlobError::Unavailable("dead".into()))
}

#[async_trait]
impl BlobStore for Ailing {
    fn name(&self) -> &'static str {
        "ailing"
    }

    fn kind(&self) -> StoreKind {
        StoreKind::Oss
    }

    fn address(&self, key: BlobKey) -> String {
        key.to_string()
    }

    async fn size(&self, _: BlobKey) -> Result<Option<u64>, BlobError> {
        dead()
    }

    async fn read(&self, key: BlobKey, offset: u64, _: u64) -> Result<Opened, BlobError> {
        match self.ailment {
            Ailment::Dead => return dead(),
            Ailment::Losing if self.was_read.swap(true, Ordering::SeqCst) => return Err(BlobError::Absent(key)),
            Ailment::Losing => {}
        }
        let piece = Bytes::copy_from_slice(&CONTENT[offset as usize..][..3]);
        let bytes = stream::iter([Ok(piece), Err(std::io::ErrorKind::ConnectionReset.into())]).boxed();
        Ok(Opened { bytes, revision: None })
    }

    async fn write(&self, _: BlobKey, _: u64, _: ByteStream) -> Result<(), BlobError> {
        dead()
    }

    async fn remove(&self, _: BlobKey) -> Result<(), BlobError> {
        dead()
    }

    async fn list(&self, _: Option<BlobKey>, _: usize) -> Result<Vec<BlobKey>, BlobError> {
        dead()
    }

    async fn link(&self, _: BlobKey, _: &OpenLink) -> Result<Option<String>, BlobError> {
        dead()
    }

    async fn reachable(&self) -> Result<(), BlobError> {
        dead()
    }
}

/// A drive with an ailing store where uploads land, and one that is well.
struct Scene {
    drive: Arc<Drive>,
    attic: Arc<MemoryBlobs>,
}

impl Scene {
    fn new(ailment: Ailment) -> Self {
        let Stage { log, .. } = stage();
        let attic = Arc::new(MemoryBlobs::new("attic"));
        let ailing = Ailing { ailment, was_read: AtomicBool::new(false) };
        let stores = Stores::new(Arc::new(ailing), vec![attic.clone()]);
        let drive = Drive::new(Ports { stores, ..ports_over(log) }, Limits::default(), Secret([7; 32]));
        Self { drive, attic }
    }

    /// Puts it on the log.
    async fn tell(&self, command: BlobCommand) {
        let decide = |blob: &crate::Loaded<Blob>| {
            blob.state.decide(command.clone()).map_err(|rejection| Trouble::Broken(format!("{rejection:?}").into()))
        };
        let request = super::stage::request(&self.drive);
        self.drive.journal.execute(&StreamName::blob(sha256(CONTENT)), Start::Load, &request, decide).await.expect("told");
    }

    async fn stored_in(&self, store: &str) {
        let stored = BlobStored { size: CONTENT.len() as u64, sha1: Sha1([1; 20]), store: store.to_owned() };
        self.tell(BlobCommand::StoreFor(stored, FileId(Uuid::from_u128(1)))).await;
    }

    async fn copied_to(&self, store: &str) {
        self.tell(BlobCommand::Relocate { from: "ailing".to_owned(), to: store.to_owned() }).await;
    }

    async fn read(&self, probably_in: Option<&str>) -> Result<Vec<u8>, ContentError> {
        let stream = read(&self.drive, sha256(CONTENT), CONTENT.len() as u64, probably_in, 1..10).await?;
        let pieces: Vec<Bytes> = stream.try_collect().await.expect("whole");
        Ok(pieces.concat())
    }
}

fn is_unavailable(read: &Result<Vec<u8>, ContentError>) -> bool {
    matches!(read, Err(ContentError::Trouble(Trouble::Unavailable(_))))
}

#[tokio::test]
async fn a_dead_store_hides_no_copy_in_another() {
    let scene = Scene::new(Ailment::Dead);
    scene.attic.put(CONTENT);
    scene.stored_in("ailing").await;
    scene.copied_to("attic").await;
    for probably_in in [None, Some("ailing"), Some("attic"), Some("nowhere")] {
        assert_eq!(scene.read(probably_in).await.expect("read"), CONTENT[1..], "{probably_in:?}");
    }
}

#[tokio::test]
async fn a_dead_store_is_not_taken_for_an_empty_one() {
    let scene = Scene::new(Ailment::Dead);
    assert!(matches!(scene.read(None).await, Err(ContentError::Lost(_))));
    scene.stored_in("ailing").await;
    assert!(is_unavailable(&scene.read(Some("ailing")).await));
}

#[tokio::test]
async fn a_store_that_is_not_configured_any_more_has_lost_nothing() {
    let scene = Scene::new(Ailment::Dead);
    scene.stored_in("cellar").await;
    assert!(is_unavailable(&scene.read(Some("cellar")).await));
}

#[tokio::test]
async fn a_copy_that_goes_while_it_is_read_is_read_on_elsewhere() {
    let scene = Scene::new(Ailment::Losing);
    scene.attic.put(CONTENT);
    scene.stored_in("ailing").await;
    scene.copied_to("attic").await;
    assert_eq!(scene.read(Some("ailing")).await.expect("read"), CONTENT[1..]);
    scene.tell(BlobCommand::RemoveCopy { store: "ailing".to_owned() }).await;
    assert_eq!(scene.read(Some("ailing")).await.expect("read"), CONTENT[1..], "what the tables told is old");
}

#[tokio::test]
async fn a_copy_that_came_back_is_read_by_its_new_name() {
    let scene = Scene::new(Ailment::Dead);
    scene.stored_in("attic").await;
    scene.copied_to("ailing").await;
    scene.tell(BlobCommand::RemoveCopy { store: "attic".to_owned() }).await;
    scene.copied_to("attic").await;
    let key = BlobKey { sha256: sha256(CONTENT), generation: 1 };
    let body = stream::iter([Ok(Bytes::from_static(CONTENT))]).boxed();
    scene.attic.write(key, CONTENT.len() as u64, body).await.expect("written");
    assert_eq!(scene.read(Some("attic")).await.expect("read"), CONTENT[1..]);
    assert!(matches!(scene.attic.size(BlobKey::first(sha256(CONTENT))).await, Ok(None)));
}
