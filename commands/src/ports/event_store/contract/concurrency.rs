//! What holds while many append at once.

use std::collections::HashMap;
use std::sync::Arc;

use cairn_domain::{EventId, Expected, Position, StoredEvent, StreamName, Version};
use futures_util::future::join_all;

use super::{Scene, StoreError};

const APPENDERS: usize = 16;
const ROUNDS: usize = 40;

/// The order law: a reader that follows the log while 16 append to it sees everything once, in order.
pub(super) async fn readers_see_no_gap_no_repeat_and_no_reorder(scene: &Scene) {
    let start = scene.head().await;
    let shared = scene.stream("busy-shared");
    let total = APPENDERS * ROUNDS * 3;
    let reader = tokio::spawn(follow(scene.clone(), start, total));
    let appenders = (0..APPENDERS).map(|appender| tokio::spawn(append_to_both(scene.clone(), shared.clone(), appender)));
    for appender in join_all(appenders).await {
        assert!(appender.is_ok(), "an appender failed: {appender:?}");
    }
    let followed = reader.await.unwrap_or_else(|error| panic!("the reader failed: {error}"));

    assert!(followed.windows(2).all(|pair| pair[0].position < pair[1].position), "in order and once");
    let again = read_whole(scene, start).await;
    let again: Vec<_> = again.into_iter().filter(|event| of_this_check(scene, &event.stream)).collect();
    assert_eq!(followed, again, "whoever reads later sees the same");
    let mut next = HashMap::<&StreamName, Version>::new();
    for event in &followed {
        let due = next.entry(&event.stream).or_insert(Version(0));
        assert_eq!(event.version, *due, "the versions of {} have no gap", event.stream);
        *due = due.next();
    }
}

/// One event to the stream that all share, two to the appender's own.
async fn append_to_both(scene: Scene, shared: StreamName, appender: usize) {
    let own = scene.stream(&format!("busy-own-{appender}"));
    let mut last = Expected::NoStream;
    for round in 0..ROUNDS {
        let n = appender * ROUNDS + round;
        scene.append(&shared, Expected::Any, n..n + 1).await;
        let appended = scene.append(&own, last, round * 2..round * 2 + 2).await;
        assert_eq!(appended.version, Version(round as u64 * 2 + 1));
        last = Expected::Exact(appended.version);
    }
}

/// Reads as projections do, from page to page and from hint to hint, until `total` events of this check were seen.
async fn follow(scene: Scene, start: Position, total: usize) -> Vec<StoredEvent> {
    let mut growth = scene.store.growth();
    let (mut after, mut seen) = (start, Vec::new());
    while seen.len() < total {
        let page = scene.read_all(after, 37).await;
        if let Some(last) = page.last() {
            after = last.position;
            seen.extend(page.into_iter().filter(|event| of_this_check(&scene, &event.stream)));
        } else {
            let grown = growth.wait_for(|&head| head > after);
            let grown = tokio::time::timeout(std::time::Duration::from_mins(1), grown).await;
            assert!(grown.is_ok(), "only {} of {total} events arrived", seen.len());
        }
    }
    seen
}

async fn read_whole(scene: &Scene, start: Position) -> Vec<StoredEvent> {
    let mut whole = Vec::<StoredEvent>::new();
    loop {
        let after = whole.last().map_or(start, |event| event.position);
        let page = scene.read_all(after, 1_000).await;
        if page.is_empty() {
            return whole;
        }
        whole.extend(page);
    }
}

fn of_this_check(scene: &Scene, stream: &StreamName) -> bool {
    stream.as_str().starts_with(scene.stream("busy-").as_str())
}

/// What makes names unique: of many that expect no stream, one is right.
pub(super) async fn one_of_many_claims_wins(scene: &Scene) {
    for race in 0..8 {
        let stream = scene.stream(&format!("claim-{race}"));
        let claims = (0..APPENDERS).map(|claimant| {
            let (store, stream) = (Arc::clone(&scene.store), stream.clone());
            let event = Scene::event(&stream, claimant);
            tokio::spawn(async move { (event.id, store.append(&stream, Expected::NoStream, vec![event]).await) })
        });
        let mut winners = Vec::<EventId>::new();
        for claim in join_all(claims).await {
            match claim.unwrap_or_else(|error| panic!("a claimant failed: {error}")) {
                (id, Ok(_)) => winners.push(id),
                (_, Err(StoreError::Conflict { actual, .. })) => assert_eq!(actual, Some(Version(0))),
                (_, Err(error)) => panic!("a conflict was due, not {error:?}"),
            }
        }
        let stored: Vec<_> = scene.read(&stream, 0, 100).await.into_iter().map(|event| event.id).collect();
        assert_eq!((stored.len(), &stored), (1, &winners), "the one that won is the one that is stored");
    }
}

/// The same command, retried while its first try is still under way, counts once.
pub(super) async fn one_of_many_repeats_counts(scene: &Scene) {
    let stream = scene.stream("repeats");
    let repeats = (0..APPENDERS).map(|_| {
        let (scene, stream) = (scene.clone(), stream.clone());
        tokio::spawn(async move { scene.append(&stream, Expected::NoStream, 0..3).await })
    });
    let answers: Vec<_> = join_all(repeats).await.into_iter().map(Result::ok).collect();
    let places: Vec<_> = answers.iter().flatten().map(|answer| (answer.version, answer.position)).collect();
    assert_eq!(places.len(), APPENDERS, "{answers:?}");
    assert!(places.iter().all(|place| *place == (Version(2), places[0].1)), "all of them hear the same: {answers:?}");
    assert_eq!(answers.iter().flatten().filter(|answer| !answer.repeated).count(), 1, "one of them was the first: {answers:?}");
    assert_eq!(scene.read(&stream, 0, 100).await.len(), 3);
}

/// Chunks of one upload: nobody waits for anybody, nobody meets a conflict.
pub(super) async fn commuting_events_all_arrive(scene: &Scene) {
    let stream = scene.stream("commuting");
    let appenders = (0..APPENDERS).map(|appender| {
        let (scene, stream) = (scene.clone(), stream.clone());
        tokio::spawn(async move {
            for n in appender * 10..appender * 10 + 10 {
                scene.append(&stream, Expected::Any, n..n + 1).await;
            }
        })
    });
    assert!(join_all(appenders).await.iter().all(Result::is_ok));
    let stored = scene.read(&stream, 0, 1_000).await;
    let mut ids: Vec<_> = stored.iter().map(|event| event.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((stored.len(), ids.len()), (APPENDERS * 10, APPENDERS * 10));
    assert!(stored.iter().enumerate().all(|(n, event)| event.version == Version(n as u64)));
}
