//! What every blob store has to pass.

use std::io;

use bytes::Bytes;
use cairn_domain::Sha256;
use cairn_domain::blob::BlobKey;
use futures_util::future::join_all;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{BlobError, BlobStore, Revision};
use crate::ports::ByteStream;

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
    let key = key_of(&content);
    assert!(!blobs.name().is_empty());
    sizes_are_told(blobs, key).await;
    every_range_is_read_exactly(blobs, &content).await;
    what_is_not_there_is_absent(blobs).await;
    ranges_beyond_the_end_are_refused(blobs, key).await;
    a_copy_has_one_revision(blobs, key).await;
    many_read_at_once(blobs, &content).await;
    a_reader_may_stop(blobs, key).await;
    a_copy_is_written_and_removed(blobs, &content).await;
    copies_of_one_content_are_apart(blobs).await;
    what_is_not_the_content_is_not_written(blobs, &content).await;
    many_write_at_once(blobs, &content).await;
    a_written_copy_takes_the_place_of_what_was_there(blobs).await;
    every_copy_is_listed_once(blobs).await;
}

/// A key that no other check uses.
fn spare(generation: u32, content: &[u8]) -> BlobKey {
    BlobKey { sha256: sha256_of(content), generation }
}

fn body(content: &Bytes) -> ByteStream {
    let (content, piece_bytes) = (content.clone(), 100_000);
    let starts: Vec<usize> = (0..content.len()).step_by(piece_bytes).collect();
    let pieces = starts.into_iter().map(move |at| Ok(content.slice(at..content.len().min(at + piece_bytes))));
    stream::iter(pieces).boxed()
}

async fn write(blobs: &dyn BlobStore, key: BlobKey, content: &Bytes) {
    blobs.write(key, content.len() as u64, body(content)).await.unwrap_or_else(|error| panic!("{key}: {error:?}"));
}

async fn remove(blobs: &dyn BlobStore, key: BlobKey) {
    blobs.remove(key).await.unwrap_or_else(|error| panic!("{key}: {error:?}"));
}

async fn size(blobs: &dyn BlobStore, key: BlobKey) -> Option<u64> {
    blobs.size(key).await.unwrap_or_else(|error| panic!("{key}: {error:?}"))
}

async fn a_copy_is_written_and_removed(blobs: &dyn BlobStore, large: &Bytes) {
    for content in [large.clone(), Bytes::from_static(b"a few bytes"), Bytes::new()] {
        let key = spare(9, &content);
        write(blobs, key, &content).await;
        assert_eq!(size(blobs, key).await, Some(content.len() as u64));
        assert!(read(blobs, key, 0, content.len() as u64).await == content, "{key} has other bytes");
        for _ in 0..2 {
            remove(blobs, key).await;
            assert_eq!(size(blobs, key).await, None);
        }
    }
}

async fn copies_of_one_content_are_apart(blobs: &dyn BlobStore) {
    let content = Bytes::from_static(b"there and back again");
    let [dead, live] = [3, 4].map(|generation| spare(generation, &content));
    write(blobs, dead, &content).await;
    write(blobs, live, &content).await;
    assert_ne!(blobs.address(dead), blobs.address(live));
    remove(blobs, dead).await;
    assert_eq!((size(blobs, dead).await, size(blobs, live).await), (None, Some(20)));
    assert_eq!(read(blobs, live, 10, 10).await, b"back again");
    remove(blobs, live).await;
}

async fn what_is_not_the_content_is_not_written(blobs: &dyn BlobStore, content: &Bytes) {
    let key = spare(5, content);
    let length = content.len() as u64;
    let mut wrong = content.to_vec();
    wrong[1_234_567] ^= 1;
    let wrong = Bytes::from(wrong);
    let (short, long) = (content.slice(1..), Bytes::from([&content[..], b"x"].concat()));
    for (size, bytes) in [(length, &wrong), (length, &short), (length, &long), (length - 1, &short), (length + 1, &long)] {
        let refused = blobs.write(key, size, body(bytes)).await.err();
        assert!(matches!(refused, Some(BlobError::NotTheContent(told)) if told == key), "{refused:?}");
    }
    let pieces = [Ok(content.slice(..200_000)), Err(io::Error::from(io::ErrorKind::ConnectionReset))];
    let refused = blobs.write(key, length, stream::iter(pieces).boxed()).await.err();
    assert!(matches!(refused, Some(BlobError::Body(_))), "{refused:?}");
    assert_eq!(size(blobs, key).await, None);
    assert!(!list_all(blobs).await.contains(&key));
}

async fn many_write_at_once(blobs: &dyn BlobStore, content: &Bytes) {
    let key = spare(6, content);
    join_all((0..6).map(|_| write(blobs, key, content))).await;
    assert!(read(blobs, key, 0, content.len() as u64).await == *content, "it has other bytes");
    remove(blobs, key).await;
    assert_eq!(size(blobs, key).await, None);
}

async fn a_written_copy_takes_the_place_of_what_was_there(blobs: &dyn BlobStore) {
    let content = Bytes::from_static(b"written twice");
    let key = spare(7, &content);
    write(blobs, key, &content).await;
    write(blobs, key, &content).await;
    assert_eq!(read(blobs, key, 0, 13).await, content);
    remove(blobs, key).await;
}

