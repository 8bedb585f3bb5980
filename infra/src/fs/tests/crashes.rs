//! What a killed process or a power cut can leave behind, step by step, built by hand.

use std::fs;
use std::time::Duration;

use super::*;

const PART_BYTES: usize = 100_000;

#[tokio::test]
async fn a_crash_before_the_name_leaves_nothing() {
    let mut scene = Scene::new();
    fs::write(scene.path("staging/5e/77.tmp"), b"half a file").unwrap();
    assert_eq!(scene.staging.list(Duration::ZERO).await.unwrap(), []);
    scene.restart();
    assert_eq!(scene.names("staging"), [""; 0]);
}

#[tokio::test]
async fn a_received_file_survives_until_it_is_promoted() {
    let mut scene = Scene::new();
    let bytes = content(1, 300_000);
    let whole = scene.staging.receive(upload(1), body(&bytes), u64::MAX).await.unwrap();
    scene.restart();
    assert_eq!(scene.staging.list(Duration::ZERO).await.unwrap(), [upload(1)]);
    scene.staging.promote(upload(1), BlobKey::first(whole.sha256)).await.unwrap();
    scene.assert_blob(&bytes).await;
    assert_eq!(scene.names("staging"), [""; 0]);
}

#[tokio::test]
async fn promoting_a_file_goes_on_after_each_of_its_steps() {
    let bytes = content(1, 300_000);
    let sha256 = sha256_of(&bytes);
    for step in ["renamed", "there before"] {
        let mut scene = Scene::new();
        scene.staging.receive(upload(1), body(&bytes), u64::MAX).await.unwrap();
        let staged = scene.staged(upload(1), sha256);
        match step {
            "renamed" => fs::rename(&staged, scene.place(sha256)).unwrap(),
            _ => drop(fs::copy(&staged, scene.place(sha256)).unwrap()),
        }
        scene.restart();
        scene.staging.promote(upload(1), BlobKey::first(sha256)).await.unwrap();
        scene.assert_blob(&bytes).await;
        assert_eq!(scene.names("staging"), [""; 0], "{step}");
        scene.staging.promote(upload(1), BlobKey::first(sha256)).await.unwrap();
    }
}

#[tokio::test]
async fn a_rename_that_a_power_cut_undid_is_made_again() {
    let mut scene = Scene::new();
    let bytes = content(1, 300_000);
    let sha256 = scene.staging.receive(upload(1), body(&bytes), u64::MAX).await.unwrap().sha256;
    scene.staging.promote(upload(1), BlobKey::first(sha256)).await.unwrap();
    fs::rename(scene.place(sha256), scene.staged(upload(1), sha256)).unwrap();
    scene.restart();
    assert_eq!(scene.staging.list(Duration::ZERO).await.unwrap(), [upload(1)]);
    scene.staging.promote(upload(1), BlobKey::first(sha256)).await.unwrap();
    scene.assert_blob(&bytes).await;
    assert_eq!(scene.names("staging"), [""; 0]);
}

