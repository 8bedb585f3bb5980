//! What every event log has to pass.
//!
//! Each check has streams of its own, so that all of them can share one log, also with other suites.

use std::sync::Arc;

use cairn_domain::file::{FileAdded, FileEvent, FileTrashed, Origin};
use cairn_domain::{
    AccountId, CommandId, Event, EventId, Expected, Metadata, NewEvent, Position, Sha1, Sha256, StoredEvent, StreamName, Timestamp,
    Version, codec,
};
use uuid::Uuid;

use super::{APPEND_BYTES_MAX, Append, Appended, EventStore, StoreError};

mod concurrency;

/// Runs every check. `namespace` keeps the streams and ids apart from those of other runs on the same log.
///
/// # Panics
/// When the log breaks the contract.
pub async fn suite(store: Arc<dyn EventStore>, namespace: &str) {
    let scene = Scene { store, namespace: namespace.to_owned() };
    what_is_not_there_is_empty(&scene).await;
    what_was_appended_is_read_back_whole(&scene).await;
    any_appends_whatever_stands_there(&scene).await;
    no_stream_holds_once(&scene).await;
    exact_holds_for_the_last_version_only(&scene).await;
    a_conflict_changes_nothing(&scene).await;
    the_same_event_again_changes_nothing(&scene).await;
    an_id_of_another_append_is_refused(&scene).await;
    appends_in_order_stop_at_the_first_that_is_refused(&scene).await;
    appends_in_order_may_be_repeated(&scene).await;
    a_stream_is_read_in_pages(&scene).await;
    the_log_is_read_in_pages(&scene).await;
    the_log_is_read_by_names(&scene).await;
    an_append_is_neither_empty_nor_too_large(&scene).await;
    growth_wakes_who_waits(&scene).await;
    concurrency::readers_see_no_gap_no_repeat_and_no_reorder(&scene).await;
    concurrency::one_of_many_claims_wins(&scene).await;
    concurrency::one_of_many_repeats_counts(&scene).await;
    concurrency::commuting_events_all_arrive(&scene).await;
}

#[derive(Clone)]
struct Scene {
    store: Arc<dyn EventStore>,
    namespace: String,
}

