//! What every saga does with a single copy of a content.

use std::sync::Arc;

use cairn_domain::blob::{Blob, BlobCommand, BlobKey, BlobRejection};
use cairn_domain::{Decider, StreamName};
use futures_util::StreamExt;
use sha2::Digest;

use super::pace::Pace;
use crate::journal::{Executed, Start};
use crate::ports::blobs::{BlobError, BlobStore};
use crate::{Drive, Loaded, Request, Trouble};

/// Reads a copy to its end. False when it is not the content, or not there.
pub(crate) async fn is_sound(store: &Arc<dyn BlobStore>, key: BlobKey, size: u64, pace: Option<&Pace>) -> Result<bool, BlobError> {
    let opened = match store.read(key, 0, size).await {
        Err(BlobError::Absent(_) | BlobError::OutOfRange) => return Ok(false),
        read => read?,
    };
    let mut stream = Pace::slow(pace, opened.bytes);
    let mut hasher = sha2::Sha256::new();
    while let Some(piece) = stream.next().await {
        match piece {
            Ok(piece) => hasher.update(piece),
            Err(error) if tells_damage(&error) => return Ok(false),
            Err(error) => return Err(BlobError::Unavailable(error.into())),
        }
    }
    // What is longer than it should be has the right beginning.
    let whole = store.size(key).await? == Some(size);
    Ok(whole && hasher.finalize()[..] == key.sha256.0)
}

/// The store itself has found the bytes wrong, or the disk can't read them any more.
pub(crate) fn tells_damage(error: &std::io::Error) -> bool {
    const EIO: i32 = 5;
    error.kind() == std::io::ErrorKind::InvalidData || error.raw_os_error() == Some(EIO)
}

/// Whether this is the name under which the store has, or would get, its copy: not after the copy was removed or the content deleted.
pub(super) fn is_named(blob: &Blob, store: &str, key: BlobKey) -> bool {
    blob.content().is_some() && blob.key_in(store, key.sha256) == key
}

/// Changes what the log says of a copy, unless it is another one by now. The last sound copy stays, and what is gone needs no change.
pub(crate) async fn change_copy(
    drive: &Drive,
    store: &str,
    key: BlobKey,
    request: &Request,
    command: BlobCommand,
) -> Result<Executed<Blob>, Trouble> {
    let decide = |blob: &Loaded<Blob>| {
        if !is_named(&blob.state, store, key) {
            return Ok(Vec::new());
        }
        match blob.state.decide(command.clone()) {
            Ok(events) => Ok(events),
            Err(BlobRejection::NotStored | BlobRejection::NoSuchCopy | BlobRejection::LastCopy) => Ok(Vec::new()),
        }
    };
    drive.journal().execute_and_tell::<Blob, Trouble>(&StreamName::blob(key.sha256), Start::Load, request, decide).await
}

/// The bytes under this name were read, and are not the content. False when that was known, or the copy has gone meanwhile, as it should.
pub(super) async fn note_damage(drive: &Drive, store: &str, key: BlobKey) -> Result<bool, Trouble> {
    let request = Request::of_system(drive.ports().ids.command());
    tracing::error!(%key, store, "a copy is damaged");
    Ok(change_copy(drive, store, key, &request, BlobCommand::FindDamaged { store: store.to_owned() }).await?.event.is_some())
}
