//! A body of an upload, whose size nobody knows before its end.

use std::sync::Arc;

use cairn_commands::ports::ByteStream;
use cairn_commands::ports::staging::{StagingError, Whole};
use cairn_digest::Hasher;
use cairn_domain::{Sha1, Sha256, UploadId};

use super::super::bucket::Bucket;
use super::super::keys;
use super::super::pour::{self, Cut, Landed, PourError, Poured, Sums};

/// Where a body may go that is larger than memory allows.
pub(super) struct Target {
    pub(super) bucket: Arc<Bucket>,
    pub(super) upload: UploadId,
    /// Of the nameless bytes.
    pub(super) nonce: String,
}

impl Sums for Hasher {
    fn update(&mut self, bytes: &[u8]) {
        Self::update(self, bytes);
    }
}

/// Pours the body out. More than `bytes_max` bytes are refused, and nothing is left of them.
pub(super) async fn pour(target: Target, body: ByteStream, bytes_max: u64) -> Result<(Whole, Landed), StagingError> {
    let Target { bucket, upload, nonce } = target;
    let target = pour::Target { bucket, key: keys::nameless(upload, &nonce), cut: Cut::OF_UNKNOWN_SIZE };
    let poured = pour::pour(target, body, bytes_max, Hasher::new()).await;
    let Poured { size, sums, landed } = poured.map_err(|error| match error {
        PourError::TooLong => StagingError::TooLong { limit: bytes_max },
        PourError::Body(source) => StagingError::Body(source),
        PourError::Store(trouble) => trouble.of(upload),
    })?;
    let digests = sums.finish();
    Ok((Whole { size, sha256: Sha256(digests.sha256), sha1: Sha1(digests.sha1) }, landed))
}
