//! The log over EventStoreDB, on the double; the contract alone also on a real server, see CONTRIBUTING.md.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use cairn_commands::ports::event_store::{APPEND_BYTES_MAX, Append, Appended, EventStore, StoreError, contract};
use cairn_commands::ports::ids::Ids;
use cairn_commands::ports::intake;
use cairn_domain::file::{FileEvent, FileTrashed};
use cairn_domain::{CommandId, Expected, Metadata, NewEvent, Position, StoredEvent, StreamName, Version};
use cairn_eventstore_double::{Double, Fault, Method, Scope};
use cairn_infra::eventstore::log::EventStoreLog;
use cairn_infra::eventstore::{OpenError, Server};
use cairn_infra::ids::RandomIds;
use eventstore::{AppendToStreamOptions, Client, ClientSettings, DeleteStreamOptions, EventData, StreamState};
use uuid::Uuid;

use crate::harness::until_async;

/// The server of somebody who wants to know whether his will do.
const REAL: &str = "CAIRN_TEST_EVENTSTORE_URL";

struct Scene {
    double: Double,
    foreign: Client,
}

impl Scene {
    /// A log that others use as well.
    async fn new() -> Self {
        let double = Double::start().unwrap();
        let foreign = Client::new(double.url().parse::<ClientSettings>().unwrap()).unwrap();
        let scene = Self { double, foreign };
        scene.write_foreign("orders-1", 5).await;
        scene
    }

    async fn open(&self) -> Arc<EventStoreLog> {
        open(&self.double.url()).await
    }

    /// Events of somebody else.
    async fn write_foreign(&self, stream: &str, count: usize) {
        let events: Vec<_> = (0..count).map(|n| EventData::json("OrderPlaced", &n).unwrap()).collect();
        self.foreign.append_to_stream(stream, &AppendToStreamOptions::default(), events).await.unwrap();
    }
}

async fn open(url: &str) -> Arc<EventStoreLog> {
    Arc::new(EventStoreLog::open(&Server::from_str(url).unwrap()).await.unwrap())
}

fn stream(name: &str) -> StreamName {
    StreamName::try_from(format!("file-{name}")).unwrap()
}

fn event(stream: &StreamName, n: usize) -> NewEvent {
    NewEvent {
        id: CommandId(Uuid::from_u128(1)).event(stream.as_str(), n),
        time: cairn_domain::Timestamp(1_700_000_000_000_000),
        metadata: Metadata { client: Some("x'\\\"é文😀".repeat(30)), ..Metadata::default() },
        event: FileEvent::FileTrashed(FileTrashed {}).into(),
    }
}

async fn append(log: &EventStoreLog, stream: &StreamName, n: usize) -> Result<Appended, StoreError> {
    log.append(stream, Expected::Any, vec![event(stream, n)]).await
}

async fn whole(log: &EventStoreLog) -> Vec<StoredEvent> {
    log.read_all(Position::START, 1_000_000).await.unwrap()
}

fn versions(events: &[StoredEvent]) -> Vec<u64> {
    events.iter().map(|event| event.version.0).collect()
}

fn assert_in_order(events: &[StoredEvent]) {
    assert!(events.windows(2).all(|pair| pair[0].position < pair[1].position), "in order and once");
}

/// On a real server this is all that is run: it needs nothing but the address, and disturbs nobody else's streams.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_keeps_the_contract_also_when_it_is_opened_again() {
    let run = RandomIds.command().0;
    if let Ok(url) = std::env::var(REAL) {
        let log = open(&url).await;
        contract::suite(Arc::clone(&log) as Arc<dyn EventStore>, &format!("{run}-first")).await;
        log.close().await;
        contract::suite(open(&url).await, &format!("{run}-second")).await;
        return intake::contract::suite(open(&url).await, &format!("{run}-third")).await;
    }
    let scene = Scene::new().await;
    let log = scene.open().await;
    contract::suite(Arc::clone(&log) as Arc<dyn EventStore>, "first").await;
    let before = whole(&log).await;
    assert_in_order(&before);
    log.close().await;

    scene.write_foreign("orders-2", 100).await;
    let log = scene.open().await;
    assert_eq!(whole(&log).await, before);
    contract::suite(Arc::clone(&log) as Arc<dyn EventStore>, "second").await;
    intake::contract::suite(Arc::clone(&log), "third").await;
    assert_in_order(&whole(&log).await);
}

