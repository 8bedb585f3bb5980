//! What every blob store has to pass. How a content gets in is not its business, so the caller puts it there.

use bytes::Bytes;
use cairn_domain::Sha256;
use futures_util::TryStreamExt;
use futures_util::future::join_all;

use super::{BlobError, BlobStore};

/// Larger than a piece of any store, and no multiple of anything.
const CONTENT_BYTES: usize = 3 * 1024 * 1024 + 54_321;

/// The content that has to be in the store before [`suite`] runs.
pub fn content() -> Bytes {
    (0..CONTENT_BYTES).map(|index| (index * 31 + index / 251 + index / 65_521) as u8).collect::<Vec<_>>().into()
}

/// Runs every check on a store that holds [`content`] and the empty content.
///
/// # Panics
/// When the store breaks the contract.
pub async fn suite(blobs: &dyn BlobStore) {
    let content = content();
    let sha256 = sha256_of(&content);
    assert!(!blobs.name().is_empty());
    sizes_are_told(blobs, sha256).await;
    every_range_is_read_exactly(blobs, &content).await;
    what_is_not_there_is_absent(blobs).await;
    ranges_beyond_the_end_are_refused(blobs, sha256).await;
    many_read_at_once(blobs, &content).await;
    a_reader_may_stop(blobs, sha256).await;
}

fn sha256_of(bytes: &[u8]) -> Sha256 {
    use sha2::Digest;
    Sha256(sha2::Sha256::digest(bytes).into())
}

async fn read(blobs: &dyn BlobStore, sha256: Sha256, offset: u64, length: u64) -> Vec<u8> {
    let pieces = blobs.read(sha256, offset, length).await.unwrap_or_else(|error| panic!("{offset}+{length}: {error:?}"));
    let pieces: Vec<Bytes> = pieces.try_collect().await.unwrap_or_else(|error| panic!("{offset}+{length}: {error:?}"));
    pieces.concat()
}

async fn sizes_are_told(blobs: &dyn BlobStore, sha256: Sha256) {
    let size = async |sha256| blobs.size(sha256).await.unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(size(sha256).await, Some(CONTENT_BYTES as u64));
    assert_eq!(size(sha256_of(b"")).await, Some(0));
    assert_eq!(size(Sha256([0xab; 32])).await, None);
}

async fn every_range_is_read_exactly(blobs: &dyn BlobStore, content: &Bytes) {
    let end = CONTENT_BYTES;
    let kib = 1024;
    let ranges = [
        (0, end),
        (0, 1),
        (0, 0),
        (end, 0),
        (end - 1, 1),
        (1, end - 1),
        (100, 256 * kib),
        (100, 256 * kib + 1),
        (777, 2 * 1024 * kib),
        (end - 300 * kib, 300 * kib),
    ];
    for (offset, length) in ranges {
        let bytes = read(blobs, sha256_of(content), offset as u64, length as u64).await;
        assert!(bytes == content[offset..offset + length], "{offset}+{length} has other bytes");
    }
    assert!(read(blobs, sha256_of(b""), 0, 0).await.is_empty());
}

async fn what_is_not_there_is_absent(blobs: &dyn BlobStore) {
    let absent = Sha256([0xab; 32]);
    for length in [0, 10] {
        let refused = blobs.read(absent, 0, length).await.err();
        assert!(matches!(refused, Some(BlobError::Absent(told)) if told == absent), "{refused:?}");
    }
}

async fn ranges_beyond_the_end_are_refused(blobs: &dyn BlobStore, sha256: Sha256) {
    let size = CONTENT_BYTES as u64;
    for (offset, length) in [(0, size + 1), (size, 1), (size + 1, 0), (1, u64::MAX), (u64::MAX, 1), (u64::MAX, u64::MAX)] {
        let refused = blobs.read(sha256, offset, length).await.err();
        assert!(matches!(refused, Some(BlobError::OutOfRange)), "{offset}+{length}: {refused:?}");
    }
}

async fn many_read_at_once(blobs: &dyn BlobStore, content: &Bytes) {
    let sha256 = sha256_of(content);
    let reads = (0..16_usize).map(|reader| async move {
        let offset = reader * 50_000;
        let length = CONTENT_BYTES - 2 * offset;
        let bytes = read(blobs, sha256, offset as u64, length as u64).await;
        assert!(bytes == content[offset..offset + length], "reader {reader} got other bytes");
    });
    join_all(reads).await;
}

async fn a_reader_may_stop(blobs: &dyn BlobStore, sha256: Sha256) {
    for _ in 0..8 {
        let mut pieces = blobs.read(sha256, 0, CONTENT_BYTES as u64).await.unwrap_or_else(|error| panic!("{error:?}"));
        let first = pieces.try_next().await.unwrap_or_else(|error| panic!("{error:?}"));
        assert!(first.is_some_and(|piece| !piece.is_empty()));
    }
    assert_eq!(read(blobs, sha256, 10, 10).await.len(), 10);
}