async fn every_copy_is_listed_once(blobs: &dyn BlobStore) {
    let contents: Vec<Bytes> = (0..7_u8).map(|number| Bytes::from(vec![number; 5])).collect();
    let mine: Vec<BlobKey> = contents.iter().map(|content| spare(8, content)).collect();
    for (key, content) in mine.iter().zip(&contents) {
        write(blobs, *key, content).await;
    }
    let listed = list_all(blobs).await;
    for key in &mine {
        assert_eq!(listed.iter().filter(|listed| *listed == key).count(), 1, "{key}");
    }
    assert!(listed.contains(&key_of(b"")));
    for key in mine {
        remove(blobs, key).await;
    }
}

/// By small pages, so that their borders are met.
async fn list_all(blobs: &dyn BlobStore) -> Vec<BlobKey> {
    let mut listed: Vec<BlobKey> = Vec::new();
    loop {
        let page = blobs.list(listed.last().copied(), 3).await.unwrap_or_else(|error| panic!("{error:?}"));
        assert!(page.len() <= 3, "{page:?}");
        if page.is_empty() {
            return listed;
        }
        listed.extend(page);
    }
}

fn key_of(bytes: &[u8]) -> BlobKey {
    BlobKey::first(sha256_of(bytes))
}

fn sha256_of(bytes: &[u8]) -> Sha256 {
    use sha2::Digest;
    Sha256(sha2::Sha256::digest(bytes).into())
}

async fn read(blobs: &dyn BlobStore, key: BlobKey, offset: u64, length: u64) -> Vec<u8> {
    let opened = blobs.read(key, offset, length).await.unwrap_or_else(|error| panic!("{offset}+{length}: {error:?}"));
    let pieces: Vec<Bytes> = opened.bytes.try_collect().await.unwrap_or_else(|error| panic!("{offset}+{length}: {error:?}"));
    pieces.concat()
}

async fn sizes_are_told(blobs: &dyn BlobStore, key: BlobKey) {
    assert_eq!(size(blobs, key).await, Some(CONTENT_BYTES as u64));
    assert_eq!(size(blobs, key_of(b"")).await, Some(0));
    assert_eq!(size(blobs, BlobKey::first(Sha256([0xab; 32]))).await, None);
    assert_eq!(size(blobs, BlobKey { generation: 1, ..key }).await, None);
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
        let bytes = read(blobs, key_of(content), offset as u64, length as u64).await;
        assert!(bytes == content[offset..offset + length], "{offset}+{length} has other bytes");
    }
    assert!(read(blobs, key_of(b""), 0, 0).await.is_empty());
}

async fn what_is_not_there_is_absent(blobs: &dyn BlobStore) {
    let absent = BlobKey::first(Sha256([0xab; 32]));
    for length in [0, 10] {
        let refused = blobs.read(absent, 0, length).await.err();
        assert!(matches!(refused, Some(BlobError::Absent(told)) if told == absent), "{refused:?}");
    }
}

async fn ranges_beyond_the_end_are_refused(blobs: &dyn BlobStore, key: BlobKey) {
    let size = CONTENT_BYTES as u64;
    for (offset, length) in [(0, size + 1), (size, 1), (size + 1, 0), (1, u64::MAX), (u64::MAX, 1), (u64::MAX, u64::MAX)] {
        let refused = blobs.read(key, offset, length).await.err();
        assert!(matches!(refused, Some(BlobError::OutOfRange)), "{offset}+{length}: {refused:?}");
    }
}

async fn a_copy_has_one_revision(blobs: &dyn BlobStore, key: BlobKey) {
    let mut told: Vec<Option<Revision>> = Vec::new();
    for (offset, length) in [(0, CONTENT_BYTES as u64), (0, CONTENT_BYTES as u64), (0, 10), (1_000_000, 1)] {
        told.push(blobs.read(key, offset, length).await.unwrap_or_else(|error| panic!("{error:?}")).revision);
    }
    assert!(told.iter().all(|revision| *revision == told[0]), "{told:?}");
}

async fn many_read_at_once(blobs: &dyn BlobStore, content: &Bytes) {
    let key = key_of(content);
    let reads = (0..16_usize).map(|reader| async move {
        let offset = reader * 50_000;
        let length = CONTENT_BYTES - 2 * offset;
        let bytes = read(blobs, key, offset as u64, length as u64).await;
        assert!(bytes == content[offset..offset + length], "reader {reader} got other bytes");
    });
    join_all(reads).await;
}

async fn a_reader_may_stop(blobs: &dyn BlobStore, key: BlobKey) {
    for _ in 0..8 {
        let mut pieces = blobs.read(key, 0, CONTENT_BYTES as u64).await.unwrap_or_else(|error| panic!("{error:?}")).bytes;
        let first = pieces.try_next().await.unwrap_or_else(|error| panic!("{error:?}"));
        assert!(first.is_some_and(|piece| !piece.is_empty()));
    }
    assert_eq!(read(blobs, key, 10, 10).await.len(), 10);
}
