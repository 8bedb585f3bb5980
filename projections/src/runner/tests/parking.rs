use super::*;
use crate::ports::Parked;
use crate::runner::plan::WAITS;

async fn parked(world: &World, projection: &str) -> Vec<Parked> {
    world.tables.parked(projection, Position::START, 1000).await.expect("parked events")
}

/// A log in which the start of an upload can't be read, and that upload's events.
fn with_broken_upload() -> (Vec<StoredEvent>, Vec<StoredEvent>, StoredEvent) {
    let good = Sample::events(SEED, 400);
    let place = first(&good, "UploadStarted");
    let mut events = good.clone();
    events[place] = broken(&good[place]);
    let stream: Vec<_> = good.iter().filter(|event| event.stream == good[place].stream).cloned().collect();
    (events, stream, good[place].clone())
}

#[tokio::test]
async fn an_unreadable_event_is_parked_with_its_stream_and_nothing_else_is() {
    let (events, stream, good) = with_broken_upload();
    let world = world_with(events, Settings { batch_events_max: 7, ..settings() });
    world.runner.catch_up().await.expect("caught up");
    let parked = parked(&world, "uploads").await;
    let positions = |events: &[StoredEvent]| events.iter().map(|event| event.position).collect::<Vec<_>>();
    assert_eq!(parked.iter().map(|parked| parked.position).collect::<Vec<_>>(), positions(&stream));
    assert!(parked[0].reason.contains("does not fit its schema"), "{}", parked[0].reason);
    assert!(parked[1..].iter().all(|parked| parked.reason == WAITS));
    assert_eq!((parked[0].event, parked[0].parked_at), (good.id, Timestamp(77)));
    assert_eq!(world.runner.reached().now(), Position(400));
    let elsewhere = rows_of(Sample::events(SEED, 400)).await;
    let key = ("tbl_upload", good.stream.id().to_owned());
    let others = |rows: Rows| rows.into_iter().filter(|(of, _)| *of != key).collect::<Rows>();
    assert_eq!(others(world.tables.rows()), others(elsewhere));
}

#[tokio::test]
async fn parked_events_are_taken_up_again_in_order() {
    let (events, stream, good) = with_broken_upload();
    let world = world(events);
    world.runner.catch_up().await.expect("caught up");
    let still = world.runner.retry_parked("uploads").await.expect("retried");
    assert_eq!(still, Retried { applied: 0, left: stream.len() as u64 });
    world.source.replace(good);
    let retried = world.runner.retry_parked("uploads").await.expect("retried");
    assert_eq!(retried, Retried { applied: stream.len() as u64, left: 0 });
    assert_eq!(parked(&world, "uploads").await, []);
    assert_eq!(world.tables.rows(), rows_of(Sample::events(SEED, 400)).await);
    world.source.append(Sample::events(SEED, 500)[400..].to_vec());
    world.runner.catch_up().await.expect("caught up");
    assert_eq!(world.tables.rows(), rows_of(Sample::events(SEED, 500)).await);
}

#[tokio::test]
async fn parked_streams_stay_parked_over_a_restart() {
    let (events, stream, _) = with_broken_upload();
    let place = events.iter().position(|event| event.position == stream[0].position).expect("the broken event") + 1;
    let world = world(events[..place].to_vec());
    world.runner.catch_up().await.expect("caught up");
    world.source.append(events[place..].to_vec());
    runner(&world.source, &world.tables, settings()).catch_up().await.expect("caught up");
    assert_eq!(parked(&world, "uploads").await.len(), stream.len());
}

#[tokio::test]
async fn an_event_whose_row_is_refused_is_parked_for_that_projection_only() {
    let events = Sample::events(SEED, 300);
    let place = first(&events, "FileAdded");
    let stream = &events[place].stream;
    let world = world_with(events.clone(), Settings { batch_events_max: 50, ..settings() });
    world.tables.refuse(Some(stream.id()));
    world.runner.catch_up().await.expect("caught up");
    let of_stream = events.iter().filter(|event| event.stream == *stream).count();
    assert_eq!(parked(&world, "files").await.len(), of_stream);
    assert!(parked(&world, "files").await[0].reason.contains("told to refuse"));
    assert_eq!(parked(&world, "usage").await, []);
    world.tables.refuse(None);
    let retried = world.runner.retry_parked("files").await.expect("retried");
    assert_eq!(retried, Retried { applied: of_stream as u64, left: 0 });
    assert_eq!(world.tables.rows(), rows_of(events).await);
}

#[tokio::test]
async fn an_event_of_an_unknown_name_is_parked_by_those_who_follow_its_kind() {
    let mut events = Sample::events(SEED, 200);
    let place = first(&events, "FileAdded");
    let stream = events[place].stream.clone();
    let last = events.last().expect("events").position;
    events.push(StoredEvent {
        id: EventId(Uuid::from_u128(5)),
        stream,
        version: Version(999),
        position: Position(last.0 + 1),
        name: "FileSung".to_owned(),
        ..events[place].clone()
    });
    let world = world(events);
    world.runner.catch_up().await.expect("caught up");
    assert_eq!(parked(&world, "files").await.len(), 1);
    assert_eq!(parked(&world, "usage").await.len(), 1);
    assert_eq!(parked(&world, "users").await, []);
}

#[tokio::test]
async fn only_known_projections_are_retried() {
    let world = world(Vec::new());
    assert!(matches!(world.runner.retry_parked("songs").await, Err(RetryError::UnknownProjection(name)) if name == "songs"));
}