/// Sixteen logs are as many as sixteen processes: each has its own connection and its own memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_writers_and_a_reader_see_one_order_without_a_gap() {
    const EACH: usize = 30;
    let scene = Scene::new().await;
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
                append_again(&log, &shared, writer * EACH + n).await;
                append_again(&log, &own, n).await;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let followed = reader.await.unwrap();
    assert_in_order(&followed);
    assert_eq!(whole(&logs[3]).await, followed);
    let of_shared = logs[5].read_stream(&shared, Version(0), 10_000).await.unwrap();
    assert_eq!(versions(&of_shared), (0..16 * EACH as u64).collect::<Vec<_>>());
}

/// Whoever meets the same stream at the same time as fifteen others may have to try for longer than one append may take.
async fn append_again(log: &EventStoreLog, stream: &StreamName, n: usize) -> Appended {
    loop {
        if let Ok(appended) = append(log, stream, n).await {
            return appended;
        }
    }
}

/// Never waits for a hint: a position that appeared late would be missed for good.
async fn follow(log: Arc<EventStoreLog>, total: usize) -> Vec<StoredEvent> {
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
    let scene = Scene::new().await;
    let (one, other) = (scene.open().await, scene.open().await);
    let name = stream("a");
    let exact = |version| Expected::Exact(Version(version));
    let first = append(&one, &name, 0).await.unwrap();
    append(&other, &name, 1).await.unwrap();
    let conflict = one.append(&name, exact(0), vec![event(&name, 2)]).await;
    assert!(matches!(conflict, Err(StoreError::Conflict { actual: Some(Version(1)), .. })), "{conflict:?}");
    assert_eq!(one.append(&name, exact(1), vec![event(&name, 3)]).await.unwrap().version, Version(2));
    let again = other.append(&name, Expected::NoStream, vec![event(&name, 0)]).await.unwrap();
    assert_eq!(again, Appended { repeated: true, ..first });
    let claim = other.append(&name, Expected::NoStream, vec![event(&name, 6)]).await;
    assert!(matches!(claim, Err(StoreError::Conflict { actual: Some(Version(2)), .. })), "{claim:?}");
    assert_eq!(versions(&whole(&one).await), [0, 1, 2]);
}

/// As if a client had sent his request through every process at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_processes_that_try_the_same_append_one_is_told_that_it_was_the_first() {
    let scene = Scene::new().await;
    let mut logs = Vec::new();
    for _ in 0..8 {
        logs.push(scene.open().await);
    }
    for round in 0..10 {
        let name = stream(&format!("same-{round}"));
        let tries = logs.iter().map(|log| log.append(&name, Expected::NoStream, vec![event(&name, 0), event(&name, 1)]));
        let answers: Vec<_> = futures_util::future::join_all(tries).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(answers.iter().filter(|answer| !answer.repeated).count(), 1, "{answers:?}");
        assert!(answers.iter().all(|answer| (answer.version, answer.position) == (Version(1), answers[0].position)));
        assert_eq!(versions(&logs[0].read_stream(&name, Version(0), 10).await.unwrap()), [0, 1]);
    }
}

#[tokio::test]
async fn after_any_number_comes_what_stands_behind_it() {
    let scene = Scene::new().await;
    let log = scene.open().await;
    let name = stream("a");
    for n in 0..50 {
        append(&log, &name, n).await.unwrap();
        scene.write_foreign("orders-3", 3).await;
    }
    let all = whole(&log).await;
    assert_eq!(versions(&all), (0..50).collect::<Vec<_>>());
    let head = log.head().await.unwrap();
    assert_eq!(Some(head), all.last().map(|event| event.position));
    // As a process that has just been started would, which has seen no position yet.
    let log = scene.open().await;
    for event in all.iter().step_by(5) {
        for number in [event.position.0 - 7, event.position.0 - 1, event.position.0, event.position.0 + 1, event.position.0 + 60] {
            let due: Vec<_> = all.iter().filter(|event| event.position.0 > number).take(3).cloned().collect();
            assert_eq!(log.read_all(Position(number), 3).await.unwrap(), due, "after {number}");
        }
    }
    for beyond in [head.0, head.0 + 1, head.0 + 1_000_000, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX] {
        assert_eq!(log.read_all(Position(beyond), 3).await.unwrap(), [], "after {beyond}");
    }
    assert_eq!(log.read_all(Position(1), 1_000).await.unwrap(), all);
}

