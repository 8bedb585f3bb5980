//! The bytes of contents, wherever they lie just now.
//!
//! The read tables say where a content probably is, the log where it certainly is. Contents move while they are read: a reader goes on
//! from another copy where the one that it had has gone.
//!
//! Whoever asks for the whole of a content that is not what was stored does not get it. A small one is hashed before its first byte goes out, and another copy
//! is taken where it is wrong. A large one is hashed while it goes out, and breaks off before its last bytes. Of a large one that was
//! right within the last hour, and of a range of a large one, nothing is hashed: range by range, all of a wrong one can be had.

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use cairn_domain::blob::{Blob, BlobKey};
use cairn_domain::{Sha256, StreamName};
use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::Digest;

use crate::ports::ByteStream;
use crate::ports::blobs::{BlobError, BlobStore, Opened, Revision, Stores};
use crate::sagas::tells_damage;
use crate::{Drive, Trouble};

mod check;
mod trust;

use check::Check;
pub(crate) use trust::Trust;

/// Why a content can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// No sound copy is left: an operator must look.
    #[error("no sound copy of the content {0} is left")]
    Lost(Sha256),
    /// The range does not lie within the content.
    #[error("the range is outside of the content")]
    OutOfRange,
    /// The drive could not.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// One copy of a content.
#[derive(Clone)]
pub(crate) struct Copy {
    pub(crate) store: Arc<dyn BlobStore>,
    pub(crate) key: BlobKey,
}

/// A copy that gives its bytes.
struct Giving {
    bytes: ByteStream,
    store: String,
    key: BlobKey,
    revision: Option<Revision>,
}

impl Giving {
    fn new(store: &Arc<dyn BlobStore>, key: BlobKey, Opened { bytes, revision }: Opened) -> Self {
        Self { bytes, store: store.name().to_owned(), key, revision }
    }
}

/// The sound copies of a content, the best one to read first.
#[derive(Clone)]
pub struct Copies {
    sha256: Sha256,
    /// In bytes.
    size: u64,
    sound: Vec<Copy>,
    /// A copy lies in a store that is not configured.
    unknown: Option<String>,
}

/// What reading a content has come to.
struct Sought {
    found: Result<Giving, ContentError>,
    /// Stores that should have a copy and have none, or one that is too short.
    lacking: BTreeSet<String>,
}

/// Every sound copy that can be reached: where uploads land first, because that is near.
pub(crate) fn sound_copies(stores: &Stores, blob: &Blob, sha256: Sha256) -> Vec<Copy> {
    let sound = |store: &&Arc<dyn BlobStore>| blob.sound().any(|name| name == store.name());
    let copy = |store: &Arc<dyn BlobStore>| Copy { store: store.clone(), key: blob.key_in(store.name(), sha256) };
    stores.each().filter(sound).map(copy).collect()
}

impl Copies {
    /// Those that the log knows.
    pub(crate) fn of(stores: &Stores, blob: &Blob, sha256: Sha256) -> Self {
        let unknown = blob.sound().find(|name| stores.get(name).is_none()).map(str::to_owned);
        let size = blob.content().map_or(0, |content| content.size);
        Self { sha256, size, sound: sound_copies(stores, blob, sha256), unknown }
    }

    /// Of which content.
    pub(crate) fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// The bytes of `offset..offset + length`, from the first copy that has them. A store that does not answer hides no other.
    pub(crate) async fn read(&self, offset: u64, length: u64) -> Result<ByteStream, ContentError> {
        let end = offset.checked_add(length).ok_or(ContentError::OutOfRange)?;
        self.read_but_from(&BTreeSet::new(), offset..end).await.found.map(|giving| giving.bytes)
    }

    /// The same, from none of these stores.
    async fn read_but_from(&self, failed: &BTreeSet<String>, range: Range<u64>) -> Sought {
        let mut lacking = BTreeSet::new();
        if range.end > self.size {
            return Sought { found: Err(ContentError::OutOfRange), lacking };
        }
        let mut trouble = None;
        for Copy { store, key } in self.sound.iter().filter(|copy| !failed.contains(copy.store.name())) {
            match store.read(*key, range.start, range.end - range.start).await {
                Ok(opened) => return Sought { found: Ok(Giving::new(store, *key, opened)), lacking },
                // It was cut off, so it is as good as absent.
                Err(BlobError::Absent(_) | BlobError::OutOfRange) => drop(lacking.insert(store.name().to_owned())),
                Err(error) => trouble = trouble.or(Some(error)),
            }
        }
        let lost = match (trouble, &self.unknown) {
            (Some(error), _) => Trouble::from(error).into(),
            (None, Some(store)) => Trouble::Unavailable(format!("the store {store:?} is not configured").into()).into(),
            (None, None) => ContentError::Lost(self.sha256),
        };
        Sought { found: Err(lost), lacking }
    }
}

