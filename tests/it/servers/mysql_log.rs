use std::str::FromStr;
use std::sync::Arc;

use cairn_commands::audit::{Finding, Known, audit_log};
use cairn_commands::ports::checkpoints::Checkpoints;
use cairn_commands::ports::event_store::{EventStore, StoreError, contract};
use cairn_commands::ports::{digests, intake, ledger};
use cairn_domain::file::{FileEvent, FileTrashed};
use cairn_domain::{CommandId, Expected, Metadata, NewEvent, Position, StoredEvent, StreamName, Timestamp, Version};
use cairn_infra::mysql::checkpoints::MysqlCheckpoints;
use cairn_infra::mysql::digests::MysqlDigests;
use cairn_infra::mysql::ledger::MysqlLedger;
use cairn_infra::mysql::log::MysqlLog;
use cairn_infra::mysql::{Migrate, OpenError, Server};
use cairn_servers::{MariaDbAddress, shared};
use uuid::Uuid;

/// A database of the test's own.
struct Scene {
    database: String,
    mariadb: MariaDbAddress,
}

impl Scene {
    fn new(name: &str) -> Self {
        let mariadb = shared::mariadb().unwrap();
        mariadb.create_database(name).unwrap();
        Self { database: name.to_owned(), mariadb }
    }

    fn server(&self) -> Server {
        Server::from_str(&self.mariadb.url_of(&self.database)).unwrap()
    }

    async fn open(&self) -> Arc<MysqlLog> {
        Arc::new(MysqlLog::open(&self.server(), Migrate::Yes).await.unwrap())
    }

    /// Does what no program of ours does.
    fn tamper(&self, sql: &str) {
        self.mariadb.sql(&format!("USE {}; {sql}", self.database)).unwrap();
    }
}

fn stream(name: &str) -> StreamName {
    StreamName::try_from(format!("file-{name}")).unwrap()
}

fn event(stream: &StreamName, n: usize) -> NewEvent {
    NewEvent {
        id: CommandId(Uuid::from_u128(1)).event(stream.as_str(), n),
        time: Timestamp(1_700_000_000_000_000),
        metadata: Metadata { client: Some("x'\\\"é文😀".repeat(30)), ..Metadata::default() },
        event: FileEvent::FileTrashed(FileTrashed {}).into(),
    }
}

async fn append(log: &MysqlLog, stream: &StreamName, n: usize) -> Result<Position, StoreError> {
    Ok(log.append(stream, Expected::Any, vec![event(stream, n)]).await?.position)
}

async fn whole(log: &MysqlLog) -> Vec<StoredEvent> {
    log.read_all(Position::START, 1_000_000).await.unwrap()
}

