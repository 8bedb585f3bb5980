//! What the benchmarks of logs append.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cairn_commands::ports::event_store::EventStore;
use cairn_domain::file::{FileAdded, FileEvent, Origin};
use cairn_domain::{AccountId, CommandId, Expected, Metadata, NewEvent, Sha1, Sha256, StreamName, Timestamp};
use uuid::Uuid;

/// Events of one stream.
pub(crate) const STREAM_EVENTS: u64 = 16;

/// Appends the events of these numbers, one by one, by so many writers at once.
pub(crate) async fn append_all(log: &Arc<dyn EventStore>, writers: u64, numbers: Range<u64>) -> Duration {
    let share = (numbers.end - numbers.start).div_ceil(writers);
    let started = Instant::now();
    let first = |writer| numbers.start + writer * share;
    let shares = (0..writers).map(|writer| first(writer)..first(writer + 1).min(numbers.end));
    let tasks: Vec<_> = shares.map(|share| tokio::spawn(append_in_turn(Arc::clone(log), share))).collect();
    for task in tasks {
        task.await.unwrap();
    }
    started.elapsed()
}

async fn append_in_turn(log: Arc<dyn EventStore>, numbers: Range<u64>) {
    for n in numbers {
        let (stream, new) = event(1, n);
        log.append(&stream, Expected::Any, vec![new]).await.unwrap();
    }
}

/// A usual event, about 700 bytes with everything around it. Every 16 have a stream in common, as those of an upload do.
pub(crate) fn event(run: u64, n: u64) -> (StreamName, NewEvent) {
    let command = CommandId(Uuid::from_u64_pair(run, n));
    let upload = CommandId(Uuid::from_u64_pair(run, n / STREAM_EVENTS)).derive("upload");
    let stream = StreamName::try_from(format!("upload-{upload}")).unwrap();
    let owner = AccountId(Uuid::from_u128(7));
    let new = NewEvent {
        id: command.event(stream.as_str(), 0),
        time: Timestamp(1_700_000_000_000_000),
        metadata: Metadata {
            causation: None,
            correlation: Some("0192f0c1-7a3e-7c55-b1de-0d9f5c0e6f11".to_owned()),
            actor: Some(owner),
            client: Some("192.0.2.17".to_owned()),
        },
        event: FileEvent::FileAdded(FileAdded {
            owner,
            name: "Quarterly report (final).pdf".parse().unwrap(),
            folder: None,
            size: 1_234_567,
            sha256: Sha256([7; 32]),
            sha1: Sha1([7; 20]),
            content_type: "application/pdf".to_owned(),
            origin: Origin::Instant,
            version_of: None,
        })
        .into(),
    };
    (stream, new)
}
