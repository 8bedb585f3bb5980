use std::sync::Mutex as StdMutex;

use super::*;

#[tokio::test]
async fn rows_of_an_older_version_are_made_anew_before_anything_is_asked() {
    let events = Sample::events(SEED, 300);
    let world = world(events.clone());
    let old = Checkpoint { version: 0, position: Position(10), ..checkpoint(&world.tables, "files").await };
    world.tables.set_checkpoint(old);
    assert!(matches!(world.runner.run(CancellationToken::new()).await, Err(Refused::Stale { projection: "files", .. })));
    world.runner.prepare(&|_| {}, &CancellationToken::new()).await.expect("prepared");
    assert_eq!(world.tables.rows(), rows_of(events).await);
    assert_eq!(checkpoint(&world.tables, "files").await.position, Position(300));
    assert_eq!(world.runner.reached().now(), Position(300));
}

#[tokio::test]
async fn empty_tables_beside_a_long_log_are_rebuilt_and_others_are_not() {
    let events = Sample::events(SEED, 300);
    let reports = StdMutex::new(Vec::new());
    let report = |progress: Progress| reports.lock().expect("reports").push(progress);
    let world = world_with(events.clone(), Settings { rebuild_events_min: 300, ..settings() });
    world.runner.prepare(&report, &CancellationToken::new()).await.expect("prepared");
    assert_eq!(reports.lock().expect("reports").pop(), Some(Progress { done: Position(300), head: Position(300) }));
    assert_eq!(world.tables.rows(), rows_of(events).await);
    reports.lock().expect("reports").clear();
    world.runner.prepare(&report, &CancellationToken::new()).await.expect("prepared");
    assert_eq!(*reports.lock().expect("reports"), []);
}

#[tokio::test]
async fn tables_that_are_behind_a_little_catch_up_before_anything_is_asked() {
    let events = Sample::events(SEED, 300);
    let world = world(events.clone());
    world.runner.prepare(&|_| {}, &CancellationToken::new()).await.expect("prepared");
    assert_eq!(world.runner.reached().now(), Position(300));
    assert_eq!(world.tables.rows(), rows_of(events).await);
}

#[tokio::test]
async fn rows_that_are_refused_during_a_rebuild_are_parked() {
    let events = Sample::events(SEED, 600);
    let world = world(events.clone());
    let stream = &events[first(&events, "FileAdded")].stream;
    world.tables.refuse(Some(stream.id()));
    let rebuilt = world.runner.rebuild(None, &|_| {}, &CancellationToken::new()).await.expect("rebuilt");
    let of_stream = events.iter().filter(|event| event.stream == *stream).count() as u64;
    assert_eq!(rebuilt, Rebuilt { position: Position(600), parked: of_stream, promoted: true });
}

#[tokio::test]
async fn what_is_appended_while_a_rebuild_goes_on_is_in_the_new_rows() {
    let events = Sample::events(SEED, 20_000);
    let world = world(events[..15_000].to_vec());
    let source = Arc::clone(&world.source);
    let rest = StdMutex::new(Some(events[15_000..].to_vec()));
    let append_once = move |_: Progress| {
        if let Some(rest) = rest.lock().expect("the rest").take() {
            source.append(rest);
        }
    };
    let rebuilt = world.runner.rebuild(Some("files"), &append_once, &CancellationToken::new()).await.expect("rebuilt");
    assert_eq!(rebuilt, Rebuilt { position: Position(20_000), parked: 0, promoted: true });
    let live = self::world(events);
    live.runner.catch_up().await.expect("caught up");
    assert_eq!(world.tables.rows(), live.tables.rows());
}

#[tokio::test]
async fn a_cancelled_rebuild_leaves_everything_as_it_was() {
    let events = Sample::events(SEED, 300);
    let world = world(events[..200].to_vec());
    world.runner.catch_up().await.expect("caught up");
    let before = world.tables.rows();
    let stop = CancellationToken::new();
    stop.cancel();
    assert!(matches!(world.runner.rebuild(None, &|_| {}, &stop).await, Err(RebuildError::Cancelled)));
    assert_eq!(world.tables.rows(), before);
    world.source.append(events[200..].to_vec());
    world.runner.catch_up().await.expect("caught up");
    assert_eq!(world.tables.rows(), rows_of(events).await);
}

#[tokio::test]
async fn a_rebuild_of_another_name_or_beside_another_is_refused() {
    let world = world(Sample::events(SEED, 100));
    let stop = CancellationToken::new();
    let unknown = world.runner.rebuild(Some("songs"), &|_| {}, &stop).await;
    assert!(matches!(unknown, Err(RebuildError::UnknownProjection(_))));
    let _other = world.runner.0.rebuilding.lock().await;
    assert!(matches!(world.runner.rebuild(None, &|_| {}, &stop).await, Err(RebuildError::Busy)));
}

#[tokio::test]
async fn a_rebuild_parks_what_it_can_not_read_and_takes_up_what_it_now_can() {
    let good = Sample::events(SEED, 300);
    let place = first(&good, "UploadStarted");
    let of_stream = good.iter().filter(|event| event.stream == good[place].stream).count() as u64;
    let mut events = good.clone();
    events[place] = broken(&good[place]);
    let world = world(events);
    let rebuilt = world.runner.rebuild(None, &|_| {}, &CancellationToken::new()).await.expect("rebuilt");
    assert_eq!(rebuilt.parked, of_stream);
    world.source.replace(good[place].clone());
    let rebuilt = world.runner.rebuild(None, &|_| {}, &CancellationToken::new()).await.expect("rebuilt");
    assert_eq!(rebuilt.parked, 0);
    assert_eq!(world.tables.rows(), rows_of(good).await);
}
