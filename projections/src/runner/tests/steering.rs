use super::*;
use crate::projection::{Envelope, Unprojectable};
use crate::statement::Statement;
use crate::table::Table;

const STOP_AT: u64 = 9_000;

fn never() -> CancellationToken {
    CancellationToken::new()
}

/// The rows of a log that is too long to be projected event by event.
async fn rows_of_a_long(events: Vec<StoredEvent>) -> Rows {
    let world = world(events);
    world.runner.catch_up().await.expect("caught up");
    world.tables.rows()
}

/// Stops a rebuild of the log of `world` on its way, and tells how far it had come.
async fn stopped_on_its_way(world: &World) -> Position {
    let (stop, seen) = (never(), std::sync::Mutex::new(Position::START));
    let report = |progress: Progress| {
        *seen.lock().expect("seen") = progress.done;
        if progress.done >= Position(STOP_AT) {
            stop.cancel();
        }
    };
    assert!(matches!(world.runner.rebuild(None, &report, &stop).await, Err(RebuildError::Cancelled)));
    let seen = *seen.lock().expect("seen");
    assert!(seen < Position(20_000), "stopped too late, at {seen}");
    seen
}

#[tokio::test]
async fn a_rebuild_that_was_stopped_goes_on_from_where_it_was() {
    let events = Sample::events(SEED, 20_000);
    let world = world(events.clone());
    let stopped_at = stopped_on_its_way(&world).await;
    let first = std::sync::Mutex::new(None);
    let report = |progress: Progress| _ = first.lock().expect("first").get_or_insert(progress.done);
    let wish = Wish { begin: Begin::GoOn, promote: true };
    let rebuilt = world.runner.rebuild_as(None, wish, &report, &never()).await.expect("rebuilt");
    assert_eq!(rebuilt, Rebuilt { position: Position(20_000), parked: 0, promoted: true });
    assert!(first.lock().expect("first").expect("a report") > stopped_at);
    assert_eq!(world.tables.rows(), rows_of_a_long(events).await);
}

#[tokio::test]
async fn what_was_kept_of_another_log_is_not_gone_on_with() {
    let world = world(Sample::events(SEED, 20_000));
    stopped_on_its_way(&world).await;
    let mut other = Sample::events(SEED, 20_000);
    other[0].id = EventId(Uuid::from_u128(1));
    let source = Arc::new(MemorySource::new(other.clone()));
    let runner = runner(&source, &world.tables, settings());
    assert!(matches!(runner.promote(&|_| {}, &never()).await, Err(RebuildError::NothingKept)));
    runner.rebuild_as(None, Wish { begin: Begin::GoOn, promote: true }, &|_| {}, &never()).await.expect("rebuilt");
    assert_eq!(world.tables.rows(), rows_of_a_long(other).await);
}

#[tokio::test]
async fn a_rebuild_that_is_held_is_promoted_when_somebody_says_so() {
    let events = Sample::events(SEED, 400);
    let world = world(events[..300].to_vec());
    let held = world.runner.rebuild_as(None, Wish { promote: false, ..Wish::default() }, &|_| {}, &never()).await.expect("held");
    assert_eq!(held, Rebuilt { position: Position(300), parked: 0, promoted: false });
    assert_eq!(world.tables.rows(), Rows::new());
    world.source.append(events[300..].to_vec());
    let promoted = world.runner.promote(&|_| {}, &never()).await.expect("promoted");
    assert_eq!(promoted, Rebuilt { position: Position(400), parked: 0, promoted: true });
    assert_eq!(world.tables.rows(), rows_of(events).await);
    assert!(matches!(world.runner.promote(&|_| {}, &never()).await, Err(RebuildError::NothingKept)));
    assert!(!world.runner.discard_kept().await.expect("asked"));
}

#[tokio::test]
async fn what_was_held_can_be_thrown_away() {
    let world = world(Sample::events(SEED, 300));
    world.runner.rebuild_as(None, Wish { promote: false, ..Wish::default() }, &|_| {}, &never()).await.expect("held");
    assert!(world.runner.discard_kept().await.expect("asked"));
    assert!(matches!(world.runner.promote(&|_| {}, &never()).await, Err(RebuildError::NothingKept)));
}

