//! Where whole contents lie, by their SHA-256.

use async_trait::async_trait;
use cairn_domain::Sha256;

use super::{BoxError, ByteStream};

#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod memory;

pub use memory::MemoryBlobs;

/// A store of whole contents. Bytes get in by way of [`Staging`](super::staging::Staging), which hashes them.
///
/// A blob never changes; [`read`](Self::read) may be called by any number of readers at once. Memory in use does not
/// grow with the size of the blob.
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// The store's name in events, as configured.
    fn name(&self) -> &str;

    /// The size in bytes, if the blob is there.
    async fn size(&self, sha256: Sha256) -> Result<Option<u64>, BlobError>;

    /// The bytes of `offset..offset + length`, which must lie within the blob. The stream fails rather than ending early.
    async fn read(&self, sha256: Sha256, offset: u64, length: u64) -> Result<ByteStream, BlobError>;

    /// An address at the store itself under which whoever knows it reads the blob for a while; none when the blob is not there, or when the
    /// store has no such addresses.
    async fn link(&self, sha256: Sha256, wish: &OpenLink) -> Result<Option<String>, BlobError>;

    /// Whether it answers just now.
    async fn reachable(&self) -> Result<(), BlobError>;
}

/// What an address for everybody is to be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenLink {
    /// How long it works, at most seven days.
    pub seconds: u64,
    /// The `Content-Disposition` of the answer.
    pub disposition: String,
    /// The `Content-Type` of the answer.
    pub content_type: String,
}

/// Why a store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no such blob.
    #[error("there is no blob {0}")]
    Absent(Sha256),
    /// The range does not lie within the blob.
    #[error("the range is outside of the blob")]
    OutOfRange,
    /// Nothing is known: try again.
    #[error("the blob store did not answer")]
    Unavailable(#[source] BoxError),
}
