//! Bytes are read once more: for the whole-file hashes that have not seen them, or because nobody here knows what they are.

use std::io;

use bytes::Bytes;
use cairn_commands::ports::staging::StagingError;
use cairn_domain::upload::Part;
use cairn_domain::{Sha256, UploadId};
use sha2::Digest;

use super::super::bucket::Bucket;
use super::super::download::Download;
use crate::prefix::Prefix;

/// An object from some place on.
pub(super) struct Reader {
    upload: UploadId,
    download: Option<Download>,
    /// Read and not yet taken.
    rest: Bytes,
}

impl Reader {
    pub(super) async fn open(bucket: &Bucket, upload: UploadId, key: &str, range: (u64, u64)) -> Result<Self, StagingError> {
        let download = match range.1 - range.0 {
            0 => None,
            length => Some(bucket.read(key, range.0, length).await.map_err(|trouble| trouble.of(upload))?),
        };
        Ok(Self { upload, download, rest: Bytes::new() })
    }

    /// At most so many bytes; none at the end.
    pub(super) async fn next(&mut self, bytes_max: u64) -> Result<Bytes, StagingError> {
        if self.rest.is_empty()
            && let Some(download) = &mut self.download
        {
            self.rest = download.next().await.map_err(|error| explain(error, self.upload))?.unwrap_or_default();
        }
        let length = usize::try_from(bytes_max).unwrap_or(usize::MAX).min(self.rest.len());
        Ok(self.rest.split_to(length))
    }

    /// Takes the bytes of the next part; tells what they are.
    pub(super) async fn part(&mut self, length: u64, mut prefix: Option<&mut Prefix>) -> Result<Sha256, StagingError> {
        let mut hasher = sha2::Sha256::new();
        let mut left = length;
        while left > 0 {
            let bytes = self.next(left).await?;
            if bytes.is_empty() {
                return Err(StagingError::Damaged { upload: self.upload });
            }
            left -= bytes.len() as u64;
            hasher.update(&bytes);
            if let Some(prefix) = prefix.as_deref_mut() {
                prefix.update(&bytes);
            }
        }
        Ok(Sha256(hasher.finalize().into()))
    }
}

/// Which part is not what it should be.
pub(super) struct Wrong(pub(super) Part, pub(super) Sha256);

/// Takes the hashes further, from where they are to the end of the object, and compares each part.
pub(super) async fn hash_rest(
    bucket: &Bucket,
    upload: UploadId,
    key: &str,
    (parts, covered): (&[(Part, Sha256)], usize),
    mut prefix: Prefix,
) -> Result<Result<Prefix, Wrong>, StagingError> {
    let size = parts.last().map_or(0, |(last, _)| last.offset + last.length);
    let mut reader = Reader::open(bucket, upload, key, (prefix.position(), size)).await?;
    for (part, sha256) in &parts[covered..] {
        let actual = reader.part(part.length, Some(&mut prefix)).await?;
        if actual != *sha256 {
            return Ok(Err(Wrong(*part, actual)));
        }
        prefix.end_part(*part, *sha256);
    }
    Ok(Ok(prefix))
}

/// The store has said that the bytes are damaged, or nothing is known.
fn explain(error: io::Error, upload: UploadId) -> StagingError {
    match error.kind() {
        io::ErrorKind::InvalidData => StagingError::Damaged { upload },
        _ => StagingError::Unavailable(error.into()),
    }
}
