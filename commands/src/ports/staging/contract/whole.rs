use bytes::Bytes;
use cairn_domain::blob::BlobKey;

use super::{Scene, assert_absent, body, broken_body, key_of, whole_of};
use crate::ports::staging::StagingError;

/// Large enough to come in several batches, and no multiple of anything.
const LARGE_BYTES: usize = 3 * 1024 * 1024 + 12_345;

pub(super) async fn a_whole_file_becomes_a_blob(scene: &Scene<'_>) {
    for length in [1, 4096, 128 * 1024, 128 * 1024 + 1, LARGE_BYTES] {
        let upload = scene.upload(&format!("whole {length}"));
        let content = scene.content("whole", length);
        let received = scene.staging.receive(upload, body(content.clone(), 60_000), length as u64).await;
        assert_eq!(received.unwrap_or_else(|error| panic!("{error:?}")), whole_of(&content));
        assert!(scene.is_listed(upload).await);
        scene.assert_no_blob(&content).await;

        scene.promote(upload, key_of(&content)).await;
        scene.assert_blob(&content).await;
        assert!(!scene.is_listed(upload).await);

        // A crash may have come after it: again is no error.
        scene.promote(upload, key_of(&content)).await;
        scene.assert_blob(&content).await;
    }
}

pub(super) async fn an_empty_file_becomes_a_blob(scene: &Scene<'_>) {
    let upload = scene.upload("empty whole");
    let received = scene.staging.receive(upload, body(Bytes::new(), 1), 0).await;
    assert_eq!(received.unwrap_or_else(|error| panic!("{error:?}")), whole_of(b""));
    scene.promote(upload, key_of(b"")).await;
    scene.assert_blob(&Bytes::new()).await;
}

pub(super) async fn any_pieces_make_the_same_file(scene: &Scene<'_>) {
    let content = scene.content("pieces", 700_000);
    for piece_bytes in [97, 8192, 262_144, 700_000] {
        let upload = scene.upload(&format!("pieces {piece_bytes}"));
        let received = scene.staging.receive(upload, body(content.clone(), piece_bytes), u64::MAX).await;
        assert_eq!(received.unwrap_or_else(|error| panic!("{error:?}")), whole_of(&content));
        scene.discard(upload).await;
    }
}

pub(super) async fn a_file_that_is_too_long_leaves_nothing(scene: &Scene<'_>) {
    for length in [10, 200_000, LARGE_BYTES] {
        let upload = scene.upload(&format!("too long {length}"));
        let content = scene.content("too long", length);
        let limit = length as u64 - 1;
        let refused = scene.staging.receive(upload, body(content.clone(), 60_000), limit).await;
        assert!(matches!(refused, Err(StagingError::TooLong { limit: told }) if told == limit), "{refused:?}");
        assert!(!scene.is_listed(upload).await);
        assert_absent(&scene.staging.promote(upload, key_of(&content)).await, upload);
    }
}

pub(super) async fn a_body_that_breaks_off_leaves_nothing(scene: &Scene<'_>) {
    for length in [0, 10, 200_000, LARGE_BYTES] {
        let upload = scene.upload(&format!("broken {length}"));
        let content = scene.content("broken", length);
        let refused = scene.staging.receive(upload, broken_body(content), u64::MAX).await;
        assert!(matches!(refused, Err(StagingError::Body(_))), "{refused:?}");
        assert!(!scene.is_listed(upload).await);
    }
}

pub(super) async fn a_file_received_twice_is_one(scene: &Scene<'_>) {
    let upload = scene.upload("received twice");
    let content = scene.content("received twice", 300_000);
    for _ in 0..2 {
        let received = scene.staging.receive(upload, body(content.clone(), 60_000), u64::MAX).await;
        assert_eq!(received.unwrap_or_else(|error| panic!("{error:?}")), whole_of(&content));
    }
    scene.promote(upload, key_of(&content)).await;
    scene.assert_blob(&content).await;
    assert!(!scene.is_listed(upload).await);
}

pub(super) async fn the_same_content_of_two_uploads_is_one_blob(scene: &Scene<'_>) {
    let content = scene.content("shared", 5000);
    let uploads = [scene.upload("shared, first"), scene.upload("shared, second")];
    for upload in uploads {
        let received = scene.staging.receive(upload, body(content.clone(), 1000), u64::MAX).await;
        assert!(received.is_ok(), "{received:?}");
    }
    for upload in uploads {
        scene.promote(upload, key_of(&content)).await;
        scene.assert_blob(&content).await;
        assert!(!scene.is_listed(upload).await);
    }
}

pub(super) async fn a_later_copy_lies_under_a_name_of_its_own(scene: &Scene<'_>) {
    let upload = scene.upload("a later copy");
    let content = scene.content("a later copy", 5000);
    let received = scene.staging.receive(upload, body(content.clone(), 1000), u64::MAX).await;
    assert!(received.is_ok(), "{received:?}");
    let key = BlobKey { generation: 2, ..key_of(&content) };
    for _ in 0..2 {
        scene.promote(upload, key).await;
        scene.assert_copy(key, &content).await;
    }
    scene.assert_no_blob(&content).await;
    assert!(!scene.is_listed(upload).await);
}

pub(super) async fn what_was_not_received_is_not_promoted(scene: &Scene<'_>) {
    let upload = scene.upload("other");
    let content = scene.content("other", 5000);
    let received = scene.staging.receive(upload, body(content.clone(), 1000), u64::MAX).await;
    assert!(received.is_ok(), "{received:?}");
    let other = scene.content("another", 5000);
    assert_absent(&scene.staging.promote(upload, key_of(&other)).await, upload);
    scene.assert_no_blob(&other).await;
    scene.promote(upload, key_of(&content)).await;
    scene.assert_blob(&content).await;
}

pub(super) async fn a_discarded_file_is_gone(scene: &Scene<'_>) {
    let upload = scene.upload("discarded");
    let content = scene.content("discarded", 5000);
    let received = scene.staging.receive(upload, body(content.clone(), 1000), u64::MAX).await;
    assert!(received.is_ok(), "{received:?}");
    scene.discard(upload).await;
    scene.discard(upload).await;
    assert!(!scene.is_listed(upload).await);
    assert_absent(&scene.staging.promote(upload, key_of(&content)).await, upload);
    scene.assert_no_blob(&content).await;
}
