//! Replays and what is found by comparing.

use cairn_projections::projection::files::UserFile;
use cairn_projections::queries::operations;
use cairn_projections::runner::{Difference, Refused, Replay, Verification, Verified, VerifyError};
use cairn_projections::statement::{Change, Statement, Value, combine};
use cairn_projections::table::Columns;
use tokio_util::sync::CancellationToken;

use super::*;

/// The log and live tables that are up with its first events.
struct World {
    directory: TempDir,
    source: Arc<MemorySource>,
    views: SqliteViews,
}

impl World {
    async fn with(events: Vec<cairn_domain::StoredEvent>) -> Self {
        let directory = TempDir::new().unwrap();
        let source = Arc::new(MemorySource::new(events));
        let views = open(&directory).await;
        runner(&source, &views, 4096).catch_up().await.unwrap();
        Self { directory, source, views }
    }

    async fn glance(&self) -> SqliteGlance {
        SqliteGlance::open(&self.directory.path().join("views.db")).await.unwrap()
    }

    async fn verify(&self) -> Result<(Verified, Vec<Difference>), VerifyError> {
        let (glance, beside) = (self.glance().await, nameless().await);
        let verification = Verification::new(projections(), self.source.clone(), &glance, &beside, Timestamp(77));
        let mut differences = Vec::new();
        let verified = verification.run(&|_| {}, &CancellationToken::new(), &mut |found| differences.push(found)).await?;
        Ok((verified, differences))
    }

    /// Changes live rows behind the back of the projections.
    async fn tamper(&self, statements: Vec<Statement>) {
        self.views.apply(Batch { runs: combine(statements), ..Batch::default() }).await.unwrap();
    }

    async fn keys(&self, table: &str) -> Vec<String> {
        let text = format!("SELECT id FROM {table} ORDER BY id");
        let rows = self.views.rows(Sql { text, values: Vec::new() }).await.unwrap();
        rows.iter().map(|row| row.get(0).unwrap()).collect()
    }
}

async fn nameless() -> SqliteReplayed {
    SqliteReplayed::nameless(&projections()).await.unwrap()
}

fn replay<'a>(events: &[cairn_domain::StoredEvent], tables: &'a SqliteReplayed) -> Replay<'a> {
    Replay::new(projections(), Arc::new(MemorySource::new(events.to_vec())), tables, Timestamp(77))
}

#[tokio::test]
async fn a_snapshot_stays_as_it_was() {
    let directory = TempDir::new().unwrap();
    let views = open(&directory).await;
    let glance = SqliteGlance::open(&directory.path().join("views.db")).await.unwrap();
    contract::a_snapshot_stays_as_it_was(&views, &glance).await;
}

