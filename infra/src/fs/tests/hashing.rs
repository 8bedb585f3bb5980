//! What is read again, and what is not.

use super::*;

const PART_BYTES: usize = 400_000;
const CONTENT_BYTES: usize = 5 * PART_BYTES + 17;

#[tokio::test(flavor = "multi_thread")]
async fn parts_in_order_are_never_read_again() {
    let scene = Scene::new();
    let bytes = content(1, CONTENT_BYTES);
    let parts = scene.write_all(upload(1), &bytes, &plan(&bytes, PART_BYTES)).await;
    for _ in 0..2 {
        assert_eq!(scene.staging.seal(upload(1), &parts).await.unwrap(), whole_of(&bytes));
    }
    scene.staging.promote(upload(1), key_of(&bytes)).await.unwrap();
    assert_eq!(scene.staging.bytes_read_back(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_in_order_are_never_read_again_across_restarts() {
    let mut scene = Scene::new();
    let bytes = content(1, CONTENT_BYTES);
    scene.staging.open(upload(1), CONTENT_BYTES as u64).await.unwrap();
    let mut parts = Vec::new();
    for part in plan(&bytes, PART_BYTES) {
        parts.push(scene.write(upload(1), &bytes, part, None).await);
        assert_eq!(scene.staging.bytes_read_back(), 0);
        scene.restart();
    }
    assert_eq!(scene.staging.seal(upload(1), &parts).await.unwrap(), whole_of(&bytes));
    assert_eq!(scene.staging.bytes_read_back(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_failed_in_between_changes_nothing() {
    let scene = Scene::new();
    let bytes = content(1, CONTENT_BYTES);
    let wrong = content(2, CONTENT_BYTES);
    scene.staging.open(upload(1), CONTENT_BYTES as u64).await.unwrap();
    let mut parts = Vec::new();
    for part in plan(&bytes, PART_BYTES) {
        let short = range(&wrong, part).slice(..part.length as usize - 1);
        let refused = scene.staging.write_part(upload(1), part, body(&short), None, None).await;
        assert!(matches!(refused, Err(StagingError::TooShort { .. })), "{refused:?}");
        parts.push(scene.write(upload(1), &bytes, part, None).await);
    }
    assert_eq!(scene.staging.seal(upload(1), &parts).await.unwrap(), whole_of(&bytes));
    assert_eq!(scene.staging.bytes_read_back(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_out_of_order_are_read_once() {
    for restart in [false, true] {
        let mut scene = Scene::new();
        let bytes = content(1, CONTENT_BYTES);
        let mut backwards = plan(&bytes, PART_BYTES);
        backwards.reverse();
        let parts = scene.write_all(upload(1), &bytes, &backwards).await;
        if restart {
            scene.restart();
        }
        for _ in 0..2 {
            assert_eq!(scene.staging.seal(upload(1), &parts).await.unwrap(), whole_of(&bytes));
        }
        if restart {
            // A follower of the first process may have done a part of it.
            assert!(scene.staging.bytes_read_back() <= CONTENT_BYTES as u64);
        } else {
            // Only the part that came last was the next one in order.
            assert_eq!(scene.staging.bytes_read_back(), (CONTENT_BYTES - PART_BYTES) as u64);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_that_closes_is_hashed_in_the_background() {
    let scene = Scene::new();
    let bytes = content(1, CONTENT_BYTES);
    let mut parts = plan(&bytes, PART_BYTES);
    parts.swap(0, 1);
    let parts = scene.write_all(upload(1), &bytes, &parts).await;
    eventually("the hashing of the second part", || scene.staging.bytes_read_back() >= PART_BYTES as u64).await;
    assert_eq!(scene.staging.seal(upload(1), &parts).await.unwrap(), whole_of(&bytes));
    assert!(scene.staging.bytes_read_back() <= (CONTENT_BYTES - PART_BYTES) as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_part_voids_the_hashes_from_the_start() {
    let scene = Scene::new();
    let (bytes, other) = (content(1, CONTENT_BYTES), content(2, CONTENT_BYTES));
    let plan = plan(&bytes, PART_BYTES);
    let mut parts = scene.write_all(upload(1), &bytes, &plan).await;
    parts[2] = scene.write(upload(1), &other, plan[2], Some(parts[2].1)).await;
    let mut expected = bytes.to_vec();
    expected[2 * PART_BYTES..3 * PART_BYTES].copy_from_slice(&range(&other, plan[2]));
    assert_eq!(scene.staging.seal(upload(1), &parts).await.unwrap(), whole_of(&expected));
    // Every byte once, and the replaced part once more, to save it.
    assert_eq!(scene.staging.bytes_read_back(), (CONTENT_BYTES + PART_BYTES) as u64);
}
