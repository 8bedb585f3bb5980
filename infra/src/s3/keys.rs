//! The names of the objects, there and back, without the prefix of the settings.

use cairn_domain::blob::BlobKey;
use cairn_domain::{Sha256, UploadId};

/// Below it stands one folder for each upload.
pub(super) const STAGING: &str = "staging/";

/// Below it stand the whole contents.
pub(super) const BLOBS: &str = "blobs/";

pub(super) fn blob(key: BlobKey) -> String {
    format!("{BLOBS}{key}")
}

/// The copy whose name it is; none when it is something else.
pub(super) fn key_of(name: &str) -> Option<BlobKey> {
    name.strip_prefix(BLOBS)?.parse().ok()
}

/// What is only there to see what the store does with it.
pub(super) fn probe(nonce: &str) -> String {
    format!("probes/{nonce}")
}

/// Everything of one upload.
pub(super) fn folder(upload: UploadId) -> String {
    format!("{STAGING}{upload}/")
}

/// The upload to which a key or a folder belongs.
pub(super) fn upload_of(key: &str) -> Option<UploadId> {
    key.strip_prefix(STAGING)?.split('/').next()?.parse().ok()
}

/// Whatever belongs to an upload in parts as a whole.
pub(super) fn plan(upload: UploadId) -> String {
    format!("{}plan", folder(upload))
}

pub(super) fn slot(upload: UploadId, slot: i32) -> String {
    format!("{}slots/{slot}", folder(upload))
}

pub(super) fn last(upload: UploadId) -> String {
    format!("{}slots/last", folder(upload))
}

pub(super) fn closed(upload: UploadId) -> String {
    format!("{}closed", folder(upload))
}

/// Of a later layout, by its number; the first has none.
pub(super) fn layout(upload: UploadId, number: u32) -> String {
    match number {
        0 => format!("{}layout", folder(upload)),
        later => format!("{}layout-{later}", folder(upload)),
    }
}

pub(super) fn data(upload: UploadId) -> String {
    format!("{}data", folder(upload))
}

pub(super) fn sealed(upload: UploadId) -> String {
    format!("{}sealed", folder(upload))
}

pub(super) fn damaged(upload: UploadId) -> String {
    format!("{}damaged", folder(upload))
}

/// Bytes whose hash was not known when they began to come.
pub(super) fn nameless(upload: UploadId, nonce: &str) -> String {
    format!("{}bytes/{nonce}", folder(upload))
}

/// Whether these are such bytes. Nobody else writes to their key.
pub(super) fn is_nameless(key: &str) -> bool {
    key.starts_with(STAGING) && key.contains("/bytes/")
}

/// All files that came in one piece.
pub(super) fn wholes(upload: UploadId) -> String {
    format!("{}whole/", folder(upload))
}

/// All versions of parts that stand in objects of their own.
pub(super) fn versions(upload: UploadId) -> String {
    format!("{}parts/", folder(upload))
}

pub(super) fn whole(upload: UploadId, sha256: Sha256) -> String {
    format!("{}{sha256}", wholes(upload))
}

pub(super) fn version(upload: UploadId, offset: u64, sha256: Sha256) -> String {
    format!("{}{offset}-{sha256}", versions(upload))
}

/// The name of nameless bytes: an empty object beside which the bytes stand.
pub(super) fn pointer(name: &str, nonce: &str) -> String {
    format!("{name}.{nonce}")
}

/// What a name stands for: itself, or the nameless bytes to which it points.
pub(super) fn bytes_of(upload: UploadId, name: &str) -> String {
    match name.rsplit_once('.') {
        Some((_, nonce)) => nameless(upload, nonce),
        None => name.to_owned(),
    }
}

/// The part that a version's name tells.
pub(super) fn parse_version(upload: UploadId, key: &str) -> Option<(u64, Sha256)> {
    let name = key.strip_prefix(&versions(upload))?;
    let name = name.split_once('.').map_or(name, |(name, _)| name);
    let (offset, sha256) = name.split_once('-')?;
    Some((offset.parse().ok()?, sha256.parse().ok()?))
}