#[tokio::test]
async fn what_is_not_ours_is_skipped_however_much_there_is() {
    let scene = Scene::new().await;
    let log = scene.open().await;
    assert_eq!((log.head().await.unwrap(), whole(&log).await), (Position::START, Vec::new()));
    let name = stream("a");
    append(&log, &name, 0).await.unwrap();
    for part in 0..20 {
        scene.write_foreign(&format!("file-{part}"), 300).await;
    }
    assert_eq!(whole(&log).await.len(), 1);
    append(&log, &name, 1).await.unwrap();
    append(&log, &name, 2).await.unwrap();
    let first = log.read_all(Position::START, 2).await.unwrap();
    assert_eq!(versions(&first), [0, 1], "the limit counts ours only");
    assert_eq!(versions(&log.read_all(first[1].position, 2).await.unwrap()), [2]);
}

#[tokio::test]
async fn what_somebody_else_wrote_to_our_streams_is_told_with_its_position() {
    let scene = Scene::new().await;
    let log = scene.open().await;
    let name = stream("a");
    let sound = append(&log, &name, 0).await.unwrap();
    scene.write_foreign("cairn.file-a", 1).await;
    let after = append(&log, &stream("b"), 0).await.unwrap();
    for read in [log.read_stream(&name, Version(0), 10).await, log.read_all(sound.position, 10).await] {
        let Err(StoreError::Corrupt { position, .. }) = read else { panic!("{read:?}") };
        assert!(sound.position < position && position < after.position, "{position}");
    }
    let Err(StoreError::Corrupt { position, .. }) = append(&log, &name, 1).await else { panic!("it was not refused") };
    assert_eq!(log.read_all(position, 10).await.unwrap().len(), 1, "what is sound can be read");
    assert_eq!(append(&log, &stream("b"), 1).await.unwrap().version, Version(1), "the other streams go on");
}

#[tokio::test]
async fn a_stream_that_somebody_has_deleted_is_told() {
    let scene = Scene::new().await;
    let log = scene.open().await;
    let (soft, hard) = (stream("soft"), stream("hard"));
    for name in [&soft, &hard] {
        append(&log, name, 0).await.unwrap();
    }
    scene.foreign.delete_stream("cairn.file-soft", &DeleteStreamOptions::default()).await.unwrap();
    scene.foreign.tombstone_stream("cairn.file-hard", &eventstore::TombstoneStreamOptions::default()).await.unwrap();
    let other = scene.open().await;
    for name in [&soft, &hard] {
        let appended = append(&other, name, 1).await;
        assert!(matches!(appended, Err(StoreError::Corrupt { .. })), "{name}: {appended:?}");
    }
    let read = other.read_stream(&hard, Version(0), 10).await;
    assert!(matches!(read, Err(StoreError::Corrupt { .. })), "{read:?}");
}

#[tokio::test]
async fn what_the_port_accepts_the_server_accepts() {
    let scene = Scene::new().await;
    let log = scene.open().await;
    let memory = cairn_commands::ports::event_store::MemoryEventStore::new();
    for (round, (count, text)) in
        [(1, APPEND_BYTES_MAX), (64, 16_384), (2_000, 100), (4_096, 0), (300, 3_200)].into_iter().enumerate()
    {
        let name = stream(&format!("large-{round}"));
        let events = |text: usize| -> Vec<_> {
            let metadata = || Metadata {
                correlation: Some("\u{1}é".repeat(text / 12)),
                client: Some("c".repeat(text / 2)),
                ..Metadata::default()
            };
            (0..count).map(|n| NewEvent { metadata: metadata(), ..event(&name, n) }).collect()
        };
        // The largest that the port accepts.
        let (mut least, mut most) = (0, 2 * text + 2);
        while least + 1 < most {
            let middle = usize::midpoint(least, most);
            match memory.append(&name, Expected::NoStream, events(middle)).await {
                Err(StoreError::BadSize) => most = middle,
                _ => least = middle,
            }
        }
        if memory.append(&stream(&format!("probe-{round}")), Expected::NoStream, events(least)).await.is_err() {
            continue;
        }
        let appended = log.append(&name, Expected::NoStream, events(least)).await.unwrap();
        assert_eq!(appended.version.0 as usize, count - 1, "{count} events with {least} bytes of text");
    }
}