#[tokio::test]
async fn a_replay_has_the_rows_of_the_log_up_to_each_place_on_its_way() {
    let events = Sample::events(SEED, 9_000);
    let tables = nameless().await;
    let mut replay = replay(&events, &tables);
    for place in [0, 1, 700, 700, 300, 8_500, 9_000] {
        let done = replay.go_to(Position(place), &|_| {}, &CancellationToken::new()).await.unwrap();
        let reached = if place == 300 { 700 } else { place };
        assert_eq!((done.position, done.parked), (Position(reached), 0));
        assert_eq!(dump(&tables).await, expected(events[..usize::try_from(reached).unwrap()].to_vec()).await, "{place}");
        if place == 700 {
            replay.index().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_replay_ends_at_the_last_event_that_is_not_behind_a_gap() {
    let mut events = Sample::events(SEED, 200);
    events.retain(|event| event.position.0 <= 90 || event.position.0 > 110);
    let tables = nameless().await;
    let done = replay(&events, &tables).go_to(Position(100), &|_| {}, &CancellationToken::new()).await.unwrap();
    assert_eq!(done.position, Position(90));
    assert_eq!(dump(&tables).await, expected(events[..90].to_vec()).await);
}

#[tokio::test]
async fn a_replay_parks_what_the_drive_parks() {
    let mut events = Sample::events(SEED, 400);
    let place = events.iter().position(|event| event.name == "FileAdded").unwrap();
    events[place].data = "{".to_owned();
    let tables = nameless().await;
    let done = replay(&events, &tables).go_to(Position(400), &|_| {}, &CancellationToken::new()).await.unwrap();
    let parked = tables.parked("files", Position::START, 9).await.unwrap();
    assert_eq!(parked[0].event, events[place].id);
    assert!(done.parked >= parked.len() as u64);
}

#[tokio::test]
async fn a_finished_file_stands_alone_and_an_unfinished_one_leaves_nothing() {
    let directory = TempDir::new().unwrap();
    let target = directory.path().join("then.db");
    let names = || {
        let all = std::fs::read_dir(directory.path()).unwrap();
        all.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>()
    };
    let events = Sample::events(SEED, 500);
    let file = SqliteFile::begin(&target, &projections()).await.unwrap();
    let taken = SqliteFile::begin(&target, &projections()).await.err().unwrap();
    assert!(taken.to_string().contains("then.db.unfinished"), "{taken}");
    let mut replay = replay(&events, file.tables());
    replay.go_to(Position(500), &|_| {}, &CancellationToken::new()).await.unwrap();
    replay.index().await.unwrap();
    assert!(!target.exists());
    file.finish().await.unwrap();
    assert_eq!(names(), ["then.db"]);
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&target).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let glance = SqliteGlance::open(&target).await.unwrap();
    assert_eq!(dump(&glance).await, expected(events).await);
    let journal = glance.rows(Sql { text: "PRAGMA journal_mode".to_owned(), values: Vec::new() }).await.unwrap();
    assert_eq!(journal[0].get::<String>(0).unwrap(), "delete");

    SqliteFile::begin(&target, &projections()).await.unwrap().discard().await;
    assert_eq!(names(), ["then.db"]);
}

#[tokio::test]
async fn live_rows_are_verified_as_they_were_at_one_moment() {
    let world = World::with(Sample::events(SEED, 3_000)).await;
    let (verified, differences) = world.verify().await.unwrap();
    assert_eq!((verified.position, verified.differ, differences), (Position(3_000), 0, Vec::new()));
    assert!(verified.rows > 500, "{verified:?}");
    // The live tables are behind: they are verified up to where they stand.
    world.source.append(Sample::events(SEED, 3_100)[3_000..].to_vec());
    assert_eq!(world.verify().await.unwrap().0, verified);
}

#[tokio::test]
async fn rows_that_are_changed_missing_or_too_many_are_found() {
    let world = World::with(Sample::events(SEED, 3_000)).await;
    let keys = world.keys("tbl_user_file").await;
    let (changed, missing) = (keys[3].clone(), keys.last().unwrap().clone());
    let invented = "0".repeat(36);
    let text = format!("SELECT * FROM tbl_user_file WHERE id = '{changed}'");
    let copied = world.views.rows(Sql { text, values: Vec::new() }).await.unwrap().remove(0).0;
    let row = Change::Put(copied[1..].to_vec());
    world
        .tamper(vec![
            Statement::set(changed.clone(), [(UserFile::Size, 7_777_777.into())]),
            Statement::remove::<UserFile>(missing.clone()),
            Statement { table: UserFile::TABLE, key: invented.clone(), change: row },
        ])
        .await;
    let (verified, found) = world.verify().await.unwrap();
    assert_eq!(verified.differ, 3);
    let told: Vec<_> =
        found.iter().map(|found| (found.table, found.key.as_str(), found.live.is_some(), found.rebuilt.is_some())).collect();
    let table = "tbl_user_file";
    assert_eq!(told, [(table, &*invented, true, false), (table, &*changed, true, true), (table, &*missing, false, true)]);
    let cells: Vec<_> = found[1].cells().collect();
    assert_eq!((cells.len(), cells[0].0, cells[0].1), (1, "size", Some(&Value::Integer(7_777_777))));
    assert_eq!(found[0].cells().count(), found[0].columns.len());
}

#[tokio::test]
async fn what_is_parked_differs_by_its_place_and_not_by_its_reason() {
    let mut events = Sample::events(SEED, 400);
    let place = events.iter().position(|event| event.name == "FileAdded").unwrap();
    let good = events[place].clone();
    events[place].data = "{".to_owned();
    let world = World::with(events).await;
    let parked = world.views.parked("files", Position::START, 9).await.unwrap();
    let renewed = Parked { reason: "another".to_owned(), parked_at: Timestamp(1), ..parked[0].clone() };
    world.views.apply(Batch { park: vec![renewed], ..Batch::default() }).await.unwrap();
    assert_eq!(world.verify().await.unwrap().0.differ, 0);
    world.source.replace(good);
    let found = world.verify().await.unwrap().1;
    let key = format!("files:{}", parked[0].position);
    assert!(found.iter().any(|found| found.table == "tbl_parked" && found.key == key && found.rebuilt.is_none()), "{found:?}");
}

#[tokio::test]
async fn projections_that_stand_apart_are_each_verified_where_they_stand() {
    let world = World::with(Sample::events(SEED, 300)).await;
    let back = "UPDATE tbl_checkpoint SET position = 0, event_id = NULL, log_id = NULL WHERE projection = 'usage'";
    execute(&world, back).await;
    execute(&world, "DELETE FROM tbl_usage").await;
    let (verified, found) = world.verify().await.unwrap();
    assert_eq!((verified.position, found), (Position::START, Vec::new()));
}

#[tokio::test]
async fn tables_that_do_not_belong_to_the_log_are_not_compared() {
    let world = World::with(Sample::events(SEED, 300)).await;
    let refused = async |sql: &str| {
        execute(&world, sql).await;
        match world.verify().await {
            Err(VerifyError::Refused(refused)) => refused,
            other => panic!("{other:?}"),
        }
    };
    let of = "WHERE projection = 'files'";
    assert!(matches!(refused(&format!("UPDATE tbl_checkpoint SET position = 301 {of}")).await, Refused::AheadOfLog { .. }));
    assert!(matches!(refused(&format!("UPDATE tbl_checkpoint SET position = 299 {of}")).await, Refused::OtherEvent { .. }));
    let another = cairn_domain::EventId(uuid::Uuid::from_u128(9));
    let other = format!("UPDATE tbl_checkpoint SET position = 300, log_id = '{another}' {of}");
    assert!(matches!(refused(&other).await, Refused::OtherLog { .. }));
    assert!(matches!(refused(&format!("UPDATE tbl_checkpoint SET version = 1 {of}")).await, Refused::Stale { .. }));
    assert!(matches!(refused(&format!("UPDATE tbl_checkpoint SET version = 99 {of}")).await, Refused::Newer { .. }));
    assert!(matches!(refused(&format!("DELETE FROM tbl_checkpoint {of}")).await, Refused::Unknown { .. }));
}

#[tokio::test]
async fn parked_events_are_counted_by_projection() {
    let mut events = Sample::events(SEED, 400);
    let place = events.iter().position(|event| event.name == "FileAdded").unwrap();
    events[place].data = "{".to_owned();
    let world = World::with(events).await;
    let counts = operations::parked_counts(&world.views).await.unwrap();
    for (projection, count) in &counts {
        assert_eq!(world.views.parked(projection, Position::START, 1000).await.unwrap().len() as u64, *count);
    }
    assert!(counts.contains_key("files") && !counts.contains_key("users"), "{counts:?}");
    assert!(operations::lease_owners(&world.views).await.unwrap().is_empty());
}

async fn execute(world: &World, sql: &str) {
    let database = world.views.database().await.unwrap();
    let mut writer = database.writer.lock().await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(writer.connection()).await.unwrap();
}
