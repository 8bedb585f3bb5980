//! A made-up log, the same for the same seed: people sign up and in, upload whole files and files in parts at the same time, rename, move,
//! trash, restore and purge them and folders, and share them; contents move to another store, are damaged, repaired and deleted. What it says is what the deciders could have decided.

mod chance;
mod drive;
mod folders;
mod questions;
mod shares;
mod stores;

use std::collections::HashMap;

use cairn_domain::{Event, EventId, Metadata, Position, StoredEvent, StreamName, Timestamp, Version, codec};
use uuid::Uuid;

pub use chance::Chance;
pub use questions::ask_everything;

use self::drive::Drive;

/// An endless log.
pub struct Sample {
    drive: Drive,
    waiting: std::vec::IntoIter<(StreamName, Event)>,
    versions: HashMap<StreamName, u64>,
    position: u64,
}

/// When the log begins: 2026-01-01T00:00:00Z.
const START: Timestamp = Timestamp(1_767_225_600_000_000);

impl Sample {
    /// The log of this seed.
    pub fn new(seed: u64) -> Self {
        Self { drive: Drive::new(Chance::new(seed)), waiting: Vec::new().into_iter(), versions: HashMap::new(), position: 0 }
    }

    /// The first events of the log of this seed.
    pub fn events(seed: u64, count: usize) -> Vec<StoredEvent> {
        Self::new(seed).take(count).collect()
    }

    fn store(&mut self, stream: StreamName, event: &Event) -> StoredEvent {
        self.position += 1;
        let version = self.versions.entry(stream.clone()).and_modify(|version| *version += 1).or_default();
        StoredEvent {
            id: EventId(Uuid::from_u128(u128::from(self.position) << 64 | 1)),
            version: Version(*version),
            position: Position(self.position),
            time: now(self.position),
            name: event.name().to_owned(),
            schema: event.schema(),
            metadata: Metadata { client: Some("192.0.2.7".to_owned()), ..Metadata::default() },
            data: codec::encode(event),
            stream,
        }
    }
}

/// One event in every 7 milliseconds.
fn now(position: u64) -> Timestamp {
    Timestamp(START.0 + i64::try_from(position).unwrap_or_default() * 7_000)
}

impl Iterator for Sample {
    type Item = StoredEvent;

    fn next(&mut self) -> Option<StoredEvent> {
        loop {
            if let Some((stream, event)) = self.waiting.next() {
                return Some(self.store(stream, &event));
            }
            self.waiting = self.drive.act(now(self.position)).into_iter();
        }
    }
}