/// In bytes; nothing for one that is not there.
pub(crate) async fn content_size(drive: &Drive, sha256: Sha256) -> Result<u64, Trouble> {
    let blob = drive.journal.load::<Blob>(&StreamName::blob(sha256)).await?;
    Ok(blob.state.content().map_or(0, |content| content.size))
}

/// How often a content is looked for again because it has moved meanwhile.
const MOVES_MAX: u32 = 3;
/// A content up to this size is hashed as a whole before any of it goes out, in bytes: it takes some 70 µs.
pub(crate) const SMALL_BYTES_MAX: u64 = 128 * 1024;

/// The bytes of a range of a content of that size. `probably_in` is the store that the read tables name.
pub async fn read(
    drive: &Arc<Drive>,
    sha256: Sha256,
    size: u64,
    probably_in: Option<&str>,
    range: Range<u64>,
) -> Result<ByteStream, ContentError> {
    if range.start > range.end || range.end > size {
        return Err(ContentError::OutOfRange);
    }
    if size <= SMALL_BYTES_MAX {
        let content = small(drive, sha256, size, probably_in).await?;
        let part = content.slice(range.start as usize..range.end as usize);
        return Ok(stream::iter([Ok(part)]).boxed());
    }
    let giving = open(drive, sha256, probably_in, &BTreeSet::new(), range.clone()).await?;
    let check = (range == (0..size) && !is_verified(drive, &giving)).then(Check::new);
    let Range { start: at, end } = range;
    let reading = Reading { drive: drive.clone(), sha256, at, end, giving, failed: BTreeSet::new(), check };
    Ok(stream::unfold(Some(reading), Reading::next).boxed())
}

/// All of a small content, from the first copy that has the right bytes.
async fn small(drive: &Drive, sha256: Sha256, size: u64, mut probably_in: Option<&str>) -> Result<Bytes, ContentError> {
    let (mut failed, mut trouble) = (BTreeSet::new(), None);
    loop {
        let giving = match (open(drive, sha256, probably_in.take(), &failed, 0..size).await, trouble.take()) {
            (Err(ContentError::Lost(_)), Some(error)) => return Err(Trouble::Unavailable(Box::new(error)).into()),
            (giving, before) => {
                trouble = before;
                giving?
            }
        };
        match whole(giving.bytes).await {
            Ok(content) if sha2::Sha256::digest(&content)[..] == sha256.0 => return Ok(content),
            Err(error) if !tells_damage(&error) => trouble = Some(error),
            _ => suspect(drive, sha256, [giving.store.clone()].into()),
        }
        failed.insert(giving.store);
    }
}

/// Small contents mostly come in one piece.
async fn whole(bytes: ByteStream) -> io::Result<Bytes> {
    let mut pieces: Vec<Bytes> = bytes.try_collect().await?;
    Ok(if pieces.len() == 1 { pieces.remove(0) } else { pieces.concat().into() })
}

fn is_verified(drive: &Drive, Giving { store, key, revision, .. }: &Giving) -> bool {
    let now = drive.ports.clock.now();
    revision.as_ref().is_some_and(|revision| drive.trust.is_verified(store, *key, revision, now))
}

/// Whoever reads it next takes another copy, and the scrubber looks at it.
fn suspect(drive: &Drive, sha256: Sha256, stores: BTreeSet<String>) {
    tracing::error!(%sha256, ?stores, "a content that was asked for is not what was stored");
    drive.trust.suspect(sha256, stores);
}

/// From none of these stores.
async fn open(
    drive: &Drive,
    sha256: Sha256,
    probably_in: Option<&str>,
    failed: &BTreeSet<String>,
    range: Range<u64>,
) -> Result<Giving, ContentError> {
    match probably(drive, sha256, probably_in, &range).await {
        Some(giving) => Ok(giving),
        None => certainly(drive, sha256, failed, range).await,
    }
}

