//! Bytes that change behind the program's back.

use std::fs;

use super::*;

const PART_BYTES: usize = 100_000;

fn spoil(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn damage_is_found_by_sealing_and_healed_by_sending_again() {
    for aside in [false, true] {
        let mut scene = Scene::new();
        let bytes = content(1, 3 * PART_BYTES);
        let plan = plan(&bytes, PART_BYTES);
        scene.staging.open(upload(1), bytes.len() as u64).await.unwrap();
        if aside {
            scene.write(upload(1), &content(2, 3 * PART_BYTES), plan[1], None).await;
        }
        let backwards: Vec<_> = plan.iter().rev().copied().collect();
        let parts = scene.write_all(upload(1), &bytes, &backwards).await;
        let directory = scene.parts(upload(1));
        if aside {
            spoil(&directory.join(format!("{PART_BYTES}-{}.part", parts[1].1)), 5);
        } else {
            spoil(&directory.join("data"), PART_BYTES + 5);
        }
        fs::write(directory.join("prefix"), b"").unwrap();
        scene.restart();

        let refused = scene.staging.seal(upload(1), &parts).await;
        assert!(matches!(refused, Err(StagingError::Damaged { upload: told }) if told == upload(1)), "{refused:?}");
        scene.write(upload(1), &bytes, plan[1], Some(parts[1].1)).await;
        assert_eq!(scene.staging.seal(upload(1), &parts).await.unwrap(), whole_of(&bytes));
        scene.staging.promote(upload(1), key_of(&bytes)).await.unwrap();
        scene.assert_blob(&bytes).await;
    }
}

#[tokio::test]
async fn a_blob_of_the_wrong_size_is_replaced() {
    let scene = Scene::new();
    let bytes = content(1, PART_BYTES);
    fs::write(scene.place(sha256_of(&bytes)), b"").unwrap();
    let whole = scene.staging.receive(upload(1), body(&bytes), u64::MAX).await.unwrap();
    scene.staging.promote(upload(1), BlobKey::first(whole.sha256)).await.unwrap();
    scene.assert_blob(&bytes).await;
}

#[tokio::test]
async fn a_file_that_gets_shorter_fails_the_reader() {
    let scene = Scene::new();
    let bytes = content(1, 3_000_000);
    let whole = scene.staging.receive(upload(1), body(&bytes), u64::MAX).await.unwrap();
    scene.staging.promote(upload(1), BlobKey::first(whole.sha256)).await.unwrap();
    let mut pieces = scene.blobs.read(BlobKey::first(whole.sha256), 0, whole.size).await.unwrap().bytes;
    fs::OpenOptions::new().write(true).open(scene.place(whole.sha256)).unwrap().set_len(1_000_000).unwrap();
    let mut read = 0;
    let error = loop {
        match pieces.next().await.unwrap() {
            Ok(piece) => read += piece.len(),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    assert!(read <= 1_000_000);
    assert!(pieces.next().await.is_none());
}