impl Scene {
    fn stream(&self, what: &str) -> StreamName {
        StreamName::try_from(format!("file-{}-{what}", self.namespace)).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The n-th event of the stream: the same arguments make the same event.
    fn event(stream: &StreamName, n: usize) -> NewEvent {
        Self::event_of_type(stream, n, "text/plain")
    }

    fn event_of_type(stream: &StreamName, n: usize, content_type: &str) -> NewEvent {
        let command = CommandId(Uuid::NAMESPACE_OID);
        NewEvent {
            id: command.event(stream.as_str(), n),
            time: Timestamp(1_700_000_000_123_456).plus_seconds(n as u64),
            metadata: Metadata { correlation: Some(format!("request-{n}")), ..Metadata::default() },
            event: added(content_type),
        }
    }

    fn events(stream: &StreamName, numbers: std::ops::Range<usize>) -> Vec<NewEvent> {
        numbers.map(|n| Self::event(stream, n)).collect()
    }

    fn new_append(stream: &StreamName, expected: Expected, numbers: std::ops::Range<usize>) -> Append {
        Append { stream: stream.clone(), expected, events: Self::events(stream, numbers) }
    }

    async fn append(&self, stream: &StreamName, expected: Expected, numbers: std::ops::Range<usize>) -> Appended {
        let appended = self.store.append(stream, expected, Self::events(stream, numbers)).await;
        appended.unwrap_or_else(|error| panic!("an append to {stream} failed: {error:?}"))
    }

    async fn refused(&self, stream: &StreamName, expected: Expected, events: Vec<NewEvent>) -> StoreError {
        let appended = self.store.append(stream, expected, events).await;
        appended.err().unwrap_or_else(|| panic!("an append to {stream} was not refused"))
    }

    async fn read(&self, stream: &StreamName, from: u64, limit: usize) -> Vec<StoredEvent> {
        let events = self.store.read_stream(stream, Version(from), limit).await;
        events.unwrap_or_else(|error| panic!("{stream} can't be read: {error:?}"))
    }

    async fn read_all(&self, after: Position, limit: usize) -> Vec<StoredEvent> {
        let events = self.store.read_all(after, limit).await;
        events.unwrap_or_else(|error| panic!("the log can't be read after {after}: {error:?}"))
    }

    async fn head(&self) -> Position {
        self.store.head().await.unwrap_or_else(|error| panic!("the log has no head: {error:?}"))
    }
}

/// Some event that is about to be appended.
pub(crate) fn some_event(id: EventId) -> NewEvent {
    NewEvent { id, time: Timestamp(1_700_000_000_123_456), metadata: Metadata::default(), event: added("text/plain") }
}

fn added(content_type: &str) -> Event {
    FileEvent::FileAdded(FileAdded {
        owner: AccountId(Uuid::from_u128(7)),
        name: "报告 “final”.pdf".parse().unwrap_or_else(|error| panic!("not a file name: {error:?}")),
        folder: None,
        size: u64::from(u32::MAX) + 1,
        sha256: Sha256([7; 32]),
        sha1: Sha1([7; 20]),
        content_type: content_type.to_owned(),
        origin: Origin::Instant,
        version_of: None,
    })
    .into()
}

fn versions(events: &[StoredEvent]) -> Vec<u64> {
    events.iter().map(|event| event.version.0).collect()
}

async fn what_is_not_there_is_empty(scene: &Scene) {
    let stream = scene.stream("absent");
    assert_eq!(scene.read(&stream, 0, 10).await, []);
    let head = scene.head().await;
    assert_eq!(scene.read_all(head, 10).await, []);
    assert_eq!(scene.read_all(Position(head.0 + 1_000), 10).await, []);
    assert_eq!(scene.read_all(Position(u64::MAX), 10).await, []);
}

async fn what_was_appended_is_read_back_whole(scene: &Scene) {
    let stream = scene.stream("whole-日本-\"quoted\"-'%_\\");
    let before = scene.head().await;
    let texts = ["plain", "\"quoted\" \\ 'single' [1,2]", "nul \0 tab \t newline \n", "日本語 🪨 e\u{301} \u{202e}", ""];
    let new: Vec<_> = texts.iter().enumerate().map(|(n, text)| Scene::event_of_type(&stream, n, text)).collect();
    let mut new = new;
    new[1].metadata = Metadata {
        causation: Some(new[0].id),
        correlation: Some("a \"request\" \\u0000 \u{0}".to_owned()),
        actor: Some(AccountId(Uuid::from_u128(u128::MAX))),
        client: Some("2001:db8::1".to_owned()),
    };
    new[2].metadata = Metadata::default();
    new[3].time = Timestamp(-1);
    let appended = scene.store.append(&stream, Expected::NoStream, new.clone()).await;
    let position = Position(before.0 + 5);
    assert_eq!(appended.ok().filter(|appended| appended.position >= position).map(|appended| appended.version), Some(Version(4)));

    let stored = scene.read(&stream, 0, 10).await;
    assert_eq!(stored.len(), new.len());
    for (n, (stored, new)) in stored.iter().zip(&new).enumerate() {
        assert_eq!((stored.id, &stored.stream, stored.version), (new.id, &stream, Version(n as u64)));
        assert_eq!((stored.time, stored.name.as_str(), stored.schema), (new.time, new.event.name(), new.event.schema()));
        assert_eq!(stored.metadata, new.metadata);
        assert_eq!(stored.data, codec::encode(&new.event));
        assert_eq!(codec::decode(stored).ok().as_ref(), Some(&new.event));
    }
    let in_log: Vec<_> = scene.read_all(before, 1_000).await.into_iter().filter(|event| event.stream == stream).collect();
    assert_eq!(in_log, stored, "the stream and the log tell the same");
}

async fn appends_in_order_stop_at_the_first_that_is_refused(scene: &Scene) {
    let [first, second, third] = ["in-order-1", "in-order-2", "in-order-3"].map(|what| scene.stream(what));
    scene.append(&second, Expected::NoStream, 0..1).await;
    let new = |stream: &StreamName, from| Scene::new_append(stream, Expected::NoStream, from..from + 1);
    let refused = scene.store.append_in_order(vec![new(&first, 0), new(&second, 1), new(&third, 0)]).await;
    assert_conflict(&refused.err().unwrap_or_else(|| panic!("not refused")), &second, Expected::NoStream, Some(Version(0)));
    assert_eq!(versions(&scene.read(&second, 0, 10).await), [0]);
    assert_eq!(scene.read(&third, 0, 10).await, []);
    // Those before it may stand or not; going on one by one makes up for either.
    assert_eq!(scene.append(&first, Expected::NoStream, 0..1).await.version, Version(0));
    assert_eq!(versions(&scene.read(&first, 0, 10).await), [0]);
}

async fn appends_in_order_may_be_repeated(scene: &Scene) {
    let [first, second] = ["in-order-4", "in-order-5"].map(|what| scene.stream(what));
    let appends = || vec![Scene::new_append(&first, Expected::Any, 0..2), Scene::new_append(&second, Expected::NoStream, 0..1)];
    let once = scene.store.append_in_order(appends()).await.unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(once.iter().map(|appended| appended.version.0).collect::<Vec<_>>(), [1, 0]);
    assert!(once[0].position < once[1].position);
    let again = once.iter().map(|appended| Appended { repeated: true, ..*appended }).collect();
    assert_eq!(scene.store.append_in_order(appends()).await.ok(), Some(again));
    assert_eq!((versions(&scene.read(&first, 0, 10).await), versions(&scene.read(&second, 0, 10).await)), (vec![0, 1], vec![0]));
    assert_eq!(scene.store.append_in_order(Vec::new()).await.ok(), Some(Vec::new()));
}

async fn any_appends_whatever_stands_there(scene: &Scene) {
    let stream = scene.stream("any");
    assert_eq!(scene.append(&stream, Expected::Any, 0..1).await.version, Version(0));
    assert_eq!(scene.append(&stream, Expected::Any, 1..3).await.version, Version(2));
    assert_eq!(versions(&scene.read(&stream, 0, 10).await), [0, 1, 2]);
}

async fn no_stream_holds_once(scene: &Scene) {
    let stream = scene.stream("no-stream");
    scene.append(&stream, Expected::NoStream, 0..2).await;
    let refused = scene.refused(&stream, Expected::NoStream, Scene::events(&stream, 2..3)).await;
    assert_conflict(&refused, &stream, Expected::NoStream, Some(Version(1)));
}

async fn exact_holds_for_the_last_version_only(scene: &Scene) {
    let stream = scene.stream("exact");
    let exact = |version| Expected::Exact(Version(version));
    let refused = scene.refused(&stream, exact(0), Scene::events(&stream, 0..1)).await;
    assert_conflict(&refused, &stream, exact(0), None);

    scene.append(&stream, Expected::NoStream, 0..2).await;
    for wrong in [0, 2, u64::MAX] {
        let refused = scene.refused(&stream, exact(wrong), Scene::events(&stream, 2..3)).await;
        assert_conflict(&refused, &stream, exact(wrong), Some(Version(1)));
    }
    assert_eq!(scene.append(&stream, exact(1), 2..3).await.version, Version(2));
}

async fn a_conflict_changes_nothing(scene: &Scene) {
    let stream = scene.stream("conflict");
    scene.append(&stream, Expected::NoStream, 0..1).await;
    let before = scene.read(&stream, 0, 10).await;
    scene.refused(&stream, Expected::NoStream, Scene::events(&stream, 1..3)).await;
    assert_eq!(scene.read(&stream, 0, 10).await, before);
    let free = scene.append(&stream, Expected::Exact(Version(0)), 1..3).await;
    assert_eq!(free.version, Version(2), "the refused ids are still free");
}

async fn the_same_event_again_changes_nothing(scene: &Scene) {
    let stream = scene.stream("again");
    let again = Appended { repeated: true, ..scene.append(&stream, Expected::NoStream, 0..2).await };
    let expectations = [Expected::Any, Expected::NoStream, Expected::Exact(Version(0)), Expected::Exact(Version(9))];
    for expected in expectations {
        assert_eq!(scene.append(&stream, expected, 0..2).await, again, "{expected:?}");
    }
    let more = scene.append(&stream, Expected::Any, 2..4).await;
    assert_eq!(more.version, Version(3));
    for expected in expectations {
        assert_eq!(scene.append(&stream, expected, 0..2).await, again, "{expected:?} after more came");
    }
    assert_eq!(versions(&scene.read(&stream, 0, 10).await), [0, 1, 2, 3]);
}

async fn an_id_of_another_append_is_refused(scene: &Scene) {
    let stream = scene.stream("shared-id");
    scene.append(&stream, Expected::NoStream, 0..1).await;
    let refused = scene.refused(&stream, Expected::Any, vec![Scene::event(&stream, 1), Scene::event(&stream, 0)]).await;
    assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused:?}");
    let refused = scene.refused(&stream, Expected::Any, vec![Scene::event(&stream, 2), Scene::event(&stream, 2)]).await;
    assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused:?}");
    assert_eq!(versions(&scene.read(&stream, 0, 10).await), [0]);
    assert_eq!(scene.append(&stream, Expected::Any, 1..3).await.version, Version(2));
}