#[tokio::test]
async fn appends_in_order_are_told_apart_from_those_that_did_not_happen() {
    let scene = Scene::new().await;
    let log = scene.open().await;
    let names = ["a", "b", "c"].map(stream);
    let appends =
        || names.iter().map(|name| Append { stream: name.clone(), expected: Expected::NoStream, events: vec![event(name, 0)] });
    scene.double.inject(1, Method::BatchAppend, Fault::CutAfterwards);
    let appended = log.append_in_order(appends().collect()).await.unwrap();
    assert!(appended.windows(2).all(|pair| pair[0].position < pair[1].position));
    assert_eq!(whole(&log).await.len(), 3);
}

/// Errors before and after the effect, answers that never come, cut connections: each of them is met by an append that either is made,
/// once, or is not answered and can be tried again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_acknowledged_is_lost_and_nothing_is_doubled() {
    let scene = Scene::new().await;
    let (host, port) = (scene.double.address().ip().to_string(), scene.double.address().port());
    let faults = [
        Fault::Unavailable,
        Fault::NotLeader { host, port },
        Fault::DeadlineExceeded,
        Fault::OperationTimedOut,
        Fault::CutAfterwards,
        Fault::Slow(Duration::from_millis(1_600)),
        Fault::Hang,
    ];
    let log = scene.open().await;
    for (round, fault) in faults.into_iter().enumerate() {
        for (n, scope) in [Scope::Only(Method::BatchAppend), Scope::Only(Method::Read), Scope::All].into_iter().enumerate() {
            let names: Vec<_> = (0..6).map(|writer| stream(&format!("fault-{round}-{n}-{writer}"))).collect();
            let kinds = [Expected::NoStream, Expected::Exact(Version(0)), Expected::Any].into_iter().cycle();
            let kinds: Vec<_> = names.iter().zip(kinds).collect();
            for (name, _) in kinds.iter().filter(|(_, expected)| *expected != Expected::NoStream) {
                append_again(&log, name, 2).await;
            }
            let started = std::time::Instant::now();
            scene.double.inject(2, scope, fault.clone());
            let appends = kinds.iter().map(|(name, expected)| log.append(name, *expected, vec![event(name, 0), event(name, 1)]));
            let first = futures_util::future::join_all(appends).await;
            assert!(started.elapsed() < Duration::from_millis(3_300), "{fault:?} {scope:?}: {:?}", started.elapsed());
            scene.double.clear_faults();
            scene.double.release();
            for ((name, expected), first) in kinds.iter().zip(first) {
                let what = format!("{fault:?} {scope:?} {expected:?}");
                let events = || vec![event(name, 0), event(name, 1)];
                let mut error = None;
                let again = tokio::time::timeout(Duration::from_secs(20), async {
                    loop {
                        match log.append(name, *expected, events()).await {
                            Ok(appended) => break appended,
                            Err(failed) => error = Some(failed),
                        }
                    }
                });
                let again = again.await;
                let again = again.unwrap_or_else(|_| panic!("{what}: {error:?}"));
                match first {
                    Ok(first) => assert_eq!(again, Appended { repeated: true, ..first }, "{what}"),
                    Err(error) => assert!(matches!(error, StoreError::Unavailable(_)), "{what}: {error:?}"),
                }
                assert_eq!(again.version, Version(if *expected == Expected::NoStream { 1 } else { 2 }), "{what}");
                let stored = log.read_stream(name, Version(0), 10).await.unwrap();
                assert_eq!(versions(&stored), (0..=again.version.0).collect::<Vec<_>>(), "{what}");
            }
        }
    }
    let all = whole(&log).await;
    assert_eq!(all.len(), 7 * 3 * (2 * 2 + 4 * 3));
    assert_in_order(&all);
}

