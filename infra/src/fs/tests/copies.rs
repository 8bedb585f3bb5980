//! Copies that come from other stores, or come again.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

const LARGE_BYTES: usize = 3_000_000;

async fn write(scene: &Scene, key: BlobKey, bytes: &Bytes) {
    scene.blobs.write(key, bytes.len() as u64, body(bytes)).await.unwrap();
}

/// Begins to write a copy, and waits until some of it is on the disk.
async fn begun(scene: &Scene, bytes: &Bytes) -> (tokio::task::JoinHandle<Result<(), blobs::BlobError>>, oneshot::Sender<()>) {
    let (held, is_taken, let_go) = held_body(&bytes.slice(1..), &bytes.slice(..1));
    let (blobs, key, size) = (scene.blobs.clone(), key_of(bytes), bytes.len() as u64);
    let writing = tokio::spawn(async move { blobs.write(key, size, held).await });
    is_taken.await.unwrap();
    eventually("the first write", || !scene.names("staging").is_empty()).await;
    (writing, let_go)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_leaves_of_a_copy_is_no_copy_and_goes_at_the_next_start() {
    let mut scene = Scene::new();
    let (_writing, _let_go) = begun(&scene, &content(1, LARGE_BYTES)).await;
    assert_eq!(scene.names("blobs"), [""; 0]);
    assert_eq!(scene.blobs.list(None, 10).await.unwrap(), []);
    scene.restart();
    assert_eq!(scene.names("staging"), [""; 0]);
    assert_eq!(scene.blobs.list(None, 10).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_goes_away_leaves_nothing() {
    let scene = Scene::new();
    let (writing, _let_go) = begun(&scene, &content(1, LARGE_BYTES)).await;
    writing.abort();
    assert!(writing.await.unwrap_err().is_cancelled());
    eventually("the clean-up", || scene.names("staging").is_empty()).await;
    assert_eq!(scene.names("blobs"), [""; 0]);
}

#[tokio::test]
async fn a_promoted_file_stands_in_the_place_of_a_damaged_copy() {
    let scene = Scene::new();
    let whole = content(1, 100_000);
    fs::write(scene.place(sha256_of(&whole)), content(2, 100_000)).unwrap();
    scene.staging.receive(upload(1), body(&whole), u64::MAX).await.unwrap();
    scene.staging.promote(upload(1), key_of(&whole)).await.unwrap();
    scene.assert_blob(&whole).await;

    let bytes = content(3, 100_000);
    fs::write(scene.place(sha256_of(&bytes)), content(4, 100_000)).unwrap();
    let parts = scene.write_all(upload(2), &bytes, &plan(&bytes, 40_000)).await;
    scene.staging.seal(upload(2), &parts).await.unwrap();
    scene.staging.promote(upload(2), key_of(&bytes)).await.unwrap();
    scene.assert_blob(&bytes).await;
    assert_eq!(scene.names("staging"), [""; 0]);
}

#[tokio::test]
async fn a_written_copy_stands_in_the_place_of_a_damaged_one() {
    let scene = Scene::new();
    let bytes = content(1, LARGE_BYTES);
    for damaged in [Bytes::new(), content(2, LARGE_BYTES)] {
        fs::write(scene.path("damaged"), damaged).unwrap();
        fs::rename(scene.path("damaged"), scene.place(sha256_of(&bytes))).unwrap();
        write(&scene, key_of(&bytes), &bytes).await;
        scene.assert_blob(&bytes).await;
    }
}

#[tokio::test]
async fn a_copy_is_a_read_only_file_at_its_address() {
    let scene = Scene::new();
    let bytes = content(1, 1000);
    let key = BlobKey { generation: 2, ..key_of(&bytes) };
    write(&scene, key, &bytes).await;
    let address = scene.blobs.address(key);
    assert_eq!(Path::new(&address), scene.place(key.sha256).with_extension("2"));
    assert!(Path::new(&address).is_absolute());
    assert_eq!(fs::metadata(&address).unwrap().permissions().mode() & 0o777, 0o444);
    assert!(fs::read(&address).unwrap() == bytes);
    assert!(Path::new(&FsBlobs::open_dir(Path::new("./data")).address(key)).is_absolute());
}

#[tokio::test]
async fn what_is_no_copy_is_not_listed() {
    let scene = Scene::new();
    let bytes = content(1, 1000);
    write(&scene, key_of(&bytes), &bytes).await;
    let place = scene.place(sha256_of(&bytes));
    for name in ["notes.txt".to_owned(), format!("{}.old", sha256_of(&bytes)), "00".repeat(32)] {
        fs::write(place.with_file_name(name), b"").unwrap();
    }
    assert_eq!(scene.blobs.list(None, 10).await.unwrap(), [key_of(&bytes)]);
}

#[tokio::test]
async fn a_disk_that_went_away_is_no_empty_store() {
    let scene = Scene::new();
    let bytes = content(1, 1000);
    scene.blobs.write(key_of(&bytes), 1000, body(&bytes)).await.unwrap();
    let absent = key_of(b"absent");
    assert_eq!(scene.blobs.size(absent).await.unwrap(), None);
    fs::rename(scene.path("blobs"), scene.path("elsewhere")).unwrap();
    for mounted_on in [false, true] {
        if mounted_on {
            fs::create_dir(scene.path("blobs")).unwrap();
        }
        let unavailable =
            |result: Result<(), blobs::BlobError>| assert!(matches!(result, Err(blobs::BlobError::Unavailable(_))), "{result:?}");
        unavailable(scene.blobs.size(key_of(&bytes)).await.map(drop));
        unavailable(scene.blobs.read(key_of(&bytes), 0, 1).await.map(drop));
        unavailable(scene.blobs.list(None, 1).await.map(drop));
        unavailable(scene.blobs.remove(key_of(&bytes)).await);
        unavailable(scene.blobs.reachable().await);
        unavailable(scene.blobs.write(key_of(b"x"), 1, body(&Bytes::from_static(b"x"))).await);
    }
    fs::remove_dir(scene.path("blobs")).unwrap();
    fs::rename(scene.path("elsewhere"), scene.path("blobs")).unwrap();
    scene.assert_blob(&bytes).await;
    assert_eq!(scene.blobs.size(absent).await.unwrap(), None);
    scene.blobs.remove(key_of(&bytes)).await.unwrap();
}