fn assert_contiguous(events: &[StoredEvent]) {
    let positions: Vec<_> = events.iter().map(|event| event.position.0).collect();
    assert_eq!(positions, (1..=events.len() as u64).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_keeps_the_contract_also_when_it_is_opened_again() {
    let scene = Scene::new("log_contract");
    let log = scene.open().await;
    contract::suite(Arc::clone(&log) as Arc<dyn EventStore>, "first").await;
    let before = whole(&log).await;
    assert_contiguous(&before);
    log.close().await;

    let log = scene.open().await;
    assert_eq!(whole(&log).await, before);
    contract::suite(Arc::clone(&log) as Arc<dyn EventStore>, "second").await;
    assert_contiguous(&whole(&log).await);
}

#[tokio::test]
async fn the_log_takes_in_what_another_has_held() {
    let scene = Scene::new("log_intake");
    let log = scene.open().await;
    intake::contract::suite(Arc::clone(&log), "first").await;
    log.close().await;
    let log = scene.open().await;
    intake::contract::suite(Arc::clone(&log), "second").await;
    assert_contiguous(&whole(&log).await);
}

#[tokio::test]
async fn the_ledger_the_digests_and_the_checkpoints_keep_their_contracts() {
    let scene = Scene::new("ledger_contract");
    let ledger = MysqlLedger::open(&scene.server(), Migrate::Yes).await.unwrap();
    ledger::contract::suite(&ledger, "first").await;
    digests::contract::suite(&MysqlDigests::open(&scene.server(), Migrate::Yes).await.unwrap()).await;
    let checkpoints = MysqlCheckpoints::open(&scene.server(), Migrate::Yes).await.unwrap();
    assert_eq!(checkpoints.load("a").await.unwrap(), Position::START);
    checkpoints.save("a", Position(7)).await.unwrap();
    checkpoints.save("b", Position(9)).await.unwrap();
    checkpoints.save("a", Position(8)).await.unwrap();
    assert_eq!(checkpoints.load("a").await.unwrap(), Position(8));
    assert_eq!(checkpoints.load("b").await.unwrap(), Position(9));
}

/// Sixteen logs are as many as sixteen processes: each has its own writer, its own memory and its own connections.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_writers_and_a_reader_see_one_order_without_a_gap() {
    const EACH: usize = 60;
    let scene = Scene::new("log_sixteen");
    let mut logs = Vec::new();
    for _ in 0..16 {
        logs.push(scene.open().await);
    }
    let reader = tokio::spawn(follow(scene.open().await, 16 * 2 * EACH));
    let shared = stream("shared");
    let writers = logs.iter().cloned().enumerate().map(|(writer, log)| {
        let (shared, own) = (shared.clone(), stream(&format!("own-{writer}")));
        tokio::spawn(async move {
            for n in 0..EACH {
                append(&log, &shared, writer * EACH + n).await.unwrap();
                append(&log, &own, n).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let followed = reader.await.unwrap();
    assert_contiguous(&followed);
    assert_eq!(whole(&logs[3]).await, followed);
    let of_shared = logs[5].read_stream(&shared, Version(0), 10_000).await.unwrap();
    assert!(of_shared.iter().enumerate().all(|(n, event)| event.version == Version(n as u64)));
    assert_eq!(of_shared.len(), 16 * EACH);
}

/// Never waits for a hint: a position that appeared late would be missed for good.
async fn follow(log: Arc<MysqlLog>, total: usize) -> Vec<StoredEvent> {
    let mut seen = Vec::<StoredEvent>::new();
    while seen.len() < total {
        let after = seen.last().map_or(Position::START, |event| event.position);
        seen.extend(log.read_all(after, 100).await.unwrap());
        tokio::task::yield_now().await;
    }
    seen
}

#[tokio::test]
async fn what_another_process_did_is_never_overlooked() {
    let scene = Scene::new("log_foreign");
    let (one, other) = (scene.open().await, scene.open().await);
    let name = stream("a");
    let exact = |version| Expected::Exact(Version(version));
    append(&one, &name, 0).await.unwrap();
    append(&other, &name, 1).await.unwrap();
    let conflict = one.append(&name, exact(0), vec![event(&name, 2)]).await;
    assert!(matches!(conflict, Err(StoreError::Conflict { actual: Some(Version(1)), .. })), "{conflict:?}");
    assert_eq!(one.append(&name, exact(1), vec![event(&name, 3)]).await.unwrap().version, Version(2));
    let again = other.append(&name, Expected::NoStream, vec![event(&name, 0)]).await.unwrap();
    assert_eq!(again.position, Position(1));
    let claim = other.append(&name, Expected::NoStream, vec![event(&name, 6)]).await;
    assert!(matches!(claim, Err(StoreError::Conflict { actual: Some(Version(2)), .. })), "{claim:?}");
    assert_contiguous(&whole(&one).await);
}

/// As after a failover to a server that had not heard everything.
#[tokio::test]
async fn a_head_that_went_back_is_not_written_over() {
    let scene = Scene::new("log_back");
    let log = scene.open().await;
    let name = stream("a");
    for n in 0..5 {
        append(&log, &name, n).await.unwrap();
    }
    scene.tamper("DELETE FROM events WHERE position > 2; UPDATE log_head SET position = 2");
    assert_eq!(append(&log, &name, 5).await.unwrap(), Position(3));
    assert_eq!(append(&log, &name, 6).await.unwrap(), Position(4));
    assert_contiguous(&whole(&log).await);
    let versions: Vec<_> = whole(&log).await.iter().map(|event| event.version.0).collect();
    assert_eq!(versions, [0, 1, 2, 3]);
}

#[tokio::test]
async fn rows_that_were_removed_at_the_end_are_found() {
    let scene = Scene::new("log_end");
    let (log, name) = (scene.open().await, stream("a"));
    for n in 0..5 {
        append(&log, &name, n).await.unwrap();
    }
    let look = async || {
        let (mut findings, known) = (Vec::new(), Known { expected: &[], contiguous: true });
        let digests = digests::MemoryDigests::default();
        audit_log(&*log, &digests, known, &mut |finding| findings.push(finding), &|_| {}).await.unwrap();
        findings
    };
    assert_eq!(look().await, []);
    scene.tamper("DELETE FROM events WHERE position > 3");
    assert_eq!(look().await, [Finding::EndMissing { head: Position(5), after: Position(3) }]);
}

#[tokio::test]
async fn an_unreadable_row_is_told_with_its_position() {
    let scene = Scene::new("log_damaged");
    let log = scene.open().await;
    let name = stream("a");
    for n in 0..3 {
        append(&log, &name, n).await.unwrap();
    }
    scene.tamper("UPDATE events SET metadata = '{' WHERE position = 2");
    let error = log.read_all(Position::START, 10).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { position: Position(2), .. }), "{error:?}");
    assert_eq!(log.read_all(Position(2), 10).await.unwrap().len(), 1, "what is sound can be read");
}

#[tokio::test]
async fn a_schema_that_is_missing_old_or_newer_is_told() {
    let scene = Scene::new("log_schema");
    let missing = MysqlLog::open(&scene.server(), Migrate::No).await.unwrap_err();
    assert!(matches!(missing, OpenError::Unmigrated { found: 0, known: 1, .. }), "{missing:?}");
    assert!(missing.to_string().contains("cairn migrate"), "{missing}");
    scene.open().await.close().await;
    MysqlLog::open(&scene.server(), Migrate::No).await.unwrap().close().await;
    scene.tamper("UPDATE cairn_schema SET version = 9");
    let newer = MysqlLog::open(&scene.server(), Migrate::Yes).await.unwrap_err();
    assert!(matches!(newer, OpenError::Newer { found: 9, known: 1, .. }), "{newer:?}");
}

#[tokio::test]
async fn a_wrong_password_a_wrong_database_and_a_wrong_port_are_told_apart() {
    let scene = Scene::new("log_login");
    let url = scene.mariadb.url_of(&scene.database);
    for (wrong, refused) in [
        (url.replace(":app@", ":secret@"), true),
        (url.replace(&scene.database, "absent"), true),
        ("mysql://app:secret@127.0.0.1:1/cairn".to_owned(), false),
    ] {
        let error = MysqlLog::open(&Server::from_str(&wrong).unwrap(), Migrate::Yes).await.unwrap_err();
        assert_eq!(matches!(error, OpenError::NotLetIn { .. }), refused, "{error:?}");
        assert_eq!(matches!(error, OpenError::Unreachable { .. }), !refused, "{error:?}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
    assert!(Server::from_str("mysql://app:secret@127.0.0.1:1").is_err(), "no database");
}

#[tokio::test]
async fn a_closed_log_has_committed_what_was_queued_and_takes_nothing_more() {
    let scene = Scene::new("log_closed");
    let log = scene.open().await;
    let name = stream("a");
    let appends = (0..50).map(|n| append(&log, &name, n));
    let (appended, ()) = tokio::join!(futures_util::future::join_all(appends), log.close());
    assert!(appended.iter().all(Result::is_ok));
    assert!(matches!(append(&log, &name, 50).await, Err(StoreError::Unavailable(_))));
    assert_eq!(whole(&*scene.open().await).await.len(), 50);
}

#[tokio::test]
async fn a_lost_connection_is_replaced() {
    let scene = Scene::new("log_lost");
    let log = scene.open().await;
    let name = stream("a");
    append(&log, &name, 0).await.unwrap();
    let ours = format!("SELECT id FROM information_schema.processlist WHERE db = '{}'", scene.database);
    for id in scene.mariadb.sql(&ours).unwrap().lines() {
        scene.mariadb.sql(&format!("KILL {id}")).unwrap();
    }
    // The first append may meet the dead connection; with the same event it can be tried again.
    let mut appended = append(&log, &name, 1).await;
    if appended.is_err() {
        appended = append(&log, &name, 1).await;
    }
    assert_eq!(appended.unwrap(), Position(2));
    assert_contiguous(&whole(&log).await);
}