/// A refusal ends the session that all appends share; whoever else is on his way in it must not notice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conflict_is_nobody_elses_business() {
    let scene = Scene::new().await;
    let (log, other) = (scene.open().await, scene.open().await);
    let contested = stream("contested");
    let writers = (0..8).map(|writer| {
        let (log, name) = (Arc::clone(&log), stream(&format!("quiet-{writer}")));
        tokio::spawn(async move {
            for n in 0..50_usize {
                let expected = n.checked_sub(1).map_or(Expected::NoStream, |last| Expected::Exact(Version(last as u64)));
                assert!(!log.append(&name, expected, vec![event(&name, n)]).await.unwrap().repeated);
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    for n in 0..50 {
        // The other goes first, so what this one knows is out of date each time.
        append(&other, &contested, 2 * n).await.unwrap();
        append(&log, &contested, 2 * n + 1).await.unwrap();
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(log.read_stream(&contested, Version(0), 1_000).await.unwrap().len(), 100);
    assert_eq!(whole(&log).await.len(), 8 * 50 + 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_is_waited_for_in_the_background() {
    let scene = Scene::new().await;
    let log = scene.open().await;
    let name = stream("a");
    append(&log, &name, 0).await.unwrap();
    for n in 1..4 {
        scene.double.stop();
        let started = std::time::Instant::now();
        let refused = append(&log, &name, n).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        assert!(matches!(log.head().await, Err(StoreError::Unavailable(_))));
        assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
        scene.double.restart().unwrap();
        let appended = until_async("it answers again", async || append(&log, &name, n).await.ok()).await;
        assert_eq!(appended.version, Version(n as u64));
    }
    scene.double.drop_connections();
    // It may meet its own first try, whose answer went with the connection.
    let appended = append(&log, &name, 4).await.unwrap();
    assert_eq!(appended.version, Version(4));
    assert_eq!(versions(&whole(&log).await), [0, 1, 2, 3, 4]);
}

/// Whoever goes on with an emptied server would write over what his read tables already show.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_log_ends_earlier_is_not_the_same_one() {
    let scene = Scene::new().await;
    let log = scene.open().await;
    let name = stream("a");
    append(&log, &name, 0).await.unwrap();
    scene.double.stop();
    let emptied = Double::start_on(scene.double.address()).unwrap();
    let refused = append(&log, &name, 1).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    until_async("somebody has looked", async || (emptied.calls(Method::Read) > 0).then_some(())).await;
    assert!(append(&log, &name, 1).await.is_err());
    assert_eq!(emptied.event_count(), 0, "nothing was written to it");
    drop(emptied);
    scene.double.restart().unwrap();
    let appended = until_async("the right one is back", async || append(&log, &name, 1).await.ok()).await;
    assert_eq!(appended.version, Version(1));
}

#[tokio::test]
async fn wrong_addresses_are_told_apart() {
    let scene = Scene::new().await;
    let url = scene.double.url();
    let failed = async |url: &str| EventStoreLog::open(&Server::from_str(url).unwrap()).await.unwrap_err();
    let tls = failed(&url.replace("tls=false", "tls=true")).await;
    assert!(matches!(tls, OpenError::NotUnderstood { how: "with TLS", .. }), "{tls:?}");
    let nobody = failed("esdb://admin:hunter2@127.0.0.1:1?tls=false").await;
    assert!(matches!(nobody, OpenError::Unreachable { .. }), "{nobody:?}");
    assert!(!format!("{nobody} {nobody:?}").contains("hunter2"));
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let other = failed(&format!("esdb://{}?tls=false", silent.local_addr().unwrap())).await;
    assert!(matches!(other, OpenError::NotUnderstood { how: "without TLS", .. }), "{other:?}");
}

#[tokio::test]
async fn a_closed_log_takes_nothing_more() {
    let scene = Scene::new().await;
    let log = scene.open().await;
    let name = stream("a");
    append(&log, &name, 0).await.unwrap();
    log.close().await;
    assert!(matches!(append(&log, &name, 1).await, Err(StoreError::Unavailable(_))));
    let state = AppendToStreamOptions::default().stream_state(StreamState::StreamExists);
    let event = EventData::json("OrderPlaced", &1).unwrap();
    scene.foreign.append_to_stream("orders-1", &state, event).await.unwrap();
}
