//! The log and its streams, in memory. No I/O and no clock: the time of a write is an argument.

mod commit_check;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use commit_check::Decision;
pub(crate) use commit_check::{Expected, Refusal};

/// The value of `$tb` (truncate before) that means "soft-deleted".
const DELETED: i64 = i64::MAX;

/// The type of a tombstone.
const STREAM_DELETED: &str = "$streamDeleted";

/// What one record takes in the log besides its texts and bytes; it only keeps positions from looking like a count of events.
const RECORD_OVERHEAD_BYTES: u64 = 87;

pub(crate) struct NewEvent {
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    pub(crate) is_json: bool,
    pub(crate) data: Bytes,
    pub(crate) metadata: Bytes,
}

impl NewEvent {
    /// What counts towards the limit of an append: the server keeps the type as UTF-16.
    pub(crate) fn size_bytes(&self) -> usize {
        self.data.len() + self.metadata.len() + 2 * self.kind.encode_utf16().count()
    }
}

pub(crate) struct Record {
    pub(crate) stream: Arc<str>,
    pub(crate) revision: u64,
    pub(crate) position: u64,
    /// In units of 100 ns since 1970.
    pub(crate) created_ticks: u64,
    pub(crate) event: NewEvent,
}

impl Record {
    /// Whether the server wrote it for itself: such streams begin with a dollar sign.
    pub(crate) fn is_system(&self) -> bool {
        self.stream.starts_with('$')
    }
}

/// Where an append ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// `None` if nothing was appended to a stream that does not exist.
    pub(crate) last_revision: Option<u64>,
    pub(crate) position: u64,
}

/// A hard-deleted stream: it can be neither read nor written again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tombstoned;

/// A position at which no record begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidPosition;

