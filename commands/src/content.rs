//! The bytes of contents, wherever they lie just now.
//!
//! The read tables say where a content probably is, the log where it certainly is. Contents move while they are read: a reader goes on
//! from another copy where the one that it had has gone.

use std::collections::BTreeSet;
use std::sync::Arc;

use cairn_domain::blob::{Blob, BlobKey};
use cairn_domain::{Sha256, StreamName};
use futures_util::{StreamExt, stream};

use crate::ports::ByteStream;
use crate::ports::blobs::{BlobError, BlobStore, Stores};
use crate::{Drive, Trouble};

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
        self.read_but_from(&BTreeSet::new(), offset, length).await.map(|(stream, _)| stream)
    }

    /// The same, from none of these stores; and the name of the one that gives them.
    async fn read_but_from(
        &self,
        failed: &BTreeSet<String>,
        offset: u64,
        length: u64,
    ) -> Result<(ByteStream, String), ContentError> {
        if offset.checked_add(length).is_none_or(|end| end > self.size) {
            return Err(ContentError::OutOfRange);
        }
        let mut trouble = None;
        for Copy { store, key } in self.sound.iter().filter(|copy| !failed.contains(copy.store.name())) {
            match store.read(*key, offset, length).await {
                Ok(stream) => return Ok((stream, store.name().to_owned())),
                // It was cut off, so it is as good as absent.
                Err(BlobError::Absent(_) | BlobError::OutOfRange) => {}
                Err(error) => trouble = trouble.or(Some(error)),
            }
        }
        Err(match (trouble, &self.unknown) {
            (Some(error), _) => Trouble::from(error).into(),
            (None, Some(store)) => Trouble::Unavailable(format!("the store {store:?} is not configured").into()).into(),
            (None, None) => ContentError::Lost(self.sha256),
        })
    }
}

/// In bytes; nothing for one that is not there.
pub(crate) async fn content_size(drive: &Drive, sha256: Sha256) -> Result<u64, Trouble> {
    let blob = drive.journal.load::<Blob>(&StreamName::blob(sha256)).await?;
    Ok(blob.state.content().map_or(0, |content| content.size))
}

/// How often a content is looked for again because it has moved meanwhile.
const MOVES_MAX: u32 = 3;

/// The bytes of `offset..offset + length`. `probably_in` is the store that the read tables name.
pub async fn read(
    drive: &Arc<Drive>,
    sha256: Sha256,
    probably_in: Option<&str>,
    offset: u64,
    length: u64,
) -> Result<ByteStream, ContentError> {
    let (stream, from) = match probably(drive, sha256, probably_in, offset, length).await {
        Some(read) => read,
        None => certainly(drive, sha256, &BTreeSet::new(), offset, length).await?,
    };
    let end = offset + length;
    let reading = Reading { drive: drive.clone(), sha256, at: offset, end, stream, from, failed: BTreeSet::new() };
    Ok(stream::unfold(Some(reading), Reading::next).boxed())
}

/// From where the read tables say, without a look at the log: nearly always right.
async fn probably(drive: &Drive, sha256: Sha256, store: Option<&str>, offset: u64, length: u64) -> Option<(ByteStream, String)> {
    let store = drive.ports.stores.get(store?)?;
    let stream = store.read(BlobKey::first(sha256), offset, length).await.ok()?;
    Some((stream, store.name().to_owned()))
}

/// From where the log says. What moves while one looks for it is looked for again.
async fn certainly(
    drive: &Drive,
    sha256: Sha256,
    failed: &BTreeSet<String>,
    offset: u64,
    length: u64,
) -> Result<(ByteStream, String), ContentError> {
    let mut seen = None;
    for _ in 0..MOVES_MAX {
        let blob = drive.journal.load::<Blob>(&StreamName::blob(sha256)).await?;
        if seen == Some(blob.version) {
            break;
        }
        seen = Some(blob.version);
        match Copies::of(&drive.ports.stores, &blob.state, sha256).read_but_from(failed, offset, length).await {
            Err(ContentError::Lost(_)) => {}
            Err(ContentError::OutOfRange) if blob.state.content().is_none() => {}
            read => return read,
        }
    }
    Err(ContentError::Lost(sha256))
}

struct Reading {
    drive: Arc<Drive>,
    sha256: Sha256,
    at: u64,
    end: u64,
    stream: ByteStream,
    /// The store that gives the stream.
    from: String,
    /// Stores that have failed in the middle.
    failed: BTreeSet<String>,
}

impl Reading {
    async fn next(reading: Option<Self>) -> Option<(std::io::Result<bytes::Bytes>, Option<Self>)> {
        let mut reading = reading?;
        loop {
            match reading.stream.next().await? {
                Ok(piece) => {
                    reading.at += piece.len() as u64;
                    return Some((Ok(piece), Some(reading)));
                }
                // A store that finds the bytes wrong would not find so in the rest of them alone.
                Err(error) if error.kind() == std::io::ErrorKind::InvalidData => return Some((Err(error), None)),
                Err(error) => {
                    reading.failed.insert(std::mem::take(&mut reading.from));
                    let Reading { drive, sha256, failed, at, end, .. } = &reading;
                    match certainly(drive, *sha256, failed, *at, end - at).await {
                        Ok((stream, from)) => (reading.stream, reading.from) = (stream, from),
                        Err(_) => return Some((Err(error), None)),
                    }
                }
            }
        }
    }
}
