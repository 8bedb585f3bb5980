//! Signed download links: whoever holds one may download one entry for a while, without a token.

use cairn_domain::blob::Blob;
use cairn_domain::{FileId, Sha256, StreamName, Timestamp};
use subtle::ConstantTimeEq;

use crate::content::{Copy, sound_copies};
use crate::ports::blobs::OpenLink;
use crate::{Drive, Trouble};

/// What a link grants, and its signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The entry.
    pub file: FileId,
    /// Until when.
    pub expires_at: Timestamp,
    /// HMAC-SHA-256 over both, under the drive's secret.
    pub signature: [u8; 32],
}

/// Grants the download of an entry for that many seconds, bounded by the configured limit. Who asks must own the entry.
pub fn sign_link(drive: &Drive, file: FileId, expires_in_seconds: Option<u64>) -> Link {
    let limits = &drive.limits;
    let seconds = expires_in_seconds.unwrap_or(limits.link_expires_seconds_default).min(limits.link_expires_seconds_max);
    let now = drive.ports.clock.now();
    // The link carries whole seconds.
    let expires_at = Timestamp(now.seconds() * 1_000_000).plus_seconds(seconds);
    Link { file, expires_at, signature: signature(drive, file, expires_at) }
}

/// An address for the same at the store that holds the content, if it has such: then the bytes need not come through the drive. Like the link, it
/// works until its time has come, and unlike it also when the entry is deleted before.
pub async fn link_at_store(drive: &Drive, sha256: Sha256, wish: &OpenLink) -> Result<Option<String>, Trouble> {
    let blob = drive.journal.load::<Blob>(&StreamName::blob(sha256)).await?.state;
    let Some(content) = blob.content() else { return Ok(None) };
    let policy = drive.ports.stores.policy();
    for Copy { store, key } in sound_copies(&drive.ports.stores, &blob, sha256) {
        // Where it does not stay, the address would lead nowhere after a while.
        if policy.stays(store.name(), content.size)
            && let Some(link) = store.link(key, wish).await?
        {
            return Ok(Some(link));
        }
    }
    Ok(None)
}

/// True while the link is good.
pub fn link_is_good(drive: &Drive, link: &Link) -> bool {
    let right = signature(drive, link.file, link.expires_at).ct_eq(&link.signature);
    bool::from(right) && drive.ports.clock.now() < link.expires_at
}

fn signature(drive: &Drive, file: FileId, expires_at: Timestamp) -> [u8; 32] {
    drive.sign(&[b"download link", file.0.as_bytes(), &expires_at.seconds().to_be_bytes()])
}
