//! The log in memory: for tests, and the plainest statement of the contract.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use cairn_domain::{EventId, Expected, NewEvent, Position, StoredEvent, StreamName, Version, codec};
use tokio::sync::watch;

use super::{Append, Appended, EventStore, StoreError, append_one_by_one, check_size};
use crate::ports::intake::{Intake, expected_before};

/// The twin: forgets everything when it is dropped.
#[derive(Debug)]
pub struct MemoryEventStore {
    log: Mutex<Log>,
    growth: watch::Sender<Position>,
}

impl MemoryEventStore {
    /// An empty log.
    pub fn new() -> Self {
        Self { log: Mutex::default(), growth: watch::Sender::new(Position::START) }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryEventStore {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl EventStore for MemoryEventStore {
    async fn append(&self, stream: &StreamName, expected: Expected, events: Vec<NewEvent>) -> Result<Appended, StoreError> {
        let mut log = self.log();
        let appended = log.append(stream, expected, events)?;
        let head = log.head();
        self.growth.send_if_modified(|known| std::mem::replace(known, head) != head);
        Ok(appended)
    }

    async fn append_in_order(&self, appends: Vec<Append>) -> Result<Vec<Appended>, StoreError> {
        append_one_by_one(self, appends).await
    }

    async fn read_stream(&self, stream: &StreamName, from: Version, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        let log = self.log();
        let indices = log.streams.get(stream).map_or(&[][..], Vec::as_slice);
        let skipped = usize::try_from(from.0).unwrap_or(usize::MAX);
        Ok(indices.iter().skip(skipped).take(limit).map(|&index| log.events[index].clone()).collect())
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        let skipped = usize::try_from(after.0).unwrap_or(usize::MAX);
        Ok(self.log().events.iter().skip(skipped).take(limit).cloned().collect())
    }

    async fn head(&self) -> Result<Position, StoreError> {
        Ok(self.log().head())
    }

    fn growth(&self) -> watch::Receiver<Position> {
        self.growth.subscribe()
    }
}

#[async_trait]
impl Intake for MemoryEventStore {
    async fn held(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.read_all(after, limit).await
    }

    async fn take_in(&self, events: Vec<StoredEvent>) -> Result<(), StoreError> {
        let mut log = self.log();
        let taken = events.into_iter().try_for_each(|event| log.take_in(event));
        let head = log.head();
        self.growth.send_if_modified(|known| std::mem::replace(known, head) != head);
        taken
    }
}

/// Every event in commit order, and where to find it: the event at `index` has the position `index + 1`.
#[derive(Debug, Default)]
struct Log {
    events: Vec<StoredEvent>,
    streams: HashMap<StreamName, Vec<usize>>,
    ids: HashMap<EventId, usize>,
}

impl Log {
    fn head(&self) -> Position {
        Position(self.events.len() as u64)
    }

    fn append(&mut self, stream: &StreamName, expected: Expected, events: Vec<NewEvent>) -> Result<Appended, StoreError> {
        let data: Vec<String> = events.iter().map(|new| codec::encode(&new.event)).collect();
        check_size(events.iter().zip(&data).map(|(new, data)| size(new, data)))?;
        if self.ids.contains_key(&events[0].id) {
            return Ok(self.appended_before(&events));
        }
        let actual = self.last_version(stream);
        if !expected.holds_for(actual) {
            return Err(StoreError::Conflict { stream: stream.clone(), expected, actual });
        }
        self.refuse_known_ids(&events)?;
        let mut version = actual.map_or(Version(0), Version::next);
        for (new, data) in events.into_iter().zip(data) {
            self.push(StoredEvent {
                id: new.id,
                stream: stream.clone(),
                version,
                position: Position::START,
                time: new.time,
                name: new.event.name().to_owned(),
                schema: new.event.schema(),
                metadata: new.metadata,
                data,
            });
            version = version.next();
        }
        Ok(Appended { version: Version(version.0 - 1), position: self.head(), repeated: false })
    }

    fn take_in(&mut self, event: StoredEvent) -> Result<(), StoreError> {
        if self.ids.contains_key(&event.id) {
            return Ok(());
        }
        let expected = expected_before(event.version);
        let actual = self.last_version(&event.stream);
        if !expected.holds_for(actual) {
            return Err(StoreError::Conflict { stream: event.stream, expected, actual });
        }
        self.push(event);
        Ok(())
    }

    fn last_version(&self, stream: &StreamName) -> Option<Version> {
        self.streams.get(stream).and_then(|indices| indices.last()).map(|&index| self.events[index].version)
    }

    fn appended_before(&self, events: &[NewEvent]) -> Appended {
        let indices = events.iter().filter_map(|new| self.ids.get(&new.id)).copied();
        let last = &self.events[indices.max().unwrap_or_default()];
        Appended { version: last.version, position: last.position, repeated: true }
    }

    /// The first id is new, so the others have to be as well.
    fn refuse_known_ids(&self, events: &[NewEvent]) -> Result<(), StoreError> {
        let mut seen = HashMap::new();
        for (index, new) in events.iter().enumerate() {
            let earlier = self.ids.get(&new.id).copied().or_else(|| seen.insert(new.id, self.events.len() + index));
            if let Some(index) = earlier {
                return Err(StoreError::reused_id(new.id, Position(index as u64 + 1)));
            }
        }
        Ok(())
    }

    /// Gives the event the next position.
    fn push(&mut self, event: StoredEvent) {
        let index = self.events.len();
        self.streams.entry(event.stream.clone()).or_default().push(index);
        self.ids.insert(event.id, index);
        self.events.push(StoredEvent { position: Position(index as u64 + 1), ..event });
    }
}

fn size(new: &NewEvent, data: &str) -> usize {
    let metadata = serde_json::to_string(&new.metadata).map_or(0, |metadata| metadata.len());
    new.event.name().len() + metadata + data.len()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::contract;
    use super::MemoryEventStore;
    use crate::ports::intake;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn keeps_the_contract() {
        contract::suite(Arc::new(MemoryEventStore::new()), "memory").await;
    }

    #[tokio::test]
    async fn takes_in_as_the_contract_says() {
        intake::contract::suite(Arc::new(MemoryEventStore::new()), "memory").await;
    }
}
