//! Blobs on their way out.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_range_that_fits_into_one_piece_comes_in_one_piece() {
    let scene = Scene::new();
    let bytes = content(1, 1_000_000);
    let whole = scene.staging.receive(upload(1), body(&bytes), u64::MAX).await.unwrap();
    scene.staging.promote(upload(1), BlobKey::first(whole.sha256)).await.unwrap();
    for (offset, length) in [(0, 256 * 1024), (999_999, 1), (500, 4096)] {
        let pieces: Vec<Bytes> =
            scene.blobs.read(BlobKey::first(whole.sha256), offset, length).await.unwrap().bytes.try_collect().await.unwrap();
        assert_eq!(pieces.len(), 1);
        assert!(pieces[0] == bytes[offset as usize..(offset + length) as usize]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_that_are_kept_are_not_read_over() {
    let scene = Scene::new();
    let bytes = content(1, 10_000_000);
    let whole = scene.staging.receive(upload(1), body(&bytes), u64::MAX).await.unwrap();
    scene.staging.promote(upload(1), BlobKey::first(whole.sha256)).await.unwrap();
    // Some readers let their pieces go, so that buffers are taken again; one keeps all.
    let kept: Vec<Bytes> =
        scene.blobs.read(BlobKey::first(whole.sha256), 0, whole.size).await.unwrap().bytes.try_collect().await.unwrap();
    for _ in 0..3 {
        let mut pieces = scene.blobs.read(BlobKey::first(whole.sha256), 7, whole.size - 7).await.unwrap().bytes;
        while let Some(piece) = pieces.next().await {
            assert!(!piece.unwrap().is_empty());
        }
    }
    assert!(kept.concat() == bytes);
}

#[tokio::test]
async fn a_store_that_nobody_has_filled_is_empty() {
    let directory = tempfile::tempdir().unwrap();
    let blobs = FsBlobs::open_dir(directory.path());
    assert_eq!(blobs.name(), "local");
    assert_eq!(blobs.size(key_of(b"")).await.unwrap(), None);
    assert!(blobs.read(key_of(b""), 0, 0).await.is_err());
}
