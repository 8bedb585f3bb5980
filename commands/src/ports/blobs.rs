//! Where whole contents lie, by their SHA-256.

use std::sync::Arc;

use async_trait::async_trait;
use cairn_domain::blob::BlobKey;

use super::tasks::StoreKind;
use super::{BoxError, ByteStream};

#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod memory;

pub use memory::MemoryBlobs;

/// A store of whole contents. Bytes get in by way of [`Staging`](super::staging::Staging), which hashes them, or from another store.
///
/// - What lies under a key never changes; [`read`](Self::read) may be called by any number of readers at once.
/// - A copy is there as a whole or not at all, also after a crash at any moment.
/// - Memory in use does not grow with the size of a copy.
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// The store's name in events, as configured.
    fn name(&self) -> &str;

    /// What workers of the design before would call it.
    fn kind(&self) -> StoreKind;

    /// Where such workers find the copy, or are to put it: a path, or the key of an object.
    fn address(&self, key: BlobKey) -> String;

    /// The size in bytes, if the copy is there.
    async fn size(&self, key: BlobKey) -> Result<Option<u64>, BlobError>;

    /// The bytes of `offset..offset + length`, which must lie within the copy. The stream fails rather than ending early.
    async fn read(&self, key: BlobKey, offset: u64, length: u64) -> Result<Opened, BlobError>;

    /// Takes a copy from a stream, which must hold exactly `size` bytes and have the key's SHA-256: otherwise
    /// [`BlobError::NotTheContent`], and nothing is there that was not there before. Once this has succeeded the copy is durable,
    /// verified as far as the store tells what it holds, and stands in the place of whatever was there. Several may write the same at once.
    async fn write(&self, key: BlobKey, size: u64, body: ByteStream) -> Result<(), BlobError>;

    /// Removes the copy. When none is there, that is no error. Who reads it already may or may not come to the end.
    async fn remove(&self, key: BlobKey) -> Result<(), BlobError>;

    /// Gives back what writers of this copy have left that died in the middle; whoever is still at it may find that it is there already. Only
    /// after a [`write`](Self::write) of it has succeeded. Stores that find such by themselves have nothing to do.
    async fn tidy(&self, _key: BlobKey, _size: u64) -> Result<(), BlobError> {
        Ok(())
    }

    /// The copies that are there, at most `limit`, after one of them (excluded), in an order of the store's own. What is no copy is passed over.
    async fn list(&self, after: Option<BlobKey>, limit: usize) -> Result<Vec<BlobKey>, BlobError>;

    /// An address at the store itself under which whoever knows it reads the copy for a while; none when it is not there, or when the
    /// store has no such addresses.
    async fn link(&self, key: BlobKey, wish: &OpenLink) -> Result<Option<String>, BlobError>;

    /// Whether it answers just now.
    async fn reachable(&self) -> Result<(), BlobError>;
}

/// A copy that is being read.
pub struct Opened {
    /// What was asked for.
    pub bytes: ByteStream,
    /// Whatever range was asked for. None when the store can't tell.
    pub revision: Option<Revision>,
}

/// As what a store knows the bytes of a copy, without reading them: another one when others were written in their place. Bytes that rot where they
/// lie keep theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision(pub String);

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
    /// There is no such copy.
    #[error("there is no blob {0}")]
    Absent(BlobKey),
    /// The range does not lie within the copy.
    #[error("the range is outside of the blob")]
    OutOfRange,
    /// What came to be written has another size or another hash, or ended too early.
    #[error("what was to become the blob {0} is something else")]
    NotTheContent(BlobKey),
    /// What was to be written could not be read to its end.
    #[error("the bytes could not be read to their end")]
    Body(#[source] std::io::Error),
    /// There is no room left.
    #[error("the blob store has no room left")]
    Full,
    /// Nothing is known: try again.
    #[error("the blob store did not answer")]
    Unavailable(#[source] BoxError),
}

/// Every store that is configured, by its name, and which content goes where.
#[derive(Clone)]
pub struct Stores {
    landing: Arc<dyn BlobStore>,
    others: Vec<Arc<dyn BlobStore>>,
    policy: MovePolicy,
}

/// Where contents go that have landed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MovePolicy {
    /// The stores that shall have them in the end; none, and they stay where they are.
    pub to: Vec<String>,
    /// How long they stay where they landed, in seconds.
    pub after_seconds: u64,
    /// The smallest that goes, in bytes.
    pub bytes_min: u64,
    /// The largest that goes, in bytes; none for no limit.
    pub bytes_max: Option<u64>,
}

impl MovePolicy {
    /// The stores to which a content of that size goes on from there; none when it stays.
    pub fn destinations(&self, store: &str, size: u64) -> Vec<String> {
        if self.stays(store, size) { Vec::new() } else { self.to.clone() }
    }

    /// Whether a copy in that store is there to stay.
    pub fn stays(&self, store: &str, size: u64) -> bool {
        let concerned = size >= self.bytes_min && self.bytes_max.is_none_or(|bytes_max| size <= bytes_max);
        !concerned || self.to.is_empty() || self.to.iter().any(|to| to == store)
    }
}

impl Stores {
    /// The store that takes uploads, and those that don't.
    pub fn new(landing: Arc<dyn BlobStore>, others: Vec<Arc<dyn BlobStore>>) -> Self {
        Self { landing, others, policy: MovePolicy::default() }
    }

    /// The same, from where contents go on.
    #[must_use]
    pub fn moving(self, policy: MovePolicy) -> Self {
        Self { policy, ..self }
    }

    /// Which content goes where.
    pub fn policy(&self) -> &MovePolicy {
        &self.policy
    }

    /// The store that takes uploads.
    pub fn landing(&self) -> &Arc<dyn BlobStore> {
        &self.landing
    }

    /// All of them, the one that takes uploads first.
    pub fn each(&self) -> impl Iterator<Item = &Arc<dyn BlobStore>> {
        std::iter::once(&self.landing).chain(&self.others)
    }

    /// The store of that name; none when it is not configured.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn BlobStore>> {
        self.each().find(|store| store.name() == name)
    }
}