async fn a_stream_is_read_in_pages(scene: &Scene) {
    let stream = scene.stream("pages");
    scene.append(&stream, Expected::NoStream, 0..7).await;
    scene.append(&scene.stream("pages-of-another"), Expected::NoStream, 0..3).await;
    assert_eq!(versions(&scene.read(&stream, 0, 3).await), [0, 1, 2]);
    assert_eq!(versions(&scene.read(&stream, 3, 3).await), [3, 4, 5]);
    assert_eq!(versions(&scene.read(&stream, 6, 3).await), [6]);
    assert_eq!(versions(&scene.read(&stream, 7, 3).await), [0; 0]);
    assert_eq!(versions(&scene.read(&stream, u64::MAX, 3).await), [0; 0]);
    assert_eq!(versions(&scene.read(&stream, 0, 0).await), [0; 0]);
    assert_eq!(scene.read(&stream, 0, usize::MAX).await.len(), 7);
}

async fn the_log_is_read_in_pages(scene: &Scene) {
    let (one, other) = (scene.stream("log-one"), scene.stream("log-other"));
    let before = scene.head().await;
    for n in 0..5 {
        scene.append(&one, Expected::Any, n..n + 1).await;
        scene.append(&other, Expected::Any, n..n + 1).await;
    }
    let whole = scene.read_all(before, usize::MAX).await;
    let mut paged = Vec::new();
    loop {
        let after = paged.last().map_or(before, |event: &StoredEvent| event.position);
        let page = scene.read_all(after, 3).await;
        assert!(page.len() <= 3);
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert!(paged.windows(2).all(|pair| pair[0].position < pair[1].position));
    assert_eq!(paged[..whole.len()], whole);
    let ours: Vec<_> = whole.iter().filter(|event| event.stream == one || event.stream == other).collect();
    assert_eq!(ours.len(), 10);
    assert!(ours.chunks(2).all(|pair| pair[0].stream == one && pair[1].stream == other), "in the order of the appends");
    assert_eq!(scene.read_all(before, 0).await, []);
}

async fn the_log_is_read_by_names(scene: &Scene) {
    let stream = scene.stream("names");
    let before = scene.head().await;
    scene.append(&stream, Expected::NoStream, 0..3).await;
    let trashed = NewEvent {
        id: CommandId(Uuid::NAMESPACE_URL).event(stream.as_str(), 0),
        event: FileEvent::FileTrashed(FileTrashed {}).into(),
        ..Scene::event(&stream, 3)
    };
    scene.store.append(&stream, Expected::Any, vec![trashed]).await.unwrap_or_else(|error| panic!("not appended: {error:?}"));
    scene.append(&stream, Expected::Any, 4..7).await;
    let head = scene.head().await;
    for (names, limit) in
        [(&["FileAdded", "FileTrashed"][..], 2), (&["FileTrashed"], 1), (&["FileAdded"], usize::MAX), (&["Other"], 3), (&[], 3)]
    {
        let (mut found, mut after) = (Vec::new(), before);
        loop {
            let read = scene.store.read_named(after, names, limit).await;
            let stretch = read.unwrap_or_else(|error| panic!("the log can't be read after {after}: {error:?}"));
            assert!(stretch.events.len() <= limit && stretch.reached >= after);
            assert!(stretch.events.iter().all(|event| after < event.position && event.position <= stretch.reached));
            after = stretch.reached;
            found.extend(stretch.events);
            if stretch.last {
                break;
            }
        }
        assert!(after >= head);
        let whole = scene.read_all(before, usize::MAX).await;
        let expected: Vec<_> =
            whole.into_iter().filter(|event| names.contains(&event.name.as_str()) && event.position <= after).collect();
        assert_eq!(found, expected, "{names:?}, {limit} at a time");
    }
    for after in [head, Position(head.0 + 1_000), Position(u64::MAX)] {
        let beyond = scene.store.read_named(after, &["FileAdded"], 10).await.unwrap_or_else(|error| panic!("{error:?}"));
        assert!(beyond.events.is_empty() && beyond.last && beyond.reached == after, "{beyond:?}");
    }
}

async fn an_append_is_neither_empty_nor_too_large(scene: &Scene) {
    let stream = scene.stream("size");
    let nothing = scene.refused(&stream, Expected::Any, Vec::new()).await;
    assert!(matches!(nothing, StoreError::BadSize), "{nothing:?}");
    let huge = Scene::event_of_type(&stream, 0, &"x".repeat(APPEND_BYTES_MAX));
    let refused = scene.refused(&stream, Expected::Any, vec![huge]).await;
    assert!(matches!(refused, StoreError::BadSize), "{refused:?}");
    let half = "y".repeat(APPEND_BYTES_MAX / 2);
    let halves = (0..2).map(|n| Scene::event_of_type(&stream, n, &half)).collect();
    let refused = scene.refused(&stream, Expected::Any, halves).await;
    assert!(matches!(refused, StoreError::BadSize), "together they are too large: {refused:?}");
    assert_eq!(scene.read(&stream, 0, 10).await, []);

    let large = Scene::event_of_type(&stream, 0, &"z".repeat(APPEND_BYTES_MAX - 1_024));
    scene.store.append(&stream, Expected::NoStream, vec![large.clone()]).await.unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(scene.read(&stream, 0, 10).await[0].data, codec::encode(&large.event));
}

async fn growth_wakes_who_waits(scene: &Scene) {
    let stream = scene.stream("growth");
    let mut growth = scene.store.growth();
    let appended = scene.append(&stream, Expected::Any, 0..1).await;
    let reached = tokio::time::timeout(std::time::Duration::from_secs(10), growth.wait_for(|&head| head >= appended.position));
    assert!(reached.await.is_ok_and(|reached| reached.is_ok()), "nobody told of the growth to {}", appended.position);
}

fn assert_conflict(error: &StoreError, stream: &StreamName, expected: Expected, actual: Option<Version>) {
    match error {
        StoreError::Conflict { stream: at, expected: believed, actual: found } => {
            assert_eq!((at, *believed, *found), (stream, expected, actual));
        }
        other => panic!("a conflict was due, not {other:?}"),
    }
}
