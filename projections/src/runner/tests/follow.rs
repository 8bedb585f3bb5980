use proptest::prelude::*;

use super::*;

#[tokio::test]
async fn what_is_appended_is_applied_and_reached() {
    let events = Sample::events(SEED, 300);
    let world = world(events[..100].to_vec());
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (runner, stop) = (world.runner.clone(), stop.clone());
        async move { runner.run(stop).await }
    });
    let reached = world.runner.reached();
    assert!(reached.reaches(Position(100), Duration::from_secs(10)).await);
    world.source.append(events[100..].to_vec());
    assert!(reached.reaches(Position(300), Duration::from_secs(10)).await);
    assert!(!reached.reaches(Position(301), Duration::from_millis(1)).await);
    stop.cancel();
    running.await.expect("the runner").expect("an orderly end");
    assert_eq!(world.runner.health(), RunnerHealth { alive_at: Some(Timestamp(77)), failing: None });
    assert_eq!(world.tables.rows(), rows_of(events).await);
}

#[tokio::test]
async fn failures_that_may_pass_are_tried_again_and_reported() {
    let world = world(Sample::events(SEED, 50));
    world.tables.fail(3);
    let failure = world.runner.turn().await.expect_err("a failure");
    world.runner.report_failure(&failure);
    assert!(world.runner.health().failing.is_some_and(|reason| reason.contains("told to fail")));
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (runner, stop) = (world.runner.clone(), stop.clone());
        async move { runner.run(stop).await }
    });
    assert!(world.runner.reached().reaches(Position(50), Duration::from_secs(10)).await);
    stop.cancel();
    running.await.expect("the runner").expect("an orderly end");
    assert_eq!(world.runner.health().failing, None);
}

#[tokio::test]
async fn after_a_crash_every_event_is_in_the_rows_once() {
    let events = Sample::events(SEED, 400);
    let world = world_with(events.clone(), Settings { batch_events_max: 30, ..settings() });
    for _ in 0..3 {
        world.runner.turn().await.expect("a turn");
    }
    let after_crash = runner(&world.source, &world.tables, settings());
    after_crash.catch_up().await.expect("caught up");
    assert_eq!(world.tables.rows(), rows_of(events).await);
}

#[tokio::test]
async fn two_runners_on_the_same_tables_do_not_apply_twice() {
    let events = Sample::events(SEED, 200);
    let world = world_with(events.clone(), Settings { batch_events_max: 50, ..settings() });
    let other = runner(&world.source, &world.tables, Settings { batch_events_max: 70, ..settings() });
    world.runner.turn().await.expect("a turn");
    other.turn().await.expect("a turn");
    let lost = world.runner.turn().await;
    assert!(matches!(lost, Err(Failure::Tables(TablesError::Lost { .. }))), "{lost:?}");
    world.runner.catch_up().await.expect("caught up from where the other was");
    assert_eq!(world.tables.rows(), rows_of(events).await);
}

#[tokio::test]
async fn a_projection_that_is_behind_catches_up_and_then_goes_along() {
    let events = Sample::events(SEED, 400);
    let world = world_with(events.clone(), Settings { batch_events_max: 64, ..settings() });
    world.runner.catch_up().await.expect("caught up");
    let rows = world.tables.rows();
    let fresh = MemoryTables::new(projections());
    // As if "usage" were new: its rows and checkpoint are not there yet, all others are.
    for checkpoint in world.tables.checkpoints().await.expect("checkpoints") {
        if checkpoint.projection != "usage" {
            fresh.set_checkpoint(checkpoint);
        }
    }
    let late = runner(&world.source, &fresh, Settings { batch_events_max: 64, ..settings() });
    late.turn().await.expect("a turn");
    assert_eq!(checkpoint(&fresh, "usage").await.position, Position(64));
    assert_eq!(late.reached().now(), Position(64));
    late.catch_up().await.expect("caught up");
    assert_eq!(checkpoint(&fresh, "usage").await.position, Position(400));
    let usage = |rows: Rows| rows.into_iter().filter(|((table, _), _)| *table == "tbl_usage").collect::<Rows>();
    assert_eq!(usage(fresh.rows()), usage(rows));
}

#[tokio::test]
async fn tables_of_another_log_are_refused() {
    let world = world(Sample::events(SEED, 100));
    world.runner.catch_up().await.expect("caught up");
    let mut others = Sample::events(SEED, 100);
    others[0].id = EventId(Uuid::from_u128(999));
    let other = Arc::new(MemorySource::new(others));
    let refused = runner(&other, &world.tables, settings()).run(CancellationToken::new()).await;
    assert_eq!(refused, Err(Refused::OtherLog { projection: "users" }));
}

