use bytes::Bytes;
use futures_util::future::{join, join_all};
use futures_util::{FutureExt, StreamExt, stream};
use tokio::sync::oneshot;

use super::{Scene, assert_absent, body, key_of, plan, range, stalled_body, whole_of};
use crate::ports::ByteStream;

pub(super) async fn many_parts_at_once_become_a_blob(scene: &Scene<'_>) {
    let content = scene.content("at once", 2_000_001);
    let upload = scene.opened("at once", &content).await;
    // Each part three times at once.
    let parts: Vec<_> = plan(&content, 150_000).into_iter().flat_map(|part| [part; 3]).collect();
    let mut sent = join_all(parts.iter().map(|part| scene.send(upload, &content, *part, None))).await;
    sent.dedup();
    assert_eq!(sent.len(), 14);
    assert_eq!(scene.seal(upload, &sent).await, whole_of(&content));
    scene.promote(upload, key_of(&content)).await;
    scene.assert_blob(&content).await;
}

/// A body that gives its bytes, tells that all but the end of it was taken, and ends when it is let go.
fn held_body(bytes: Bytes) -> (ByteStream, oneshot::Receiver<()>, oneshot::Sender<()>) {
    let (taken, is_taken) = oneshot::channel();
    let (let_go, may_end) = oneshot::channel();
    let end = stream::once(async move {
        taken.send(()).ok();
        may_end.await.ok();
        Ok(Bytes::new())
    });
    (body(bytes, 50_000).chain(end).boxed(), is_taken, let_go)
}

/// Both report their digest, and whichever the log names last is found.
pub(super) async fn two_first_writers_of_a_part_both_count(scene: &Scene<'_>) {
    for (what, length) in [("small", 1000), ("large", 900_000)] {
        let first = scene.content(&format!("{what}, first"), length);
        let second = scene.content(&format!("{what}, second"), length);
        let upload = scene.opened(what, &first).await;
        let part = plan(&first, length)[0];
        let (slow, is_taken, let_go) = held_body(first.clone());
        let write_slowly = scene.staging.write_part(upload, part, slow, None, None);
        let write_between = async {
            is_taken.await.ok();
            let sent = scene.send(upload, &second, part, None).await;
            let_go.send(()).ok();
            sent
        };
        let (slow, between) = join(write_slowly, write_between).await;
        let slow = (part, slow.unwrap_or_else(|error| panic!("{error:?}")));
        assert_eq!(scene.seal(upload, &[between]).await, whole_of(&second), "{what}");
        assert_eq!(scene.seal(upload, &[slow]).await, whole_of(&first), "{what}");
        assert_eq!(scene.seal(upload, &[between]).await, whole_of(&second), "{what}");
        scene.discard(upload).await;
    }
}

/// Whoever read the log before the part was recorded does not know that it is there.
pub(super) async fn a_caller_with_old_knowledge_harms_nothing(scene: &Scene<'_>) {
    let recorded = scene.content("recorded", 400_000);
    let late = scene.content("late", 400_000);
    let upload = scene.opened("old knowledge", &recorded).await;
    let part = plan(&recorded, 400_000)[0];
    let first = scene.send(upload, &recorded, part, None).await;
    let second = scene.send(upload, &late, part, None).await;
    assert_eq!(scene.seal(upload, &[first]).await, whole_of(&recorded));
    assert_eq!(scene.seal(upload, &[second]).await, whole_of(&late));
    scene.discard(upload).await;
}

pub(super) async fn a_caller_that_goes_away_harms_nothing(scene: &Scene<'_>) {
    let content = scene.content("gone away", 1_500_000);
    let upload = scene.opened("gone away", &content).await;
    let parts = plan(&content, 750_000);
    let first = scene.send(upload, &content, parts[0], None).await;
    for (part, taken) in [(parts[0], Some(first.1)), (parts[0], None), (parts[1], None)] {
        let other = scene.content("never whole", 700_000);
        let (dropped, is_taken, _let_go) = held_body(other);
        let mut write = scene.staging.write_part(upload, part, dropped, None, taken).fuse();
        let mut is_taken = is_taken.fuse();
        futures_util::select_biased! {
            result = write => panic!("the body has not ended: {result:?}"),
            _ = is_taken => {}
        }
    }
    let received = scene.upload("whole, gone away");
    let stalled = stalled_body(scene.content("stalled", 500_000));
    assert!(scene.staging.receive(received, stalled, u64::MAX).now_or_never().is_none());

    let second = scene.send(upload, &content, parts[1], None).await;
    assert_eq!(scene.seal(upload, &[first, second]).await, whole_of(&content));
    scene.discard(upload).await;
}

pub(super) async fn a_part_that_outlives_its_upload_is_refused(scene: &Scene<'_>) {
    let content = scene.content("outlived", 500_000);
    let upload = scene.opened("outlived", &content).await;
    let part = plan(&content, 500_000)[0];
    let (slow, is_taken, let_go) = held_body(range(&content, part));
    let write = scene.staging.write_part(upload, part, slow, None, None);
    let give_up = async {
        is_taken.await.ok();
        scene.discard(upload).await;
        let_go.send(()).ok();
    };
    assert_absent(&join(write, give_up).await.0, upload);
    assert!(!scene.is_listed(upload).await);
}

pub(super) async fn sealing_at_once_gives_the_same(scene: &Scene<'_>) {
    let content = scene.content("sealed at once", 500_000);
    let upload = scene.opened("sealed at once", &content).await;
    let mut sent = Vec::new();
    for part in plan(&content, 200_000).into_iter().rev() {
        sent.insert(0, scene.send(upload, &content, part, None).await);
    }
    for whole in join_all((0..4).map(|_| scene.seal(upload, &sent))).await {
        assert_eq!(whole, whole_of(&content));
    }
    join_all((0..4).map(|_| scene.promote(upload, key_of(&content)))).await;
    scene.assert_blob(&content).await;
    assert!(!scene.is_listed(upload).await);
}
