//! Where the bytes of uploads gather until they are whole.

use std::time::Duration;

use async_trait::async_trait;
use cairn_domain::blob::BlobKey;
use cairn_domain::upload::Part;
use cairn_domain::{Sha1, Sha256, UploadId};

use super::{BoxError, ByteStream};

#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod memory;

pub use memory::MemoryStaging;

/// A place for the bytes of uploads, on the same store as the blobs, so that a finished upload becomes a blob
/// without a copy.
///
/// - Whatever a method returned successfully is durable: it outlives a power cut.
/// - Nothing of it can be read as a blob before [`promote`](Self::promote).
/// - Memory in use does not grow with the size of an upload or of a part.
/// - Parts of one upload may be written at once, also the same part by several callers; a caller that fails or is
///   dropped half-way never harms a part that is there.
/// - Until the upload ends, every version of a part that was written may be the one that the log names in the end, because
///   it is recorded only afterwards; whichever it is, [`seal`](Self::seal) finds its bytes. (Of a part that is replaced again and
///   again, only the last few versions besides the recorded one are kept.)
/// - All parts of an upload are cut by one plan, so they never overlap in part.
#[async_trait]
pub trait Staging: Send + Sync {
    /// Makes room for an upload in parts, `size` bytes in all. Again with the same size is no error and changes nothing.
    /// [`StagingError::Full`] when there is no room.
    async fn open(&self, upload: UploadId, size: u64) -> Result<(), StagingError>;

    /// Takes a whole file from a stream: hashed, durable, not yet a blob. More than `bytes_max` bytes are refused and
    /// leave nothing behind.
    async fn receive(&self, upload: UploadId, body: ByteStream, bytes_max: u64) -> Result<Whole, StagingError>;

    /// Takes one part of an open upload and makes it durable. `taken` is the SHA-256 of what the log already has
    /// for this part, if it has it: those bytes must stay readable until the next part of this range is recorded, so they are never
    /// written over in place. When the bytes turn out to be the same, nothing is kept.
    ///
    /// The stream must hold exactly `part.length` bytes, and have the digest that is `expected`, if one is;
    /// otherwise the part is refused and what was there stays.
    async fn write_part(
        &self,
        upload: UploadId,
        part: Part,
        body: ByteStream,
        expected: Option<Sha256>,
        taken: Option<Sha256>,
    ) -> Result<Sha256, StagingError>;

    /// Puts the recorded parts together in one durable file and tells its digests. `parts` is every part as the log has it,
    /// in order, without gaps. Bytes that were hashed in order while they came in are not read again. May be repeated, also
    /// with other versions of the parts. A part that is still coming in meanwhile may be refused as [`StagingError::Unavailable`].
    async fn seal(&self, upload: UploadId, parts: &[(Part, Sha256)]) -> Result<Whole, StagingError>;

    /// Makes the received or sealed file the copy of that key in the store beside it: rename, not copy. When the copy is there already, the
    /// staged bytes take its place, or go. May be repeated, also after a crash at any moment in it.
    ///
    /// The bytes stay durable, the promotion need not be: a power cut may undo it, in which case [`list`](Self::list) shows the
    /// upload again at the next start, and it has to be promoted again before anybody reads.
    ///
    /// [`StagingError::Absent`] when no file of that hash was received, nor sealed last: after sealing other versions of the
    /// parts, seal the recorded ones again.
    async fn promote(&self, upload: UploadId, key: BlobKey) -> Result<(), StagingError>;

    /// Gives back all space of the upload, at once: whoever is writing to it or sealing it is interrupted. Again, or for one
    /// that is not there, is no error.
    async fn discard(&self, upload: UploadId) -> Result<(), StagingError>;

    /// Whether the upload has something here.
    async fn holds(&self, upload: UploadId) -> Result<bool, StagingError>;

    /// Every upload that has something here, but to which nothing has come for this long. With no time at all: for what is to be done after a crash,
    /// before anybody else comes. Otherwise for what is to be done beside others, who are at work on what they have just touched.
    async fn list(&self, quiet: Duration) -> Result<Vec<UploadId>, StagingError>;

    /// Whether it answers just now.
    async fn reachable(&self) -> Result<(), StagingError>;
}

/// A file as the server itself hashed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole {
    /// In bytes.
    pub size: u64,
    /// Of all bytes.
    pub sha256: Sha256,
    /// Of all bytes.
    pub sha1: Sha1,
}

/// Why staging did not do what was asked. After each of them the upload is as it was before the call.
#[derive(Debug, thiserror::Error)]
pub enum StagingError {
    /// The upload has nothing here.
    #[error("nothing is staged for upload {0}")]
    Absent(UploadId),
    /// More bytes came than are allowed, or than the part has.
    #[error("the body is longer than {limit} bytes")]
    TooLong {
        /// How many bytes were allowed.
        limit: u64,
    },
    /// The body ended too early.
    #[error("the body has {actual} bytes instead of {expected}")]
    TooShort {
        /// As planned, in bytes.
        expected: u64,
        /// As received, in bytes.
        actual: u64,
    },
    /// The bytes are not the ones that were announced.
    #[error("the bytes have the SHA-256 {actual}")]
    DigestMismatch {
        /// What they have.
        actual: Sha256,
    },
    /// The sender went away or stalled.
    #[error("the body could not be read to its end")]
    Body(#[source] std::io::Error),
    /// There is no room left.
    #[error("there is no room left for uploads")]
    Full,
    /// What is staged is not what the log has: damaged behind the program's back.
    #[error("the staged bytes of upload {upload} are not what was received")]
    Damaged {
        /// Which.
        upload: UploadId,
    },
    /// Nothing is known: try again.
    #[error("the staging area did not answer")]
    Unavailable(#[source] BoxError),
}
