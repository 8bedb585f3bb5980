use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cairn_commands::ports::ByteStream;
use cairn_commands::ports::blobs::{self, BlobStore};
use cairn_commands::ports::staging::{self, Staging, StagingError, Whole};
use cairn_domain::blob::BlobKey;
use cairn_domain::upload::Part;
use cairn_domain::{Sha1, Sha256, UploadId};
use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::Digest;
use tempfile::TempDir;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{FsBlobs, FsStaging};

mod copies;
mod crashes;
mod damage;
mod hashing;
mod leftovers;
mod races;
mod reading;
mod room;

#[tokio::test(flavor = "multi_thread")]
async fn the_store_passes_the_contracts() {
    let scene = Scene::new();
    staging::contract::suite(&scene.staging, &scene.blobs, "fs").await;

    for content in [blobs::contract::content(), Bytes::new()] {
        let whole = scene.staging.receive(upload(1), body(&content), u64::MAX).await.unwrap();
        scene.staging.promote(upload(1), BlobKey::first(whole.sha256)).await.unwrap();
    }
    blobs::contract::suite(&scene.blobs).await;
    assert_eq!(scene.staging.list(Duration::ZERO).await.unwrap(), []);
    assert_eq!(scene.names("staging"), [""; 0]);
}

/// A store in a directory of its own.
struct Scene {
    directory: TempDir,
    staging: FsStaging,
    blobs: FsBlobs,
}

impl Scene {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (staging, blobs) = open(directory.path());
        Self { directory, staging, blobs }
    }

    /// The process ends, another one starts.
    fn restart(&mut self) {
        (self.staging, self.blobs) = open(self.directory.path());
    }

    fn path(&self, below: &str) -> std::path::PathBuf {
        self.directory.path().join(below)
    }

    /// Where a content lies.
    fn place(&self, sha256: Sha256) -> std::path::PathBuf {
        self.path(&format!("blobs/{:02x}/{sha256}", sha256.0[0]))
    }

    /// Where a file that came in one piece waits.
    fn staged(&self, upload: UploadId, sha256: Sha256) -> std::path::PathBuf {
        self.path(&format!("staging/{:02x}/{upload}-{sha256}.whole", upload.0.as_bytes()[15]))
    }

    /// The directory of an upload in parts.
    fn parts(&self, upload: UploadId) -> std::path::PathBuf {
        self.path(&format!("staging/{upload}"))
    }

    fn names(&self, below: &str) -> Vec<String> {
        names(&self.path(below))
    }

    async fn write(&self, upload: UploadId, content: &Bytes, part: Part, taken: Option<Sha256>) -> (Part, Sha256) {
        let bytes = range(content, part);
        let sha256 = self.staging.write_part(upload, part, body(&bytes), None, taken).await.unwrap();
        assert_eq!(sha256, sha256_of(&bytes));
        (part, sha256)
    }

    /// Opens an upload and writes the parts in this order; tells all of them in theirs.
    async fn write_all(&self, upload: UploadId, content: &Bytes, parts: &[Part]) -> Vec<(Part, Sha256)> {
        self.staging.open(upload, content.len() as u64).await.unwrap();
        let mut written = Vec::new();
        for part in parts {
            written.push(self.write(upload, content, *part, None).await);
        }
        written.sort_by_key(|(part, _)| part.offset);
        written
    }

    async fn assert_blob(&self, content: &Bytes) {
        let pieces = self.blobs.read(key_of(content), 0, content.len() as u64).await.unwrap().bytes;
        let pieces: Vec<Bytes> = pieces.try_collect().await.unwrap();
        assert!(pieces.concat() == *content);
    }
}

fn open(directory: &Path) -> (FsStaging, FsBlobs) {
    (FsStaging::open_dir(directory).unwrap(), FsBlobs::open_dir(directory))
}

/// The names in a directory; the two-letter directories that are always there count for what is in them.
fn names(directory: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        match entry.file_name().to_string_lossy().into_owned() {
            shelf if shelf.len() == 2 => names.extend(self::names(&entry.path())),
            name => names.push(name),
        }
    }
    names.sort();
    names
}

fn upload(number: u128) -> UploadId {
    UploadId(Uuid::from_u128(number))
}

/// Bytes that differ from place to place and from seed to seed.
fn content(seed: u64, length: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes.into()
}

fn plan(content: &Bytes, part_bytes: usize) -> Vec<Part> {
    let cut = |at: usize| Part { offset: at as u64, length: (content.len() - at).min(part_bytes) as u64 };
    (0..content.len()).step_by(part_bytes).map(cut).collect()
}

fn range(content: &Bytes, part: Part) -> Bytes {
    content.slice(part.offset as usize..(part.offset + part.length) as usize)
}

fn body(bytes: &Bytes) -> ByteStream {
    let bytes = bytes.clone();
    let pieces = (0..bytes.len()).step_by(50_000).map(move |at| Ok(bytes.slice(at..bytes.len().min(at + 50_000))));
    stream::iter(pieces).boxed()
}

/// A body that gives its bytes, tells that all of them were asked for, and goes on with the rest when it is let go.
fn held_body(bytes: &Bytes, rest: &Bytes) -> (ByteStream, oneshot::Receiver<()>, oneshot::Sender<()>) {
    let (taken, is_taken) = oneshot::channel();
    let (let_go, may_end) = oneshot::channel();
    let rest = rest.clone();
    let end = stream::once(async move {
        taken.send(()).ok();
        may_end.await.ok();
        Ok(rest)
    });
    (body(bytes).chain(end).boxed(), is_taken, let_go)
}

fn key_of(bytes: &[u8]) -> BlobKey {
    BlobKey::first(sha256_of(bytes))
}

fn sha256_of(bytes: &[u8]) -> Sha256 {
    Sha256(sha2::Sha256::digest(bytes).into())
}

fn whole_of(bytes: &[u8]) -> Whole {
    let mut hasher = cairn_digest::Hasher::portable();
    hasher.update(bytes);
    Whole { size: bytes.len() as u64, sha256: sha256_of(bytes), sha1: Sha1(hasher.finish().sha1) }
}

/// Waits for what a background thread does next.
async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if holds() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("{what} did not happen within ten seconds");
}
