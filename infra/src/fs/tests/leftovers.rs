//! What callers that fail or go away leave behind: nothing.

use std::os::unix::fs::PermissionsExt;

use super::*;

const LARGE_BYTES: usize = 3_000_000;

async fn no_unfinished_files(directory: &Path) {
    eventually("the clean-up", || !names(directory).iter().any(|name| name.ends_with(crate::fs::durable::UNFINISHED))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_goes_away_leaves_nothing() {
    let scene = Scene::new();
    for length in [10, LARGE_BYTES] {
        let (held, is_taken, _let_go) = held_body(&content(1, length), &Bytes::new());
        let staging = scene.staging.clone();
        let receiving = tokio::spawn(async move { staging.receive(upload(1), held, u64::MAX).await });
        is_taken.await.unwrap();
        receiving.abort();
        assert!(receiving.await.unwrap_err().is_cancelled());
        no_unfinished_files(&scene.path("staging")).await;
        assert_eq!(scene.names("staging"), [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_of_a_part_that_goes_away_gives_its_place_back() {
    let scene = Scene::new();
    let bytes = content(1, LARGE_BYTES);
    let part = plan(&bytes, LARGE_BYTES)[0];
    scene.staging.open(upload(1), LARGE_BYTES as u64).await.unwrap();
    // More than may write aside at once: each gives its right back.
    for _ in 0..20 {
        let (held, is_taken, _let_go) = held_body(&content(2, LARGE_BYTES - 1), &Bytes::new());
        let staging = scene.staging.clone();
        let sending = tokio::spawn(async move { staging.write_part(upload(1), part, held, None, None).await });
        is_taken.await.unwrap();
        sending.abort();
        assert!(sending.await.unwrap_err().is_cancelled());
    }
    no_unfinished_files(&scene.parts(upload(1))).await;
    let parts = [scene.write(upload(1), &bytes, part, None).await];
    assert_eq!(scene.staging.seal(upload(1), &parts).await.unwrap(), whole_of(&bytes));
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_bodies_leave_no_files() {
    let scene = Scene::new();
    let bytes = content(1, LARGE_BYTES);
    let too_long = scene.staging.receive(upload(1), body(&bytes), LARGE_BYTES as u64 - 1).await;
    assert!(matches!(too_long, Err(StagingError::TooLong { .. })), "{too_long:?}");
    assert_eq!(scene.names("staging"), [""; 0]);

    let parts = scene.write_all(upload(1), &bytes, &plan(&bytes, LARGE_BYTES)).await;
    let (part, taken) = parts[0];
    let short = scene.staging.write_part(upload(1), part, body(&bytes.slice(1..)), None, Some(taken)).await;
    assert!(matches!(short, Err(StagingError::TooShort { .. })), "{short:?}");
    let same = scene.write(upload(1), &bytes, part, Some(taken)).await;
    assert_eq!(same, parts[0]);
    assert_eq!(scene.names(&format!("staging/{}", upload(1))), ["data", "prefix"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_of_a_part_do_not_pile_up() {
    let scene = Scene::new();
    let bytes = content(0, 1000);
    let mut recorded = scene.write_all(upload(1), &bytes, &plan(&bytes, 1000)).await;
    for version in 1..30 {
        let (part, taken) = recorded[0];
        recorded[0] = scene.write(upload(1), &content(version, 1000), part, Some(taken)).await;
        assert!(scene.names(&format!("staging/{}", upload(1))).len() <= 2 + 6);
    }
    assert_eq!(scene.staging.seal(upload(1), &recorded).await.unwrap(), whole_of(&content(29, 1000)));
}

#[tokio::test]
async fn blobs_are_read_only_and_the_data_is_private() {
    let scene = Scene::new();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let whole = scene.staging.receive(upload(1), body(&content(1, 10)), u64::MAX).await.unwrap();
    scene.staging.promote(upload(1), BlobKey::first(whole.sha256)).await.unwrap();
    assert_eq!(mode(&scene.place(whole.sha256)), 0o444);

    let bytes = content(2, 10);
    let parts = scene.write_all(upload(2), &bytes, &plan(&bytes, 10)).await;
    let whole = scene.staging.seal(upload(2), &parts).await.unwrap();
    scene.staging.promote(upload(2), BlobKey::first(whole.sha256)).await.unwrap();
    assert_eq!(mode(&scene.place(whole.sha256)), 0o444);
    for directory in ["blobs", "blobs/ab", "staging"] {
        assert_eq!(mode(&scene.path(directory)), 0o700, "{directory}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_nothing_has_come_to_for_long_is_quiet() {
    let hour = Duration::from_hours(1);
    let scene = Scene::new();
    let bytes = content(1, 10);
    scene.staging.open(upload(1), 10).await.unwrap();
    let whole = scene.staging.receive(upload(2), body(&bytes), u64::MAX).await.unwrap();
    assert_eq!(scene.staging.list(hour).await.unwrap(), []);
    assert_eq!(scene.staging.list(Duration::ZERO).await.unwrap(), [upload(1), upload(2)]);
    let age = |path: &Path| {
        let file = std::fs::File::open(path).unwrap();
        let modified = file.metadata().unwrap().modified().unwrap();
        file.set_modified(modified - 2 * hour).unwrap();
    };
    age(&scene.staged(upload(2), whole.sha256));
    assert_eq!(scene.staging.list(hour).await.unwrap(), [upload(2)]);
    for entry in std::fs::read_dir(scene.parts(upload(1))).unwrap() {
        age(&entry.unwrap().path());
    }
    assert_eq!(scene.staging.list(hour).await.unwrap(), [upload(2)], "something has just been removed from it");
    age(&scene.parts(upload(1)));
    assert_eq!(scene.staging.list(hour).await.unwrap(), [upload(1), upload(2)]);
    // One that is just being opened has nothing in its directory yet.
    std::fs::create_dir(scene.parts(upload(3))).unwrap();
    assert_eq!(scene.staging.list(hour).await.unwrap(), [upload(1), upload(2)]);
}

/// Otherwise every upload would end because a disk was away for a moment.
#[tokio::test(flavor = "multi_thread")]
async fn a_staging_area_whose_disk_has_gone_does_not_say_that_it_holds_nothing() {
    let scene = Scene::new();
    scene.staging.open(upload(1), LARGE_BYTES as u64).await.unwrap();
    let (here, elsewhere) = (scene.path("staging"), scene.path("elsewhere"));
    std::fs::rename(&here, &elsewhere).unwrap();
    let held = scene.staging.holds(upload(1)).await;
    assert!(matches!(held, Err(StagingError::Unavailable(_))), "{held:?}");
    std::fs::rename(&elsewhere, &here).unwrap();
    assert!(scene.staging.holds(upload(1)).await.unwrap() && !scene.staging.holds(upload(2)).await.unwrap());
}
