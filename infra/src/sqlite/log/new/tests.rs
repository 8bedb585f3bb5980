use cairn_projections::sample::Sample;
use tempfile::TempDir;

use super::*;

/// Events of a plausible drive, in a place for a log.
fn sample(events: usize) -> (TempDir, PathBuf, Vec<StoredEvent>) {
    let place = tempfile::tempdir().expect("a place");
    let path = place.path().join("events.db");
    (place, path, Sample::events(7, events))
}

async fn begin(path: &Path) -> SqliteNewLog {
    SqliteNewLog::begin(path).await.expect("usable").expect("no events are there")
}

async fn all_of(path: &Path) -> Vec<StoredEvent> {
    let log = SqliteLog::open(path).await.expect("a log");
    let events = log.read_all(Position::START, 10_000).await.expect("readable");
    log.close().await;
    events
}

#[tokio::test]
async fn it_is_seen_when_it_is_whole_and_then_it_is_a_log() {
    let (_place, path, events) = sample(1_000);
    let new = begin(&path).await;
    for page in events.chunks(300) {
        new.take_in(page.to_vec()).await.expect("taken in");
    }
    assert_eq!(new.held(Position(600), 100).await.expect("readable"), events[600..700]);
    assert!(!path.exists());
    new.finish().await.expect("whole");
    assert_eq!(all_of(&path).await, events);
    let beside: Vec<_> = path.parent().expect("a directory").read_dir().expect("readable").collect();
    assert_eq!(beside.len(), 1, "{beside:?}");

    assert!(SqliteNewLog::begin(&path).await.expect("usable").is_none(), "there are events now");
    let log = SqliteLog::open(&path).await.expect("a log");
    log.take_in(events.clone()).await.expect("they are there already");
    assert_eq!(log.head().await.expect("a head"), Position(1_000));
    let next = StoredEvent { version: events[0].version, id: cairn_domain::EventId(uuid::Uuid::from_u128(1)), ..events[0].clone() };
    assert!(matches!(log.take_in(vec![next]).await, Err(StoreError::Conflict { .. })));
    log.close().await;
}

#[tokio::test]
async fn what_was_interrupted_is_gone_on_with_or_given_up() {
    let (_place, path, events) = sample(900);
    begin(&path).await.take_in(events[..500].to_vec()).await.expect("taken in");
    let new = begin(&path).await;
    assert_eq!(new.held(Position::START, 1_000).await.expect("readable"), events[..500]);
    assert!(new.forget_after(Position(300)).await.expect("forgotten"));
    new.take_in(events[300..].to_vec()).await.expect("taken in");
    new.finish().await.expect("whole");
    assert_eq!(all_of(&path).await, events);
}

#[tokio::test]
async fn a_log_without_events_and_what_can_not_be_gone_on_with_are_replaced() {
    let (place, path, events) = sample(10);
    let empty = SqliteLog::open(&path).await.expect("a log");
    empty.close().await;
    let beside = place.path().join("events.import.db");
    for left in [
        &b"no database at all, but longer than the head of one, which is a hundred bytes: a text of whatever was there before"[..],
        b"",
    ] {
        std::fs::write(&beside, left).expect("writable");
        let new = begin(&path).await;
        assert_eq!(new.held(Position::START, 10).await.expect("readable"), []);
    }
    let of_another_schema = connect::making(&beside).await.expect("a database");
    let mut connection = of_another_schema;
    sqlx::raw_sql("PRAGMA user_version = 99; CREATE TABLE IF NOT EXISTS other (id)").execute(&mut connection).await.expect("made");
    drop(connection);
    let new = begin(&path).await;
    new.take_in(events.clone()).await.expect("taken in");
    new.finish().await.expect("whole");
    assert_eq!(all_of(&path).await, events);
}

#[tokio::test]
async fn events_that_do_not_follow_are_refused_before_anybody_sees_them() {
    let (_place, path, events) = sample(200);
    let second = events.iter().position(|event| event.version == Version(1)).expect("a second event of a stream");
    let first = events.iter().position(|event| event.stream == events[second].stream).expect("a first one");

    let gap: Vec<_> = events.iter().filter(|event| event.id != events[first].id).cloned().collect();
    let mut turned = events.clone();
    turned.swap(first, second);
    for wrong in [gap, turned] {
        let new = begin(&path).await;
        new.forget_after(Position::START).await.expect("forgotten");
        new.take_in(wrong).await.expect("taken in");
        let refused = new.finish().await;
        assert!(matches!(&refused, Err(StoreError::Conflict { stream, .. }) if *stream == events[second].stream), "{refused:?}");
    }

    let new = begin(&path).await;
    new.forget_after(Position::START).await.expect("forgotten");
    new.take_in(events.clone()).await.expect("taken in");
    let twice = StoredEvent { stream: StreamName::try_from("file-another".to_owned()).expect("a name"), ..events[0].clone() };
    let refused = match new.take_in(vec![twice]).await {
        Ok(()) => new.finish().await,
        refused => refused,
    };
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    assert!(!path.exists());
}
