use std::sync::Arc;

use cairn_commands::ports::event_store::{EventStore, StoreError, contract};
use cairn_commands::ports::ledger::{self, Begun, Ledger, StoredAnswer};
use cairn_commands::ports::{digests, intake};
use cairn_domain::file::{FileEvent, FileTrashed};
use cairn_domain::{CommandId, Expected, Metadata, NewEvent, Position, StoredEvent, StreamName, Timestamp, Version};
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;
use uuid::Uuid;

use super::*;

struct Scene {
    directory: TempDir,
}

impl Scene {
    fn new() -> Self {
        Self { directory: TempDir::new().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("events.db")
    }

    async fn open(&self) -> SqliteLog {
        SqliteLog::open(&self.path()).await.unwrap()
    }

    /// Does what no program of ours does.
    async fn tamper(&self, sql: &'static str) {
        let mut connection = connect::for_writing(&self.path()).connect().await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

#[tokio::test]
async fn who_may_not_change_a_schema_leaves_other_files_as_they_are() {
    let scene = Scene::new();
    let opened = async || SqliteLog::open_made(&scene.path()).await;
    assert!(matches!(opened().await, Err(OpenError::OlderSchema { found: 0, .. })), "there is none");
    assert!(!scene.path().exists(), "and none was made");
    std::fs::write(scene.path(), b"").unwrap();
    assert!(matches!(opened().await, Err(OpenError::NoLog { .. })), "an empty file");
    assert_eq!(std::fs::metadata(scene.path()).unwrap().len(), 0);
    let mut foreign = connect::common(&scene.path()).connect().await.unwrap();
    sqlx::raw_sql("CREATE TABLE recipes (name TEXT)").execute(&mut foreign).await.unwrap();
    foreign.close().await.unwrap();
    let before = std::fs::read(scene.path()).unwrap();
    assert!(matches!(opened().await, Err(OpenError::NoLog { .. })), "a file of somebody else");
    assert_eq!(std::fs::read(scene.path()).unwrap(), before);

    let scene = Scene::new();
    scene.open().await.close().await;
    SqliteLog::open_made(&scene.path()).await.unwrap().close().await;
    scene.tamper("UPDATE meta SET value = 1; DROP TABLE log_digest").await;
    let before = std::fs::read(scene.path()).unwrap();
    let older = SqliteLog::open_made(&scene.path()).await;
    assert!(matches!(older, Err(OpenError::OlderSchema { found: 1, known: SCHEMA_VERSION, .. })), "{older:?}");
    assert_eq!(std::fs::read(scene.path()).unwrap(), before);
    scene.open().await.close().await;
    SqliteLog::open_made(&scene.path()).await.unwrap().close().await;
}

fn stream(name: &str) -> StreamName {
    StreamName::try_from(format!("file-{name}")).unwrap()
}

fn event(stream: &StreamName, n: usize) -> NewEvent {
    NewEvent {
        id: CommandId(Uuid::from_u128(1)).event(stream.as_str(), n),
        time: Timestamp(1_700_000_000_000_000),
        metadata: Metadata { client: Some("x".repeat(1_000)), ..Metadata::default() },
        event: FileEvent::FileTrashed(FileTrashed {}).into(),
    }
}

async fn append(log: &SqliteLog, stream: &StreamName, n: usize) -> Result<Position, StoreError> {
    Ok(log.append(stream, Expected::Any, vec![event(stream, n)]).await?.position)
}

async fn whole(log: &SqliteLog) -> Vec<StoredEvent> {
    log.read_all(Position::START, usize::MAX).await.unwrap()
}

fn assert_contiguous(events: &[StoredEvent]) {
    let positions: Vec<_> = events.iter().map(|event| event.position.0).collect();
    assert_eq!(positions, (1..=events.len() as u64).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_keeps_the_contract_also_when_it_is_opened_again() {
    let scene = Scene::new();
    let log = Arc::new(scene.open().await);
    contract::suite(Arc::clone(&log) as Arc<dyn EventStore>, "first").await;
    let before = whole(&log).await;
    assert_contiguous(&before);
    log.close().await;

    let log = Arc::new(scene.open().await);
    assert_eq!(whole(&log).await, before);
    assert_eq!(*log.growth().borrow(), Position(before.len() as u64));
    contract::suite(Arc::clone(&log) as Arc<dyn EventStore>, "second").await;
    assert_contiguous(&whole(&log).await);
}

#[tokio::test]
async fn the_log_takes_in_what_another_has_held() {
    let scene = Scene::new();
    let log = Arc::new(scene.open().await);
    intake::contract::suite(Arc::clone(&log), "first").await;
    log.close().await;
    let log = Arc::new(scene.open().await);
    intake::contract::suite(Arc::clone(&log), "second").await;
    assert_contiguous(&whole(&log).await);
}

#[tokio::test]
async fn the_ledger_keeps_the_contract_also_when_it_is_opened_again() {
    let scene = Scene::new();
    let log = scene.open().await;
    ledger::contract::suite(&log.ledger(), "first").await;
    let answer = StoredAnswer { status: 201, position: Some(7), body: "{}".to_owned() };
    assert_eq!(log.ledger().begin("kept", "f", Timestamp(2_000_000_000_000_000)).await.unwrap(), Begun::New);
    log.ledger().finish("kept", &answer).await.unwrap();
    log.close().await;

    let log = scene.open().await;
    ledger::contract::suite(&log.ledger(), "second").await;
    assert_eq!(log.ledger().begin("kept", "f", Timestamp(0)).await.unwrap(), Begun::Answered(answer));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_logs_on_one_file_keep_one_order() {
    let scene = Scene::new();
    let (one, other) = tokio::join!(scene.open(), scene.open());
    let logs = [Arc::new(one), Arc::new(other)];
    let shared = stream("shared");
    let appenders = (0..16).map(|appender| {
        let (log, shared, own) = (Arc::clone(&logs[appender % 2]), shared.clone(), stream(&format!("own-{appender}")));
        tokio::spawn(async move {
            for n in 0..25 {
                append(&log, &shared, appender * 25 + n).await.unwrap();
                append(&log, &own, n).await.unwrap();
            }
        })
    });
    let reader = tokio::spawn(follow(Arc::clone(&logs[0]), 16 * 50));
    for appender in appenders.collect::<Vec<_>>() {
        appender.await.unwrap();
    }
    let followed = reader.await.unwrap();
    assert_contiguous(&followed);
    assert_eq!(whole(&logs[1]).await, followed);
    let of_shared = logs[1].read_stream(&shared, Version(0), usize::MAX).await.unwrap();
    assert!(of_shared.iter().enumerate().all(|(n, event)| event.version == Version(n as u64)));
    assert_eq!(of_shared.len(), 16 * 25);
}

/// The hint of one log also tells, a little later, of what the other appends.
async fn follow(log: Arc<SqliteLog>, total: usize) -> Vec<StoredEvent> {
    let mut growth = log.growth();
    let mut seen = Vec::<StoredEvent>::new();
    while seen.len() < total {
        let after = seen.last().map_or(Position::START, |event| event.position);
        seen.extend(log.read_all(after, 100).await.unwrap());
        let after = seen.last().map_or(Position::START, |event| event.position);
        if seen.len() < total {
            growth.wait_for(|&head| head > after).await.unwrap();
        }
    }
    seen
}

/// What one log remembers of a stream is no longer so once the other has appended to it.
#[tokio::test]
async fn what_another_log_did_is_never_overlooked() {
    let scene = Scene::new();
    let (one, other) = (scene.open().await, scene.open().await);
    let name = stream("a");
    let exact = |version| Expected::Exact(Version(version));
    append(&one, &name, 0).await.unwrap();
    append(&other, &name, 1).await.unwrap();
    let conflict = one.append(&name, exact(0), vec![event(&name, 2)]).await;
    assert!(matches!(conflict, Err(StoreError::Conflict { actual: Some(Version(1)), .. })), "{conflict:?}");
    assert_eq!(one.append(&name, exact(1), vec![event(&name, 3)]).await.unwrap().version, Version(2));
    assert_eq!(other.append(&name, Expected::Any, vec![event(&name, 4)]).await.unwrap().version, Version(3));
    assert_eq!(one.append(&name, Expected::Any, vec![event(&name, 5)]).await.unwrap().version, Version(4));
    let claim = other.append(&name, Expected::NoStream, vec![event(&name, 6)]).await;
    assert!(matches!(claim, Err(StoreError::Conflict { actual: Some(Version(4)), .. })), "{claim:?}");
    assert_contiguous(&whole(&one).await);
}

#[tokio::test]
async fn a_large_append_has_more_rows_than_one_statement() {
    let scene = Scene::new();
    let log = scene.open().await;
    let name = stream("a");
    let events = (0..300).map(|n| event(&name, n)).collect();
    let appended = log.append(&name, Expected::NoStream, events).await.unwrap();
    assert_eq!((appended.version, appended.position), (Version(299), Position(300)));
    assert_contiguous(&whole(&log).await);
}

#[tokio::test]
async fn a_repeat_is_known_across_logs() {
    let scene = Scene::new();
    let (one, other) = (scene.open().await, scene.open().await);
    let name = stream("a");
    let first = one.append(&name, Expected::NoStream, vec![event(&name, 0)]).await.unwrap();
    let again = other.append(&name, Expected::NoStream, vec![event(&name, 0)]).await.unwrap();
    assert!(again.repeated && !first.repeated);
    assert_eq!((first.version, first.position), (again.version, again.position));
}

#[tokio::test]
async fn a_group_judges_each_append_for_itself() {
    let scene = Scene::new();
    let log = scene.open().await;
    let name = stream("a");
    log.append(&name, Expected::NoStream, vec![event(&name, 0)]).await.unwrap();
    let exact = |version| Expected::Exact(Version(version));
    // All are queued before the writer takes the first: this test has one thread, and `join!` polls them in turn.
    let (repeat, conflict, next, after_it, too_late, elsewhere) = tokio::join!(
        log.append(&name, Expected::NoStream, vec![event(&name, 0)]),
        log.append(&name, Expected::NoStream, vec![event(&name, 1)]),
        log.append(&name, exact(0), vec![event(&name, 2), event(&name, 3)]),
        log.append(&name, exact(2), vec![event(&name, 4)]),
        log.append(&name, exact(2), vec![event(&name, 5)]),
        append(&log, &name, 6),
    );
    assert_eq!(repeat.unwrap().position, Position(1));
    assert!(matches!(conflict, Err(StoreError::Conflict { actual: Some(Version(0)), .. })));
    assert_eq!(next.unwrap().position, Position(3));
    assert_eq!(after_it.unwrap().version, Version(3));
    assert!(matches!(too_late, Err(StoreError::Conflict { actual: Some(Version(3)), .. })));
    assert_eq!(elsewhere.unwrap(), Position(5));
    assert_contiguous(&whole(&log).await);
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let scene = Scene::new();
    scene.open().await.close().await;
    scene.tamper("UPDATE meta SET value = 3").await;
    let refused = SqliteLog::open(&scene.path()).await.unwrap_err();
    assert!(matches!(refused, OpenError::NewerSchema { found: 3, known: 2, .. }), "{refused:?}");
    assert!(refused.to_string().contains("events.db has schema 3, newer than the 2"), "{refused}");
}

#[tokio::test]
async fn a_file_of_the_first_schema_is_brought_up_to_date_with_its_events() {
    let scene = Scene::new();
    let log = scene.open().await;
    append(&log, &stream("a"), 0).await.unwrap();
    let before = whole(&log).await;
    log.close().await;
    scene.tamper("DROP TABLE log_digest; UPDATE meta SET value = 1").await;
    let log = scene.open().await;
    assert_eq!(whole(&log).await, before);
    digests::contract::suite(&SqliteDigests::of(&scene.path())).await;
    append(&log, &stream("a"), 1).await.unwrap();
}

#[tokio::test]
async fn what_is_not_a_log_is_refused() {
    let scene = Scene::new();
    std::fs::write(scene.path(), "not a database, but long enough to look at".repeat(100)).unwrap();
    assert!(matches!(SqliteLog::open(&scene.path()).await, Err(OpenError::Unusable { .. })));
    let nowhere = scene.directory.path().join("absent").join("events.db");
    assert!(matches!(SqliteLog::open(&nowhere).await, Err(OpenError::Unusable { .. })));
}

#[tokio::test]
async fn a_full_disk_appends_nothing_and_harms_nothing() {
    let scene = Scene::new();
    let log = scene.open().await;
    let name = stream("a");
    append(&log, &name, 0).await.unwrap();
    log.close().await;
    // The file may not grow beyond its size now, which is what a full disk looks like to SQLite.
    scene.tamper("CREATE TABLE ballast (bytes BLOB) STRICT; INSERT INTO ballast VALUES (zeroblob(200000))").await;
    let pages = std::fs::metadata(scene.path()).unwrap().len() / 4096;
    let limited = connect::for_writing(&scene.path()).pragma("max_page_count", pages.to_string());
    let log = SqliteLog::open_with(&scene.path(), limited).await.unwrap();

    let mut n = 1;
    let full = loop {
        match append(&log, &name, n).await {
            Ok(position) => assert_eq!(position, Position(n as u64 + 1)),
            Err(error) => break error,
        }
        n += 1;
        assert!(n < 1_000, "the file never got full");
    };
    assert!(matches!(full, StoreError::Full(_)), "{full:?}");
    assert_eq!(log.head().await.unwrap(), Position(n as u64));
    assert!(matches!(append(&log, &name, n).await, Err(StoreError::Full(_))), "still full");
    assert_contiguous(&whole(&log).await);

    scene.tamper("DELETE FROM ballast").await;
    assert_eq!(append(&log, &name, n).await.unwrap(), Position(n as u64 + 1), "there is room again");
}

#[tokio::test]
async fn a_lost_write_connection_is_replaced() {
    let scene = Scene::new();
    let log = scene.open().await;
    let name = stream("a");
    append(&log, &name, 0).await.unwrap();
    scene.tamper("ALTER TABLE events RENAME TO hidden").await;
    let error = append(&log, &name, 1).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    scene.tamper("ALTER TABLE hidden RENAME TO events").await;
    assert_eq!(append(&log, &name, 1).await.unwrap(), Position(2));
}

#[tokio::test]
async fn an_unreadable_row_is_told_with_its_position() {
    let scene = Scene::new();
    let log = scene.open().await;
    let name = stream("a");
    for n in 0..3 {
        append(&log, &name, n).await.unwrap();
    }
    for damage in [
        "UPDATE events SET metadata = '{' WHERE position = 2",
        "UPDATE events SET metadata = '{}', schema = 70000 WHERE position = 2",
        "UPDATE events SET schema = 1, id = x'00' WHERE position = 2",
    ] {
        scene.tamper(damage).await;
        let error = log.read_all(Position::START, 10).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { position: Position(2), .. }), "{damage}: {error:?}");
        let error = log.read_stream(&name, Version(1), 10).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { position: Position(2), .. }), "{damage}: {error:?}");
    }
    assert_eq!(log.read_all(Position(2), 10).await.unwrap().len(), 1, "what is sound can be read");
}

#[tokio::test]
async fn a_closed_log_has_committed_what_was_queued_and_takes_nothing_more() {
    let scene = Scene::new();
    let log = scene.open().await;
    let ledger = log.ledger();
    let name = stream("a");
    let appends = (0..50).map(|n| append(&log, &name, n));
    let (appended, ()) = tokio::join!(futures_util::future::join_all(appends), log.close());
    assert!(appended.iter().all(Result::is_ok));
    assert!(matches!(append(&log, &name, 50).await, Err(StoreError::Unavailable(_))));
    assert!(ledger.begin("key", "f", Timestamp(0)).await.is_err());
    assert!(!scene.directory.path().join("events.db-wal").exists(), "the WAL is tidied up");
    assert_eq!(whole(&scene.open().await).await.len(), 50);
}
