use bytes::Bytes;
use cairn_domain::Sha256;
use cairn_domain::blob::BlobKey;
use cairn_domain::upload::Part;

use super::{Scene, assert_absent, body, broken_body, key_of, plan, range, sha256_of, whole_of};
use crate::ports::staging::StagingError;

pub(super) async fn parts_in_any_order_become_a_blob(scene: &Scene<'_>) {
    for (what, order) in [("forwards", [0, 1, 2, 3]), ("backwards", [3, 2, 1, 0]), ("mixed", [1, 3, 0, 2])] {
        let content = scene.content(what, 1_000_003);
        let upload = scene.opened(what, &content).await;
        assert!(scene.is_listed(upload).await);
        let parts = plan(&content, 300_000);
        let mut sealed = Vec::new();
        for index in order {
            sealed.push(scene.send(upload, &content, parts[index], None).await);
        }
        sealed.sort_by_key(|(part, _)| part.offset);
        assert_eq!(scene.seal(upload, &sealed).await, whole_of(&content));
        scene.assert_no_blob(&content).await;
        assert_eq!(scene.seal(upload, &sealed).await, whole_of(&content), "sealing again");

        scene.promote(upload, key_of(&content)).await;
        scene.assert_blob(&content).await;
        assert!(!scene.is_listed(upload).await);
        scene.promote(upload, key_of(&content)).await;
        scene.discard(upload).await;
        scene.assert_blob(&content).await;
    }
}

pub(super) async fn an_upload_without_parts_is_an_empty_file(scene: &Scene<'_>) {
    let upload = scene.opened("no parts", &Bytes::new()).await;
    assert_eq!(scene.seal(upload, &[]).await, whole_of(b""));
    scene.promote(upload, key_of(b"")).await;
    scene.assert_blob(&Bytes::new()).await;
}

pub(super) async fn opening_again_keeps_what_is_there(scene: &Scene<'_>) {
    let content = scene.content("opened twice", 2000);
    let upload = scene.opened("opened twice", &content).await;
    let parts = plan(&content, 1000);
    let first = scene.send(upload, &content, parts[0], None).await;
    scene.opened("opened twice", &content).await;
    let second = scene.send(upload, &content, parts[1], None).await;
    assert_eq!(scene.seal(upload, &[first, second]).await, whole_of(&content));
    scene.discard(upload).await;
}

pub(super) async fn a_refused_part_leaves_what_was_there(scene: &Scene<'_>) {
    for length in [1000, 400_000, 2_000_000] {
        let what = format!("refused {length}");
        let content = scene.content(&what, length);
        let upload = scene.opened(&what, &content).await;
        let part = plan(&content, length)[0];
        refuse_all(scene, upload, part, None).await;
        let sent = scene.send(upload, &content, part, None).await;
        refuse_all(scene, upload, part, Some(sent.1)).await;
        refuse_all(scene, upload, part, None).await;
        assert_eq!(scene.seal(upload, &[sent]).await, whole_of(&content));
        scene.discard(upload).await;
    }
}

/// Sends the part in every wrong way.
async fn refuse_all(scene: &Scene<'_>, upload: cairn_domain::UploadId, part: Part, taken: Option<Sha256>) {
    let length = part.length as usize;
    let wrong = scene.content("wrong", length + 1);
    let write = |body, expected| scene.staging.write_part(upload, part, body, expected, taken);

    let refused = write(body(wrong.clone(), 60_000), None).await;
    assert!(matches!(refused, Err(StagingError::TooLong { limit }) if limit == part.length), "{refused:?}");

    let refused = write(body(wrong.slice(..length - 1), 60_000), None).await;
    let told = (part.length, part.length - 1);
    assert!(matches!(refused, Err(StagingError::TooShort { expected, actual }) if (expected, actual) == told), "{refused:?}");

    let refused = write(body(wrong.slice(..length), 60_000), Some(Sha256([7; 32]))).await;
    let told = sha256_of(&wrong.slice(..length));
    assert!(matches!(refused, Err(StagingError::DigestMismatch { actual }) if actual == told), "{refused:?}");

    let refused = write(broken_body(wrong.slice(..length - 1)), None).await;
    assert!(matches!(refused, Err(StagingError::Body(_))), "{refused:?}");

    // Whole and in order, but the end of the body never came.
    let refused = write(broken_body(wrong.slice(..length)), None).await;
    assert!(matches!(refused, Err(StagingError::Body(_))), "{refused:?}");
}

