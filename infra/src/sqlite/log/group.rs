//! What becomes of the appends that are committed together. No I/O here: the log was looked at before, and is written after.

use std::collections::{HashMap, HashSet};

use cairn_commands::ports::event_store::{Appended, StoreError};
use cairn_domain::{EventId, Position, StreamName, Version};
use serde::Serialize;
use uuid::fmt::Simple;

use super::queue::{AppendJob, Encoded};

/// As much of the log as matters to a group, kept up to date while its appends are judged one after the other.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    pub(super) head: Position,
    /// The last version of every stream that the group appends to; the absent ones do not exist.
    pub(super) last: HashMap<&'a StreamName, Version>,
    /// Where those of the group's events stand that are in the log already.
    pub(super) known: HashMap<EventId, Appended>,
}

/// What becomes of one append.
#[derive(Debug)]
pub(super) enum Verdict {
    Appended(Appended),
    Repeated(Appended),
    Refused(StoreError),
}

/// One row of the table, in the order of its columns; serialized as an array.
#[derive(Debug, Serialize)]
pub(super) struct Row<'a>(u64, &'a str, u64, Simple, &'static str, u16, i64, &'a str, &'a str);

impl<'a> Judge<'a> {
    /// Judges the next append of the group; if it goes through, its rows follow those before.
    pub(super) fn judge(&mut self, job: &'a AppendJob, rows: &mut Vec<Row<'a>>) -> Verdict {
        if self.known.contains_key(&job.events[0].id) {
            return Verdict::Repeated(self.appended_before(&job.events));
        }
        let actual = self.last.get(&job.stream).copied();
        if !job.expected.holds_for(actual) {
            return Verdict::Refused(StoreError::Conflict { stream: job.stream.clone(), expected: job.expected, actual });
        }
        if let Some(refusal) = self.reused_id(&job.events) {
            return Verdict::Refused(refusal);
        }
        rows.extend(job.events.iter().map(|event| self.place(&job.stream, event)));
        Verdict::Appended(self.appended_before(&job.events))
    }

    /// Gives the event the next place in its stream and in the log.
    fn place(&mut self, stream: &'a StreamName, event: &'a Encoded) -> Row<'a> {
        let version = self.last.get(stream).copied().map_or(Version(0), Version::next);
        let position = Position(self.head.0 + 1);
        self.head = position;
        self.last.insert(stream, version);
        self.known.insert(event.id, Appended { version, position });
        let (id, schema, time) = (event.id.0.simple(), event.schema, event.time.0);
        Row(position.0, stream.as_str(), version.0, id, event.name, schema, time, &event.metadata, &event.data)
    }

    fn appended_before(&self, events: &[Encoded]) -> Appended {
        let known = events.iter().filter_map(|event| self.known.get(&event.id)).copied();
        known.max_by_key(|appended| appended.position).unwrap_or(Appended { version: Version(0), position: Position::START })
    }

    /// The first id is new, so the others have to be as well.
    fn reused_id(&self, events: &[Encoded]) -> Option<StoreError> {
        let mut own = HashSet::new();
        let reused = events.iter().find(|event| self.known.contains_key(&event.id) || !own.insert(event.id))?;
        let position = self.known.get(&reused.id).map_or(Position(self.head.0 + 1), |appended| appended.position);
        Some(StoreError::reused_id(reused.id, position))
    }
}