#[tokio::test]
async fn tables_of_a_log_that_went_another_way_are_refused() {
    let events = Sample::events(SEED, 100);
    let world = world(events[..60].to_vec());
    world.runner.catch_up().await.expect("caught up");
    let mut parted = events;
    parted[59].id = EventId(Uuid::from_u128(999));
    let other = Arc::new(MemorySource::new(parted));
    let refused = runner(&other, &world.tables, settings()).run(CancellationToken::new()).await;
    assert_eq!(refused, Err(Refused::OtherEvent { projection: "users", position: Position(60) }));
    let unmarked = Checkpoint { event: None, ..checkpoint(&world.tables, "users").await };
    for name in projections().iter().map(|projection| projection.name()) {
        world.tables.set_checkpoint(Checkpoint {
            projection: name.to_owned(),
            version: checkpoint(&world.tables, name).await.version,
            ..unmarked.clone()
        });
    }
    runner(&other, &world.tables, settings()).catch_up().await.expect("an earlier program has not said which event it was");
}

#[tokio::test]
async fn tables_that_are_ahead_of_the_log_are_refused() {
    let events = Sample::events(SEED, 100);
    let world = world(events.clone());
    world.runner.catch_up().await.expect("caught up");
    let restored = Arc::new(MemorySource::new(events[..60].to_vec()));
    let runner = runner(&restored, &world.tables, settings());
    let refused = Refused::AheadOfLog { projection: "users", position: Position(100), head: Position(60) };
    assert_eq!(runner.run(CancellationToken::new()).await, Err(refused.clone()));
    assert!(runner.health().failing.is_some());
    let prepared = runner.prepare(&|_| {}, &CancellationToken::new()).await;
    assert!(matches!(prepared, Err(PrepareError::Refused(error)) if error == refused));
}

#[tokio::test]
async fn the_status_tells_how_far_each_has_come() {
    let events = Sample::events(SEED, 90);
    let world = world(events[..60].to_vec());
    world.runner.catch_up().await.expect("caught up");
    world.source.append(events[60..].to_vec());
    for status in world.runner.status().await.expect("a status") {
        assert_eq!((status.position, status.lag, status.parked), (Position(60), 30, 0));
        assert_eq!((status.stored_version, status.updated_at), (Some(status.version), Timestamp(77)));
    }
}

#[tokio::test]
async fn an_empty_log_is_reached_at_once() {
    let world = world(Vec::new());
    world.runner.catch_up().await.expect("caught up");
    assert!(world.runner.reached().reaches(Position::START, Duration::from_millis(1)).await);
    assert_eq!(checkpoint(&world.tables, "files").await.log, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn incremental_or_rebuilt_and_in_any_batches_the_rows_are_the_same(
        seed in any::<u64>(),
        count in 1_usize..400,
        batch_events_max in 1_usize..200,
        cut in 0_usize..400,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (one_by_one, in_batches, rebuilt) = runtime.block_on(async {
            let events = Sample::events(seed, count);
            let one_by_one = rows_of(events.clone()).await;
            let (before, after) = events.split_at(cut.min(count));
            let world = world_with(before.to_vec(), Settings { batch_events_max, ..settings() });
            world.runner.catch_up().await.expect("caught up");
            world.source.append(after.to_vec());
            world.runner.catch_up().await.expect("caught up");
            let in_batches = world.tables.rows();
            world.runner.rebuild(None, &|_| {}, &CancellationToken::new()).await.expect("rebuilt");
            (one_by_one, in_batches, world.tables.rows())
        });
        prop_assert_eq!(&in_batches, &one_by_one);
        prop_assert_eq!(&rebuilt, &one_by_one);
    }
}

#[tokio::test]
async fn the_twin_keeps_the_contract() {
    crate::ports::contract::all(|| async { MemoryTables::new(projections()) }).await;
}

/// A log that grows, and is projected by another process, in the moment after somebody has asked for its head.
struct Racing {
    source: Arc<MemorySource>,
    other: Runner,
    to_come: std::sync::Mutex<Vec<StoredEvent>>,
}

#[async_trait::async_trait]
impl Source for Racing {
    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, SourceError> {
        self.source.read_all(after, limit).await
    }

    async fn head(&self) -> Result<Position, SourceError> {
        let head = self.source.head().await?;
        let more = std::mem::take(&mut *self.to_come.lock().expect("no panic"));
        self.source.append(more);
        self.other.catch_up().await.expect("caught up");
        Ok(head)
    }

    fn growth(&self) -> watch::Receiver<Position> {
        self.source.growth()
    }
}

#[tokio::test]
async fn tables_that_another_process_moves_on_meanwhile_are_not_taken_for_those_of_another_log() {
    for before in [0, 100] {
        let events = Sample::events(SEED, 200);
        let World { source, tables, runner: other } = world(events[..before].to_vec());
        other.catch_up().await.expect("caught up");
        let racing = Racing { source, other, to_come: std::sync::Mutex::new(events[before..].to_vec()) };
        let settings = Settings { shared: true, ..settings() };
        let runner = Runner::new(projections(), Arc::new(racing), Arc::new(tables), settings);
        runner.load().await.expect("no refusal");
        assert_eq!(runner.catch_up().await.expect("caught up"), Position(200));
    }
}
