//! Several stores as one.

use std::sync::Arc;

use async_trait::async_trait;
use cairn_commands::ports::ByteStream;
use cairn_commands::ports::blobs::{BlobError, BlobStore, OpenLink};
use cairn_domain::Sha256;

/// The store that takes uploads, and others that may hold what came before them. Contents are looked for in this order.
pub struct AllStores {
    landing: Arc<dyn BlobStore>,
    others: Vec<Arc<dyn BlobStore>>,
}

impl AllStores {
    /// All of them under the name of the first.
    pub fn new(landing: Arc<dyn BlobStore>, others: Vec<Arc<dyn BlobStore>>) -> Self {
        Self { landing, others }
    }

    fn each(&self) -> impl Iterator<Item = &Arc<dyn BlobStore>> {
        std::iter::once(&self.landing).chain(&self.others)
    }
}

/// What the stores have said so far. One that does not answer may be the one that has it, so its trouble counts when no other has.
struct Search {
    trouble: Option<BlobError>,
}

impl Search {
    const fn begin() -> Self {
        Self { trouble: None }
    }

    /// The answer, if this is one.
    fn judge<T>(&mut self, answer: Result<Option<T>, BlobError>) -> Option<Result<T, BlobError>> {
        match answer {
            Ok(found) => found.map(Ok),
            Err(BlobError::Absent(_)) => None,
            Err(BlobError::OutOfRange) => Some(Err(BlobError::OutOfRange)),
            Err(trouble @ BlobError::Unavailable(_)) => {
                self.trouble.get_or_insert(trouble);
                None
            }
        }
    }

    fn nowhere<T>(self) -> Result<Option<T>, BlobError> {
        self.trouble.map_or(Ok(None), Err)
    }
}

#[async_trait]
impl BlobStore for AllStores {
    fn name(&self) -> &str {
        self.landing.name()
    }

    async fn size(&self, sha256: Sha256) -> Result<Option<u64>, BlobError> {
        let mut search = Search::begin();
        for store in self.each() {
            if let Some(size) = search.judge(store.size(sha256).await) {
                return size.map(Some);
            }
        }
        search.nowhere()
    }

    async fn read(&self, sha256: Sha256, offset: u64, length: u64) -> Result<ByteStream, BlobError> {
        let mut search = Search::begin();
        for store in self.each() {
            if let Some(read) = search.judge(store.read(sha256, offset, length).await.map(Some)) {
                return read;
            }
        }
        Err(search.nowhere::<()>().err().unwrap_or(BlobError::Absent(sha256)))
    }

    async fn link(&self, sha256: Sha256, wish: &OpenLink) -> Result<Option<String>, BlobError> {
        let mut search = Search::begin();
        for store in self.each() {
            if let Some(link) = search.judge(store.link(sha256, wish).await) {
                return link.map(Some);
            }
        }
        search.nowhere()
    }

    /// The others hold what is old: without them most goes on.
    async fn reachable(&self) -> Result<(), BlobError> {
        self.landing.reachable().await
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use cairn_commands::ports::blobs::{MemoryBlobs, contract};
    use futures_util::TryStreamExt;
    use sha2::Digest;

    use super::*;

    /// Nobody knows what it holds.
    struct Dead;

    #[async_trait]
    impl BlobStore for Dead {
        fn name(&self) -> &'static str {
            "dead"
        }

        async fn size(&self, _: Sha256) -> Result<Option<u64>, BlobError> {
            Err(BlobError::Unavailable("dead".into()))
        }

        async fn read(&self, _: Sha256, _: u64, _: u64) -> Result<ByteStream, BlobError> {
            Err(BlobError::Unavailable("dead".into()))
        }

        async fn link(&self, _: Sha256, _: &OpenLink) -> Result<Option<String>, BlobError> {
            Err(BlobError::Unavailable("dead".into()))
        }

        async fn reachable(&self) -> Result<(), BlobError> {
            Err(BlobError::Unavailable("dead".into()))
        }
    }

    fn holding(contents: impl IntoIterator<Item = Bytes>) -> Arc<MemoryBlobs> {
        let blobs = MemoryBlobs::default();
        for content in contents {
            blobs.put(content);
        }
        Arc::new(blobs)
    }

    #[tokio::test]
    async fn several_stores_pass_the_contract_of_one() {
        contract::suite(&AllStores::new(holding([]), vec![holding([contract::content()]), holding([Bytes::new()])])).await;
    }

    #[tokio::test]
    async fn a_dead_store_hides_nothing_and_is_not_taken_for_an_empty_one() {
        let (here, nowhere) = (Bytes::from_static(b"here"), Sha256([1; 32]));
        let sha256 = Sha256(sha2::Sha256::digest(&here).into());
        let all = AllStores::new(Arc::new(Dead), vec![holding([here.clone()])]);
        let read: Vec<Bytes> = all.read(sha256, 0, 4).await.expect("read").try_collect().await.expect("whole");
        assert_eq!(read.concat(), here);
        assert_eq!(all.size(sha256).await.expect("told"), Some(4));
        assert!(matches!(all.size(nowhere).await, Err(BlobError::Unavailable(_))));
        assert!(matches!(all.read(nowhere, 0, 1).await, Err(BlobError::Unavailable(_))));
    }
}