#[derive(Default)]
struct Stream {
    /// The place in the log of each event, by revision.
    places: Vec<usize>,
    first_readable: u64,
    deletion: Option<Deletion>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Deletion {
    Soft,
    Hard,
}

/// The whole database.
#[derive(Default)]
pub(crate) struct Store {
    log: Vec<Arc<Record>>,
    streams: HashMap<Arc<str>, Stream>,
    /// Stream and revision of the last write of each event id, for the recognition of repeated appends.
    last_writes: HashMap<Uuid, (Arc<str>, u64)>,
    end: u64,
    ids_made: u128,
}

impl Store {
    /// A database as the server leaves it after its first start: never quite empty, so that whoever reads `$all` meets an event of
    /// the system first.
    pub(crate) fn new(ticks: u64) -> Self {
        let mut store = Self::default();
        store.write_metadata("$stats-127.0.0.1:2113", r#"{"$maxAge":86400}"#.to_owned(), ticks);
        store
    }

    /// All events in the order of their positions.
    pub(crate) fn log(&self) -> &[Arc<Record>] {
        &self.log
    }

    /// How many records lie before `position`, which must be that of a record or not lie before the end of the log.
    pub(crate) fn place_of(&self, position: u64) -> Result<usize, InvalidPosition> {
        let place = self.log.partition_point(|record| record.position < position);
        match self.log.get(place) {
            Some(record) if position != 0 && record.position != position => Err(InvalidPosition),
            None if position < self.end => Err(InvalidPosition),
            _ => Ok(place),
        }
    }

    /// The revisions of a stream that can be read; `None` if there is no such stream, or it is soft-deleted.
    pub(crate) fn readable(&self, name: &str) -> Result<Option<Range<u64>>, Tombstoned> {
        if self.is_tombstoned(name) {
            return Err(Tombstoned);
        }
        let stream = self.streams.get(name).filter(|stream| stream.deletion.is_none() && !stream.places.is_empty());
        Ok(stream.map(|stream| stream.first_readable..stream.places.len() as u64))
    }

    /// The events of a stream with these revisions, as far as there are such events.
    pub(crate) fn events(&self, name: &str, revisions: Range<u64>) -> impl DoubleEndedIterator<Item = &Arc<Record>> {
        let places = self.streams.get(name).map_or(&[][..], |stream| &stream.places);
        let end = revisions.end.min(places.len() as u64);
        let start = revisions.start.min(end);
        places[start as usize..end as usize].iter().map(|place| &self.log[*place])
    }

    /// The last event of a hard-deleted stream.
    pub(crate) fn tombstone_of(&self, name: &str) -> Option<&Arc<Record>> {
        self.log.iter().rfind(|record| &*record.stream == name && record.event.kind == STREAM_DELETED)
    }

    /// Appends all events or none. Events that are there already, by their ids, are not appended twice.
    pub(crate) fn append(&mut self, name: &str, expected: Expected, events: Vec<NewEvent>, ticks: u64) -> Result<Written, Refusal> {
        let ids: Vec<Uuid> = events.iter().map(|event| event.id).collect();
        match self.decide(name, expected, &ids) {
            Decision::Refuse(refusal) => Err(refusal),
            Decision::WrittenBefore { last_revision } => Ok(self.written_before(name, last_revision)),
            Decision::Write => Ok(self.write(name, events, ticks)),
        }
    }

    /// Soft-deletes a stream; gives the position of the record that says so.
    pub(crate) fn delete(&mut self, name: &str, expected: Expected, ticks: u64) -> Result<u64, Refusal> {
        self.permit_deletion(name, expected)?;
        if self.last_revision(name).is_none() && self.last_revision(&metadata_stream(name)).is_none() {
            return Err(Refusal::WrongVersion { current: None });
        }
        let position = self.write_metadata(name, truncate_before(DELETED), ticks);
        self.stream(name).deletion = Some(Deletion::Soft);
        Ok(position)
    }

    /// Hard-deletes a stream, even one that was never there; gives the position of the tombstone.
    pub(crate) fn tombstone(&mut self, name: &str, expected: Expected, ticks: u64) -> Result<u64, Refusal> {
        self.permit_deletion(name, expected)?;
        let event = self.system_event(STREAM_DELETED, String::new(), false);
        let position = self.write_record(name, DELETED.cast_unsigned(), event, ticks);
        self.stream(name).deletion = Some(Deletion::Hard);
        Ok(position)
    }

    fn written_before(&self, name: &str, last_revision: u64) -> Written {
        let position = self.events(name, last_revision..last_revision + 1).next().map_or(0, |record| record.position);
        Written { last_revision: Some(last_revision), position }
    }

    fn write(&mut self, name: &str, events: Vec<NewEvent>, ticks: u64) -> Written {
        let first = self.last_revision(name).map_or(0, |last| last + 1);
        let mut position = self.end;
        for event in events {
            position = self.write_event(name, event, ticks);
        }
        if self.is_soft_deleted(name) {
            self.undelete(name, first, ticks);
        }
        Written { last_revision: self.last_revision(name), position }
    }

    /// A stream that is written to after a soft deletion goes on with its next revision and shows nothing older.
    fn undelete(&mut self, name: &str, first: u64, ticks: u64) {
        let stream = self.stream(name);
        stream.deletion = None;
        stream.first_readable = first;
        self.write_metadata(name, truncate_before(first.cast_signed()), ticks);
    }

    fn write_metadata(&mut self, name: &str, json: String, ticks: u64) -> u64 {
        let event = self.system_event("$metadata", json, true);
        self.write_event(&metadata_stream(name), event, ticks)
    }

    fn write_event(&mut self, name: &str, event: NewEvent, ticks: u64) -> u64 {
        let place = self.log.len();
        let stream = self.stream(name);
        let revision = stream.places.len() as u64;
        stream.places.push(place);
        self.write_record(name, revision, event, ticks)
    }

    fn write_record(&mut self, name: &str, revision: u64, event: NewEvent, created_ticks: u64) -> u64 {
        let position = self.end;
        let stream: Arc<str> = name.into();
        self.end += RECORD_OVERHEAD_BYTES + (2 * name.len() + event.size_bytes()) as u64;
        self.last_writes.insert(event.id, (Arc::clone(&stream), revision));
        self.log.push(Arc::new(Record { stream, revision, position, created_ticks, event }));
        position
    }

    fn system_event(&mut self, kind: &str, text: String, is_json: bool) -> NewEvent {
        self.ids_made += 1;
        let id = Uuid::from_u128((0xE5DB << 112) + self.ids_made);
        NewEvent { id, kind: kind.to_owned(), is_json, data: text.into(), metadata: Bytes::new() }
    }

    fn stream(&mut self, name: &str) -> &mut Stream {
        self.streams.entry(name.into()).or_default()
    }
}

fn metadata_stream(name: &str) -> String {
    format!("$${name}")
}

fn truncate_before(revision: i64) -> String {
    format!(r#"{{"$tb":{revision}}}"#)
}