pub(super) async fn the_same_part_again_is_no_error(scene: &Scene<'_>) {
    let content = scene.content("again", 600_000);
    let upload = scene.opened("again", &content).await;
    let parts = plan(&content, 300_000);
    let mut sealed = Vec::new();
    for part in parts {
        let (_, sha256) = scene.send(upload, &content, part, None).await;
        scene.send(upload, &content, part, Some(sha256)).await;
        let expected = scene.staging.write_part(upload, part, body(range(&content, part), 999), Some(sha256), Some(sha256)).await;
        assert_eq!(expected.unwrap_or_else(|error| panic!("{error:?}")), sha256);
        sealed.push((part, sha256));
    }
    assert_eq!(scene.seal(upload, &sealed).await, whole_of(&content));
    scene.discard(upload).await;
}

/// Whichever version of a part the log names last, its bytes are found: also the older one, also after sealing the newer one.
pub(super) async fn other_bytes_leave_the_recorded_ones_readable(scene: &Scene<'_>) {
    let old = scene.content("old", 300_000);
    let new = scene.content("new", 300_000);
    let upload = scene.opened("replaced", &old).await;
    let parts = plan(&old, 100_000);
    let (mut all_old, mut all_new) = (Vec::new(), Vec::new());
    for part in &parts {
        all_old.push(scene.send(upload, &old, *part, None).await);
    }
    assert_eq!(scene.seal(upload, &all_old).await, whole_of(&old));
    for (part, taken) in &all_old {
        all_new.push(scene.send(upload, &new, *part, Some(*taken)).await);
    }
    assert_eq!(scene.seal(upload, &all_old).await, whole_of(&old));
    assert_eq!(scene.seal(upload, &all_new).await, whole_of(&new));

    let mixed = [all_old[0], all_new[1], all_old[2]];
    let mixed_content: Bytes = [range(&old, parts[0]), range(&new, parts[1]), range(&old, parts[2])].concat().into();
    assert_eq!(scene.seal(upload, &mixed).await, whole_of(&mixed_content));
    assert_eq!(scene.seal(upload, &all_old).await, whole_of(&old));
    assert_eq!(scene.seal(upload, &mixed).await, whole_of(&mixed_content));
    scene.promote(upload, key_of(&mixed_content)).await;
    scene.assert_blob(&mixed_content).await;
    assert!(!scene.is_listed(upload).await);
}

pub(super) async fn what_was_never_written_can_not_be_sealed(scene: &Scene<'_>) {
    let content = scene.content("never written", 2000);
    let upload = scene.opened("never written", &content).await;
    let parts = plan(&content, 1000);
    let first = scene.send(upload, &content, parts[0], None).await;
    let never = (parts[1], sha256_of(&range(&content, parts[1])));
    let refused = scene.staging.seal(upload, &[first, never]).await;
    assert!(matches!(refused, Err(StagingError::Damaged { upload: told }) if told == upload), "{refused:?}");

    // Nor what does not fill the file.
    let refused = scene.staging.seal(upload, &[first]).await;
    assert!(matches!(refused, Err(StagingError::Damaged { .. })), "{refused:?}");

    // Sending the bytes heals it.
    let second = scene.send(upload, &content, parts[1], Some(never.1)).await;
    assert_eq!(scene.seal(upload, &[first, second]).await, whole_of(&content));
    scene.discard(upload).await;
}

pub(super) async fn nothing_can_be_done_with_an_absent_upload(scene: &Scene<'_>) {
    let upload = scene.upload("absent");
    let part = Part { offset: 0, length: 10 };
    assert_absent(&scene.staging.write_part(upload, part, body(scene.content("x", 10), 10), None, None).await, upload);
    assert_absent(&scene.staging.seal(upload, &[(part, Sha256([1; 32]))]).await, upload);
    assert_absent(&scene.staging.promote(upload, BlobKey::first(Sha256([1; 32]))).await, upload);
    scene.discard(upload).await;
    assert!(!scene.is_listed(upload).await);
}

pub(super) async fn a_discarded_upload_takes_nothing_more(scene: &Scene<'_>) {
    let content = scene.content("given up", 1000);
    let upload = scene.opened("given up", &content).await;
    let part = plan(&content, 1000)[0];
    let sent = scene.send(upload, &content, part, None).await;
    scene.discard(upload).await;
    assert!(!scene.is_listed(upload).await);
    assert_absent(&scene.staging.write_part(upload, part, body(content.clone(), 100), None, None).await, upload);
    assert_absent(&scene.staging.seal(upload, &[sent]).await, upload);

    // The same id may begin anew, empty.
    scene.opened("given up", &content).await;
    let refused = scene.staging.seal(upload, &[sent]).await;
    assert!(matches!(refused, Err(StagingError::Damaged { .. })), "{refused:?}");
    scene.discard(upload).await;
}
