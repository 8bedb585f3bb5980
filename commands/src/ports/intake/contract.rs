//! What every log that takes in events has to pass.

use std::sync::Arc;

use cairn_domain::{CommandId, EventId, Expected, Metadata, Position, StoredEvent, StreamName, Timestamp, Version};
use uuid::Uuid;

use super::Intake;
use crate::ports::event_store::contract::some_event;
use crate::ports::event_store::{EventStore, StoreError};

/// Runs every check. `namespace` keeps the streams and ids apart from those of other runs on the same log.
///
/// # Panics
/// When the log breaks the contract.
pub async fn suite<L: EventStore + Intake + 'static>(log: Arc<L>, namespace: &str) {
    events_keep_everything_but_their_positions(&*log, namespace).await;
    the_same_events_again_change_nothing(&*log, namespace).await;
    what_does_not_follow_in_its_stream_is_refused(&*log, namespace).await;
    appends_go_on_behind_them(&*log, namespace).await;
    many_come_in_order(&*log, namespace).await;
}

fn event(namespace: &str, stream: &str, n: u64) -> StoredEvent {
    let stream = StreamName::try_from(format!("file-{namespace}-{stream}")).unwrap_or_else(|error| panic!("{error}"));
    StoredEvent {
        id: EventId(Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{stream}/{n}").as_bytes())),
        stream,
        version: Version(n),
        position: Position(1_000_000 + n),
        time: Timestamp(1_600_000_000_000_001 + i64::try_from(n).unwrap_or_default()),
        // Of a program that is newer than this one.
        name: "FileSung".to_owned(),
        schema: 7,
        metadata: Metadata { correlation: Some("a \"request\"".to_owned()), ..Metadata::default() },
        data: format!(r#"{{"text":"歌 \\ {n}", "b":1.50,"a":null}}"#),
    }
}

async fn take_in(log: &impl Intake, events: &[StoredEvent]) {
    log.take_in(events.to_vec()).await.unwrap_or_else(|error| panic!("not taken in: {error:?}"));
}

async fn stream(log: &impl EventStore, of: &StoredEvent) -> Vec<StoredEvent> {
    log.read_stream(&of.stream, Version(0), 10_000).await.unwrap_or_else(|error| panic!("{error:?}"))
}

/// Without what is a log's own.
fn bare(events: &[StoredEvent]) -> Vec<StoredEvent> {
    events.iter().cloned().map(|event| StoredEvent { position: Position::START, ..event }).collect()
}

async fn after(log: &impl EventStore, position: Position) -> Vec<StoredEvent> {
    log.read_all(position, 10_000).await.unwrap_or_else(|error| panic!("{error:?}"))
}

async fn head(log: &impl EventStore) -> Position {
    log.head().await.unwrap_or_else(|error| panic!("{error:?}"))
}

async fn events_keep_everything_but_their_positions<L: EventStore + Intake>(log: &L, namespace: &str) {
    let before = head(log).await;
    let (one, two) = ("kept-1", "kept-2");
    let events = [event(namespace, one, 0), event(namespace, two, 0), event(namespace, one, 1), event(namespace, one, 2)];
    take_in(log, &events).await;
    let there = after(log, before).await;
    assert_eq!(bare(&there), bare(&events), "whole and in order");
    assert!(there.iter().all(|event| event.position > before) && there.is_sorted_by(|one, next| one.position < next.position));
    assert_eq!(head(log).await, there[3].position);
}

async fn the_same_events_again_change_nothing<L: EventStore + Intake>(log: &L, namespace: &str) {
    let events: Vec<_> = (0..3).map(|n| event(namespace, "again", n)).collect();
    take_in(log, &events[..2]).await;
    let before = head(log).await;
    take_in(log, &events[..2]).await;
    assert_eq!(head(log).await, before);
    take_in(log, &events).await;
    assert_eq!(bare(&stream(log, &events[0]).await), bare(&events));
    take_in(log, &[]).await;
}

async fn what_does_not_follow_in_its_stream_is_refused<L: EventStore + Intake>(log: &L, namespace: &str) {
    for (name, versions) in [("late", vec![1]), ("gap", vec![0, 2])] {
        let events: Vec<_> = versions.iter().map(|n| event(namespace, name, *n)).collect();
        let refused = log.take_in(events.clone()).await;
        assert!(matches!(&refused, Err(StoreError::Conflict { stream, .. }) if *stream == events[0].stream), "{name}: {refused:?}");
        let there = stream(log, &events[0]).await;
        assert!(there.iter().all(|event| event.version == Version(0)), "{name}");
    }
    let first = event(namespace, "twice", 0);
    take_in(log, std::slice::from_ref(&first)).await;
    let other = StoredEvent { id: EventId(Uuid::new_v5(&first.id.0, b"other")), ..first.clone() };
    let refused = log.take_in(vec![other]).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
}

async fn appends_go_on_behind_them<L: EventStore + Intake>(log: &L, namespace: &str) {
    let first = event(namespace, "on", 0);
    take_in(log, std::slice::from_ref(&first)).await;
    let new = some_event(CommandId(first.id.0).event("on", 1));
    let appended = log.append(&first.stream, Expected::Exact(Version(0)), vec![new]).await;
    assert_eq!(appended.unwrap_or_else(|error| panic!("{error:?}")).version, Version(1));
    let next = StoredEvent { version: Version(2), id: EventId(Uuid::new_v5(&first.id.0, b"next")), ..first.clone() };
    take_in(log, &[next]).await;
    assert_eq!(stream(log, &first).await.len(), 3);
}

async fn many_come_in_order<L: EventStore + Intake>(log: &L, namespace: &str) {
    let before = head(log).await;
    let events: Vec<_> = (0..900).map(|n| event(namespace, &format!("many-{}", n % 7), n / 7)).collect();
    take_in(log, &events).await;
    assert_eq!(bare(&after(log, before).await), bare(&events));
}
