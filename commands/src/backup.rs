//! Contents on their way into a backup and back. A backup has each content once, under its first name, whatever its copies are called elsewhere.

use std::collections::BTreeSet;
use std::sync::Arc;

use cairn_domain::Sha256;
use cairn_domain::blob::{Blob, BlobKey};

use crate::Trouble;
use crate::audit::Contents;
use crate::content::{ContentError, Copies};
use crate::ports::ByteStream;
use crate::ports::blobs::{BlobError, BlobStore, Stores};
use crate::sagas::is_sound;

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Copied {
    /// Contents that are needed.
    pub contents: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Copies that were written now.
    pub written: u64,
    /// Bytes of these.
    pub bytes_written: u64,
    /// What could not be read anywhere, with the reason.
    pub missing: Vec<(Sha256, String)>,
}

/// The stores that should have copies and are not known.
pub fn unknown_stores(stores: &Stores, contents: &Contents) -> BTreeSet<String> {
    let stored = contents.stored();
    let named = stored.iter().flat_map(|(_, blob)| blob.copies().map(|(name, _)| name));
    named.filter(|name| stores.get(name).is_none()).map(str::to_owned).collect()
}

/// Copies what the backup does not have yet. What is written is verified.
pub async fn back_up(
    stores: &Stores,
    backup: &dyn BlobStore,
    contents: &Contents,
    progress: &(dyn Fn(u64) + Send + Sync),
) -> Result<Copied, Trouble> {
    let mut copied = Copied::default();
    for (sha256, blob) in contents.stored() {
        let (key, size) = (BlobKey::first(sha256), copied.count(blob));
        if backup.size(key).await? != Some(size) {
            let written = match Copies::of(stores, blob, sha256).read(0, size).await {
                Ok(stream) => put(backup, key, size, stream).await?,
                Err(ContentError::Trouble(trouble)) => return Err(trouble),
                Err(error) => Some(error.to_string()),
            };
            copied.note(sha256, size, written);
        }
        progress(copied.contents);
    }
    Ok(copied)
}

/// Writes every copy that should be somewhere, out of the backup, unless it is there. What is written is verified. What the backup does not have stays
/// away; so does what belongs into a store that is not known.
pub async fn restore(
    backup: &dyn BlobStore,
    stores: &Stores,
    contents: &Contents,
    progress: &(dyn Fn(u64) + Send + Sync),
) -> Result<Copied, Trouble> {
    let mut copied = Copied::default();
    for (sha256, blob) in contents.stored() {
        let size = copied.count(blob);
        for (name, _) in blob.copies() {
            let Some(store) = stores.get(name) else { continue };
            let key = blob.key_in(name, sha256);
            if store.size(key).await? == Some(size) {
                continue;
            }
            let written = match backup.read(BlobKey::first(sha256), 0, size).await {
                Ok(opened) => put(&**store, key, size, opened.bytes).await?,
                Err(BlobError::Absent(_) | BlobError::OutOfRange) => Some("the backup does not have it".to_owned()),
                Err(error) => return Err(error.into()),
            };
            copied.note(sha256, size, written);
        }
        progress(copied.contents);
    }
    Ok(copied)
}

/// Reads everything that the backup should have, and tells what it has not; second comes what is there and is not what it was.
pub async fn verify(
    backup: &Arc<dyn BlobStore>,
    contents: &Contents,
    progress: &(dyn Fn(u64) + Send + Sync),
) -> Result<(Copied, Vec<Sha256>), Trouble> {
    let (mut copied, mut damaged) = (Copied::default(), Vec::new());
    for (sha256, blob) in contents.stored() {
        let size = copied.count(blob);
        let key = BlobKey::first(sha256);
        if !is_sound(backup, key, size, None).await? {
            let is_there = backup.size(key).await?.is_some();
            let reason = if is_there { "its bytes are not what they were" } else { "it is not there" };
            copied.missing.push((sha256, reason.to_owned()));
            damaged.extend(is_there.then_some(sha256));
        }
        progress(copied.contents);
    }
    Ok((copied, damaged))
}

impl Copied {
    /// Its size in bytes.
    fn count(&mut self, blob: &Blob) -> u64 {
        let size = blob.content().map_or(0, |content| content.size);
        self.contents += 1;
        self.bytes += size;
        size
    }

    fn note(&mut self, sha256: Sha256, size: u64, failed: Option<String>) {
        match failed {
            None => {
                self.written += 1;
                self.bytes_written += size;
            }
            // Each of its copies may have been tried.
            Some(_) if self.missing.last().is_some_and(|(last, _)| *last == sha256) => {}
            Some(reason) => self.missing.push((sha256, reason)),
        }
    }
}

/// Why it could not be written, if that lies in the bytes: they went away, or are not the content.
async fn put(store: &dyn BlobStore, key: BlobKey, size: u64, stream: ByteStream) -> Result<Option<String>, Trouble> {
    match store.write(key, size, stream).await {
        Ok(()) => Ok(None),
        Err(error @ (BlobError::NotTheContent(_) | BlobError::Body(_))) => Ok(Some(error.to_string())),
        Err(error) => Err(error.into()),
    }
}
