//! Memory in use does not grow with the size of what comes in or goes out. A process of its own, since it looks at all of it.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "tests")]

use bytes::Bytes;
use cairn_commands::ports::ByteStream;
use cairn_commands::ports::blobs::BlobStore;
use cairn_commands::ports::staging::Staging;
use cairn_domain::UploadId;
use cairn_domain::blob::BlobKey;
use cairn_domain::upload::Part;
use cairn_infra::fs::{FsBlobs, FsStaging};
use futures_util::{StreamExt, stream};
use uuid::Uuid;

const PIECE_BYTES: u64 = 64 * 1024;
const SMALL_BYTES: u64 = 16 * 1024 * 1024;
const LARGE_BYTES: u64 = 256 * 1024 * 1024;
/// What allocators and caches may add between two measurements, in bytes.
const TOLERANCE_BYTES: u64 = 4 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_does_not_grow_with_the_size() {
    let directory = tempfile::tempdir().unwrap();
    let staging = FsStaging::open_dir(directory.path()).unwrap();
    let blobs = FsBlobs::open_dir(directory.path());
    through(&staging, &blobs, SMALL_BYTES).await;
    let before = peak_bytes();
    through(&staging, &blobs, LARGE_BYTES).await;
    let after = peak_bytes();
    assert!(after <= before + TOLERANCE_BYTES, "{before} bytes became {after}");
}

/// In as a whole and out again, from there into another copy, in as one part, in once more as another version of it, and sealed.
async fn through(staging: &FsStaging, blobs: &FsBlobs, bytes: u64) {
    let upload = UploadId(Uuid::from_u128(1));
    let whole = staging.receive(upload, body(bytes, 1), bytes).await.unwrap();
    let key = BlobKey::first(whole.sha256);
    staging.promote(upload, key).await.unwrap();
    let mut pieces = blobs.read(key, 0, bytes).await.unwrap().bytes;
    while let Some(piece) = pieces.next().await {
        assert!(!piece.unwrap().is_empty());
    }
    let other = BlobKey { generation: 1, ..key };
    blobs.write(other, bytes, blobs.read(key, 0, bytes).await.unwrap().bytes).await.unwrap();
    blobs.remove(other).await.unwrap();
    staging.open(upload, bytes).await.unwrap();
    let part = Part { offset: 0, length: bytes };
    let first = staging.write_part(upload, part, body(bytes, 2), None, None).await.unwrap();
    let second = staging.write_part(upload, part, body(bytes, 3), None, Some(first)).await.unwrap();
    staging.seal(upload, &[(part, second)]).await.unwrap();
    staging.discard(upload).await.unwrap();
}

fn body(bytes: u64, seed: u8) -> ByteStream {
    stream::iter((0..bytes / PIECE_BYTES).map(move |_| Ok(Bytes::from(vec![seed; PIECE_BYTES as usize])))).boxed()
}

/// The most that was resident so far, in bytes.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}