#[tokio::test]
async fn opening_goes_on_after_each_of_its_steps() {
    for step in ["directory made", "hashes made", "room made"] {
        let mut scene = Scene::new();
        let bytes = content(1, PART_BYTES);
        let directory = scene.parts(upload(1));
        fs::create_dir(&directory).unwrap();
        if step != "directory made" {
            fs::write(directory.join("prefix"), b"").unwrap();
        }
        if step == "room made" {
            fs::write(directory.join("data.tmp"), vec![0; PART_BYTES]).unwrap();
        }
        // Repeated in the same process, and after a restart.
        for restart in [false, true] {
            if restart {
                scene.restart();
            }
            let parts = scene.write_all(upload(1), &bytes, &plan(&bytes, PART_BYTES)).await;
            assert_eq!(scene.staging.seal(upload(1), &parts).await.unwrap(), whole_of(&bytes), "{step}");
            scene.staging.discard(upload(1)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_half_opened_or_half_discarded_upload_is_removed_at_the_start() {
    let mut scene = Scene::new();
    let directory = scene.parts(upload(1));
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("prefix"), b"").unwrap();
    fs::write(directory.join("data.tmp"), b"").unwrap();
    fs::write(directory.join(format!("0-{}.part", sha256_of(b"x"))), b"x").unwrap();
    scene.restart();
    assert_eq!(scene.names("staging"), [""; 0]);
}

#[tokio::test]
async fn parts_survive_until_they_are_sealed_and_promoted() {
    let mut scene = Scene::new();
    let bytes = content(1, 3 * PART_BYTES);
    let parts = scene.write_all(upload(1), &bytes, &plan(&bytes, PART_BYTES)).await;
    scene.restart();
    assert_eq!(scene.staging.list(Duration::ZERO).await.unwrap(), [upload(1)]);
    assert_eq!(scene.staging.seal(upload(1), &parts).await.unwrap(), whole_of(&bytes));
    scene.restart();
    scene.staging.promote(upload(1), key_of(&bytes)).await.unwrap();
    assert_eq!(scene.staging.bytes_read_back(), 0);
    scene.assert_blob(&bytes).await;
    assert_eq!(scene.names("staging"), [""; 0]);
}

/// The rename was made, and what follows it failed: the next call in the same process finds the data gone.
#[tokio::test]
async fn promoting_parts_again_goes_on_after_the_rename() {
    let scene = Scene::new();
    let bytes = content(1, 2 * PART_BYTES);
    let parts = scene.write_all(upload(1), &bytes, &plan(&bytes, PART_BYTES)).await;
    scene.staging.seal(upload(1), &parts).await.unwrap();
    fs::rename(scene.parts(upload(1)).join("data"), scene.place(sha256_of(&bytes))).unwrap();
    scene.staging.promote(upload(1), key_of(&bytes)).await.unwrap();
    scene.assert_blob(&bytes).await;
    assert_eq!(scene.names("staging"), [""; 0]);
}

#[tokio::test]
async fn promoting_parts_goes_on_after_the_rename() {
    let mut scene = Scene::new();
    let bytes = content(1, 2 * PART_BYTES);
    let parts = scene.write_all(upload(1), &bytes, &plan(&bytes, PART_BYTES)).await;
    scene.write(upload(1), &content(2, 2 * PART_BYTES), parts[0].0, Some(parts[0].1)).await;
    scene.staging.seal(upload(1), &parts).await.unwrap();
    fs::rename(scene.parts(upload(1)).join("data"), scene.place(sha256_of(&bytes))).unwrap();
    scene.restart();
    scene.staging.promote(upload(1), key_of(&bytes)).await.unwrap();
    scene.assert_blob(&bytes).await;
    assert_eq!(scene.names("staging"), [""; 0]);
}

#[tokio::test]
async fn a_part_that_was_never_recorded_is_written_over() {
    let mut scene = Scene::new();
    let (lost, bytes) = (content(1, PART_BYTES), content(2, PART_BYTES));
    for other in [lost.clone(), bytes.clone()] {
        scene.staging.open(upload(1), PART_BYTES as u64).await.unwrap();
        let part = plan(&bytes, PART_BYTES)[0];
        scene.write(upload(1), &lost, part, None).await;
        scene.restart();
        let parts = [scene.write(upload(1), &other, part, None).await];
        assert_eq!(scene.names(&format!("staging/{}", upload(1))), ["data", "prefix"]);
        scene.restart();
        assert_eq!(scene.staging.seal(upload(1), &parts).await.unwrap(), whole_of(&other));
        scene.staging.discard(upload(1)).await.unwrap();
    }
}

/// A part was hashed but not recorded; it comes again from two senders, and the one who writes in place never ends.
#[tokio::test]
async fn saved_hashes_do_not_vouch_for_a_place_that_is_written_over() {
    let mut scene = Scene::new();
    let bytes = content(1, 1_400_000);
    let part = plan(&bytes, bytes.len())[0];
    scene.write_all(upload(1), &bytes, &[part]).await;
    scene.restart();

    let garbage = content(2, 700_000);
    let (held, is_taken, _let_go) = held_body(&garbage, &garbage);
    let staging = scene.staging.clone();
    let stalled = tokio::spawn(async move { staging.write_part(upload(1), part, held, None, None).await });
    is_taken.await.unwrap();
    let recorded = [scene.write(upload(1), &bytes, part, None).await];
    stalled.abort();
    scene.restart();
    assert_eq!(scene.staging.seal(upload(1), &recorded).await.unwrap(), whole_of(&bytes));
    let data = fs::read(scene.parts(upload(1)).join("data")).unwrap();
    assert!(data == bytes);
}

#[tokio::test]
async fn sealing_goes_on_after_a_crash_amid_the_copying() {
    let mut scene = Scene::new();
    let (old, new) = (content(1, 3 * PART_BYTES), content(2, 3 * PART_BYTES));
    let parts = plan(&old, PART_BYTES);
    let mut recorded = scene.write_all(upload(1), &old, &parts).await;
    recorded[1] = scene.write(upload(1), &new, parts[1], Some(recorded[1].1)).await;
    let expected: Bytes = [range(&old, parts[0]), range(&new, parts[1]), range(&old, parts[2])].concat().into();

    // As sealing leaves it: the saved hashes forgotten, a part of the copy written.
    let directory = scene.parts(upload(1));
    fs::write(directory.join("prefix"), b"").unwrap();
    let mut data = fs::read(directory.join("data")).unwrap();
    data[PART_BYTES..PART_BYTES + 5000].copy_from_slice(&range(&new, parts[1])[..5000]);
    fs::write(directory.join("data"), data).unwrap();
    for _ in 0..2 {
        scene.restart();
        assert_eq!(scene.staging.seal(upload(1), &recorded).await.unwrap(), whole_of(&expected));
    }
    scene.staging.promote(upload(1), key_of(&expected)).await.unwrap();
    scene.assert_blob(&expected).await;
}

#[tokio::test]
async fn a_version_aside_survives_and_so_does_the_one_in_place() {
    let mut scene = Scene::new();
    let (old, new) = (content(1, PART_BYTES), content(2, PART_BYTES));
    let part = plan(&old, PART_BYTES)[0];
    let all_old = scene.write_all(upload(1), &old, &[part]).await;
    scene.restart();
    let all_new = [scene.write(upload(1), &new, part, Some(all_old[0].1)).await];
    scene.restart();
    let again = scene.write(upload(1), &new, part, Some(all_new[0].1)).await;
    assert_eq!(again, all_new[0]);
    assert_eq!(scene.staging.seal(upload(1), &all_new).await.unwrap(), whole_of(&new));
    scene.restart();
    scene.staging.promote(upload(1), key_of(&new)).await.unwrap();
    scene.assert_blob(&new).await;
}

#[tokio::test]
async fn torn_foreign_or_missing_hash_states_cost_only_time() {
    let bytes = content(1, 3 * PART_BYTES);
    let other = content(2, 3 * PART_BYTES);
    let parts = plan(&bytes, PART_BYTES);
    let mut foreign = Scene::new();
    foreign.write_all(upload(1), &other, &parts).await;
    foreign.restart();
    let foreign = fs::read(foreign.parts(upload(1)).join("prefix")).unwrap();
    for record in
        [vec![], foreign[..100].to_vec(), foreign.clone(), vec![0xff; foreign.len()], [&foreign[..90], &[0; 106]].concat()]
    {
        let mut scene = Scene::new();
        let recorded = scene.write_all(upload(1), &bytes, &parts).await;
        fs::write(scene.parts(upload(1)).join("prefix"), &record).unwrap();
        scene.restart();
        assert_eq!(scene.staging.seal(upload(1), &recorded).await.unwrap(), whole_of(&bytes));
        assert_eq!(scene.staging.bytes_read_back(), bytes.len() as u64);
    }
}
