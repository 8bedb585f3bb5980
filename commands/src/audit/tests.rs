use std::sync::Arc;

use cairn_domain::{EventId, Metadata, Position, StoredEvent, StreamName, Timestamp, Version};
use uuid::Uuid;

use super::*;
use crate::log_digest::LogDigest;
use crate::ports::digests::{BLOCK_EVENTS, Digests, MemoryDigests};
use crate::ports::event_store::MemoryEventStore;
use crate::ports::intake::Intake;
use crate::sagas::DigestKeeper;

/// A log of renamed files, some events to each stream.
fn events(count: usize) -> Vec<StoredEvent> {
    (0..count as u64).map(event).collect()
}

fn event(n: u64) -> StoredEvent {
    StoredEvent {
        id: EventId(Uuid::from_u128(u128::from(n) + 1)),
        stream: stream(&format!("{}", n / 4)),
        version: Version(n % 4),
        position: Position(n + 1),
        time: Timestamp(1_700_000_000_000_000),
        name: "FileRenamed".to_owned(),
        schema: 1,
        metadata: Metadata { causation: n.checked_sub(1).map(event_id), ..Metadata::default() },
        data: format!(r#"{{"name":"{n}.txt"}}"#),
    }
}

fn event_id(n: u64) -> EventId {
    EventId(Uuid::from_u128(u128::from(n) + 1))
}

fn stream(id: &str) -> StreamName {
    StreamName::try_from(format!("file-{id}")).expect("a name")
}

fn judge(events: &[StoredEvent]) -> Vec<Finding> {
    let (mut audit, mut findings) = (LogAudit::default(), Vec::new());
    for event in events {
        audit.event(event, &mut |finding| findings.push(finding));
    }
    audit.end(&mut |finding| findings.push(finding));
    findings
}

async fn log_of(events: &[StoredEvent]) -> Arc<MemoryEventStore> {
    let log = Arc::new(MemoryEventStore::new());
    log.take_in(events.to_vec()).await.expect("taken in");
    log
}

/// What is found in one log by the digests of another.
async fn compare(kept_of: &[StoredEvent], found: &[StoredEvent]) -> Vec<Finding> {
    let digests = Arc::new(MemoryDigests::default());
    DigestKeeper::new(log_of(kept_of).await, digests.clone()).step().await.expect("kept");
    let mut findings = Vec::new();
    let known = Known { expected: &[], contiguous: true };
    let audited = audit_log(&*log_of(found).await, &*digests, known, &mut |finding| findings.push(finding), &|_| {}).await;
    let audited = audited.expect("audited").audited();
    assert_eq!(audited.events, found.len() as u64);
    let same = kept_of.iter().zip(found).take_while(|(one, other)| one == other).count() as u64;
    assert_eq!(audited.compared, same, "as far as digests are kept and are the same");
    findings
}

#[test]
fn a_log_as_it_should_be_has_no_findings() {
    assert_eq!(judge(&events(50)), []);
    assert_eq!(judge(&[]), []);
}

#[test]
fn what_is_wrong_with_an_event_is_told_with_its_position() {
    let mut gap = events(8);
    gap.remove(2);
    gap[2].metadata.causation = None;
    let version = Finding::Version { position: Position(4), stream: stream("0"), found: 3, expected: 2 };
    assert_eq!(judge(&gap), [version]);

    let mut twice = events(8);
    twice[5].id = twice[4].id;
    twice[6].metadata.causation = None;
    assert_eq!(judge(&twice), [Finding::RepeatedId { position: Position(6), id: twice[4].id }]);

    let mut unreadable = events(8);
    "{}".clone_into(&mut unreadable[3].data);
    unreadable[4].schema = 99;
    let found = judge(&unreadable);
    assert_eq!(
        found.iter().map(|finding| (finding.code(), finding.position())).collect::<Vec<_>>(),
        [("unreadable", Some(Position(4))), ("unreadable", Some(Position(5)))]
    );

    let mut causeless = events(8);
    causeless[3].metadata.causation = Some(event_id(7));
    assert_eq!(judge(&causeless), [Finding::Cause { position: Position(4), cause: event_id(7) }]);
}

#[test]
fn an_entry_needs_a_content_that_is_stored() {
    let sha256 = "07".repeat(32);
    let mut added = event(0);
    "FileAdded".clone_into(&mut added.name);
    added.stream = stream(&Uuid::from_u128(9).to_string());
    let (owner, sha1) = (Uuid::from_u128(8), "01".repeat(20));
    added.data = format!(
        r#"{{"owner":"{owner}","name":"a.txt","size":3,"sha256":"{sha256}","sha1":"{sha1}","content_type":"text/plain","origin":"instant"}}"#
    );
    let found = judge(std::slice::from_ref(&added));
    assert!(matches!(found[..], [Finding::Dangling { .. }]), "{found:?}");
    let mut purged = StoredEvent { id: event_id(1), version: Version(1), position: Position(2), ..added.clone() };
    "FilePurged".clone_into(&mut purged.name);
    purged.data = format!(r#"{{"owner":"{owner}","size":3,"sha256":"{sha256}"}}"#);
    assert_eq!(judge(&[added, purged]), []);
}

#[tokio::test]
async fn the_first_altered_event_is_named_wherever_it_stands() {
    let count = 2 * BLOCK_EVENTS + 10;
    let whole = events(count);
    assert_eq!(compare(&whole, &whole).await, []);
    for altered in [0, 1, BLOCK_EVENTS - 1, BLOCK_EVENTS, 2 * BLOCK_EVENTS, count - 1] {
        let mut other = whole.clone();
        other[altered].data = r#"{"name":"other.txt"}"#.to_owned();
        assert_eq!(compare(&whole, &other).await, [Finding::Altered { position: Position(altered as u64 + 1) }], "{altered}");
    }
}

#[tokio::test]
async fn what_was_appended_since_is_no_finding_and_what_is_missing_at_the_end_is() {
    let whole = events(BLOCK_EVENTS + 20);
    assert_eq!(compare(&whole[..BLOCK_EVENTS + 3], &whole).await, []);
    let (events, kept) = (BLOCK_EVENTS as u64 + 3, BLOCK_EVENTS as u64 + 20);
    let cut_off = Finding::CutOff { head: Position(events), events, last: Position(kept), kept };
    assert_eq!(compare(&whole, &whole[..BLOCK_EVENTS + 3]).await, [cut_off]);
}

#[tokio::test]
async fn a_digest_from_elsewhere_is_compared_too() {
    let whole = events(10);
    let log = log_of(&whole).await;
    let right = Expected { events: 4, digest: whole[..4].iter().fold(LogDigest::EMPTY, LogDigest::then) };
    for (expected, found) in [
        (right, Vec::new()),
        (Expected { digest: LogDigest::EMPTY, ..right }, vec![Finding::OtherDigest { events: 4 }]),
        (Expected { events: 11, ..right }, vec![Finding::OtherDigest { events: 11 }]),
        (Expected { events: 0, ..right }, vec![Finding::OtherDigest { events: 0 }]),
        (Expected { events: 0, digest: LogDigest::EMPTY }, Vec::new()),
    ] {
        let (mut findings, digests) = (Vec::new(), MemoryDigests::default());
        let known = Known { expected: &[expected], contiguous: true };
        let audited = audit_log(&*log, &digests, known, &mut |finding| findings.push(finding), &|_| {}).await;
        assert_eq!(audited.expect("audited").audited().compared, 0, "nothing is kept");
        assert_eq!(findings, found);
    }
}

#[tokio::test]
async fn digests_are_kept_as_the_log_grows_by_whoever_is_there() {
    let whole = events(BLOCK_EVENTS + 300);
    let (log, digests) = (Arc::new(MemoryEventStore::new()), Arc::new(MemoryDigests::default()));
    let mut keepers = [DigestKeeper::new(log.clone(), digests.clone()), DigestKeeper::new(log.clone(), digests.clone())];
    assert_eq!(keepers[0].step().await.expect("kept"), 0);
    for (round, some) in whole.chunks(100).enumerate() {
        log.take_in(some.to_vec()).await.expect("taken in");
        keepers[round % 2].step().await.expect("kept");
    }
    let last = digests.last().await.expect("read").expect("a block");
    assert_eq!((last.before, last.marks.len(), last.last), (BLOCK_EVENTS as u64, 300, Position(BLOCK_EVENTS as u64 + 300)));
    assert_eq!(last.digest, whole.iter().fold(LogDigest::EMPTY, LogDigest::then));
    assert_eq!(digests.load(0).await.expect("read").expect("a block").marks.len(), BLOCK_EVENTS);
}