#[tokio::test]
async fn the_tables_before_a_rebuild_come_back_and_catch_up() {
    let events = Sample::events(SEED, 400);
    let world = world(events[..300].to_vec());
    world.runner.catch_up().await.expect("caught up");
    assert!(matches!(world.runner.roll_back().await, Err(SteerError::NothingBefore)));
    world.tables.refuse(Some(events[first(&events, "FileAdded")].stream.id()));
    let rebuilt = world.runner.rebuild(None, &|_| {}, &never()).await.expect("rebuilt");
    assert!(rebuilt.parked > 0);
    world.tables.refuse(None);
    world.source.append(events[300..].to_vec());
    assert_eq!(world.runner.roll_back().await.expect("rolled back"), Position(300));
    assert_eq!(world.runner.reached().now(), Position(400));
    assert_eq!(world.tables.rows(), rows_of(events).await);
}

#[tokio::test]
async fn tables_of_another_version_are_not_put_back() {
    let world = world(Sample::events(SEED, 300));
    let old = Checkpoint { version: 0, ..checkpoint(&world.tables, "files").await };
    world.tables.set_checkpoint(old);
    world.runner.rebuild(None, &|_| {}, &never()).await.expect("rebuilt");
    let before = world.tables.rows();
    assert!(matches!(world.runner.roll_back().await, Err(SteerError::Refused(Refused::Stale { .. }))));
    assert_eq!(world.tables.rows(), before);
}

#[tokio::test]
async fn a_paused_projection_stands_still_and_nobody_waits_for_it() {
    let events = Sample::events(SEED, 300);
    let world = world(events[..200].to_vec());
    world.runner.catch_up().await.expect("caught up");
    world.runner.pause(Some("files")).await.expect("paused");
    world.source.append(events[200..].to_vec());
    world.runner.catch_up().await.expect("caught up");
    let position = async |name: &str| checkpoint(&world.tables, name).await.position;
    assert_eq!((position("files").await, position("users").await), (Position(200), Position(300)));
    let forever = Duration::from_hours(1);
    assert!(!world.runner.reached().reaches(Position(300), forever).await);
    world.runner.resume(None).await.expect("goes on");
    world.runner.catch_up().await.expect("caught up");
    assert!(world.runner.reached().reaches(Position(300), forever).await);
    assert_eq!(world.tables.rows(), rows_of(events).await);
    assert!(matches!(world.runner.pause(Some("songs")).await, Err(SteerError::UnknownProjection(_))));
}

/// A projection of which the version before can serve.
struct Newer(Arc<dyn crate::Projection>);

impl crate::Projection for Newer {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn version(&self) -> u32 {
        self.0.version() + 1
    }

    fn serves(&self, version: u32) -> bool {
        version == self.0.version()
    }

    fn tables(&self) -> &'static [&'static Table] {
        self.0.tables()
    }

    fn events(&self) -> &'static [&'static str] {
        self.0.events()
    }

    fn project(&self, event: &cairn_domain::Event, envelope: Envelope<'_>) -> Result<Vec<Statement>, Unprojectable> {
        self.0.project(event, envelope)
    }
}

#[tokio::test]
async fn rows_of_a_version_that_serves_are_asked_and_followed_until_they_are_made_anew() {
    let events = Sample::events(SEED, 400);
    let world = world(events[..200].to_vec());
    world.runner.catch_up().await.expect("caught up");
    let newer = projections().into_iter().map(|projection| Arc::new(Newer(projection)) as Arc<dyn crate::Projection>).collect();
    let tables = world.tables.of(newer);
    let newer = tables.projections().to_vec();
    let runner = Runner::new(newer, Arc::clone(&world.source) as Arc<dyn Source>, Arc::new(tables), settings());
    world.source.append(events[200..300].to_vec());
    runner.prepare(&|_| {}, &never()).await.expect("prepared");
    assert_eq!(runner.reached().now(), Position(300));
    assert!(runner.is_outdated().await.expect("asked"));
    let old = checkpoint(&world.tables, "files").await;
    world.source.append(events[300..].to_vec());
    runner.renew(&|_| {}, &never()).await;
    assert!(!runner.is_outdated().await.expect("asked"));
    let new = checkpoint(&world.tables, "files").await;
    assert_eq!((new.version, new.position), (old.version + 1, Position(400)));
    assert_eq!(world.tables.rows(), rows_of(events).await);
}