/// From where the read tables say, without a look at the log: nearly always right.
async fn probably(drive: &Drive, sha256: Sha256, store: Option<&str>, range: &Range<u64>) -> Option<Giving> {
    let store = drive.ports.stores.get(store?)?;
    if drive.trust.suspected_in(sha256).contains(store.name()) {
        return None;
    }
    let key = BlobKey::first(sha256);
    let opened = store.read(key, range.start, range.end - range.start).await.ok()?;
    Some(Giving::new(store, key, opened))
}

/// From where the log says. What moves while one looks for it is looked for again.
async fn certainly(drive: &Drive, sha256: Sha256, failed: &BTreeSet<String>, range: Range<u64>) -> Result<Giving, ContentError> {
    let suspected = drive.trust.suspected_in(sha256);
    let passed_over = failed | &suspected;
    let (mut seen, mut lacking) = (None, BTreeSet::new());
    for _ in 0..MOVES_MAX {
        let blob = drive.journal.load::<Blob>(&StreamName::blob(sha256)).await?;
        if seen == Some(blob.version) {
            break;
        }
        seen = Some(blob.version);
        let sought = Copies::of(&drive.ports.stores, &blob.state, sha256).read_but_from(&passed_over, range.clone()).await;
        lacking = sought.lacking;
        match sought.found {
            Err(ContentError::Lost(_)) if blob.state.sound().any(|name| suspected.contains(name) && !failed.contains(name)) => {
                // It may well be right.
                return Err(Trouble::Unavailable("a copy of the content is being looked at".into()).into());
            }
            Err(ContentError::Lost(_)) => {}
            Err(ContentError::OutOfRange) if blob.state.content().is_none() => {}
            found => {
                if found.is_ok() && !lacking.is_empty() {
                    suspect(drive, sha256, lacking);
                }
                return found;
            }
        }
    }
    // They have not moved meanwhile: the log has not.
    if !lacking.is_empty() {
        suspect(drive, sha256, lacking);
    }
    Err(ContentError::Lost(sha256))
}

struct Reading {
    drive: Arc<Drive>,
    sha256: Sha256,
    at: u64,
    end: u64,
    giving: Giving,
    /// Stores that have failed in the middle.
    failed: BTreeSet<String>,
    /// Where everything is read, and was not found right a while ago.
    check: Option<Check>,
}

impl Reading {
    async fn next(reading: Option<Self>) -> Option<(io::Result<Bytes>, Option<Self>)> {
        let mut reading = reading?;
        loop {
            let gone_on = match reading.giving.bytes.next().await? {
                Ok(piece) => match reading.pass(&piece).await {
                    Ok(()) => return Some((Ok(piece), Some(reading))),
                    broken_off => broken_off,
                },
                Err(error) => reading.go_on_after(error).await,
            };
            if let Err(error) = gone_on {
                return Some((Err(error), None));
            }
        }
    }

    /// The last bytes go out only when all of them are the right ones.
    async fn pass(&mut self, piece: &Bytes) -> io::Result<()> {
        self.at += piece.len() as u64;
        let Some(check) = self.check.take() else { return Ok(()) };
        let check = check.take(piece).await?;
        if self.at < self.end {
            self.check = Some(check);
            return Ok(());
        }
        if check.digest().await? != self.sha256 {
            self.suspect_all();
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the content is not what was stored"));
        }
        if let (true, Giving { store, key, revision: Some(revision), .. }) = (self.failed.is_empty(), &self.giving) {
            self.drive.trust.verified(store, *key, revision, self.drive.ports.clock.now());
        }
        Ok(())
    }

    /// Any of the copies that gave something may be the wrong one.
    fn suspect_all(&mut self) {
        let mut stores = std::mem::take(&mut self.failed);
        stores.insert(self.giving.store.clone());
        suspect(&self.drive, self.sha256, stores);
    }

    /// The rest comes from another copy.
    async fn go_on_after(&mut self, error: io::Error) -> io::Result<()> {
        // A store that finds the bytes wrong would not find so in the rest of them alone.
        if error.kind() == io::ErrorKind::InvalidData {
            self.suspect_all();
            return Err(error);
        }
        // What has gone out already was read, so that the rest may come from elsewhere.
        if tells_damage(&error) {
            suspect(&self.drive, self.sha256, [self.giving.store.clone()].into());
        }
        self.failed.insert(self.giving.store.clone());
        match certainly(&self.drive, self.sha256, &self.failed, self.at..self.end).await {
            Ok(giving) => self.giving = giving,
            Err(_) => return Err(error),
        }
        Ok(())
    }
}
