//! What becomes of the appends that are committed together. No I/O here: the log was looked at before, and is written after.

use std::collections::{HashMap, HashSet};

use cairn_commands::ports::event_store::{Appended, StoreError};
use cairn_domain::{EventId, Position, StreamName, Version};

use super::append::{AppendJob, Encoded, EncodedAppend};

/// As much of the log as matters to a group.
#[derive(Debug)]
pub(crate) struct Judge<'a> {
    pub(crate) head: Position,
    /// The last version of every stream that the group appends to; the absent ones do not exist.
    pub(crate) last: HashMap<&'a StreamName, Version>,
    /// Where those of the group's events stand that are in the log already.
    pub(crate) known: HashMap<EventId, Appended>,
}

/// What is to be written and answered, and the log as it will be then.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) head: Position,
    pub(crate) last: HashMap<&'a StreamName, Version>,
    pub(crate) rows: Vec<Row<'a>>,
    /// For each job those of its appends, up to the first that was refused.
    pub(crate) verdicts: Vec<Vec<Verdict>>,
}

/// What becomes of one append.
#[derive(Debug)]
pub(crate) enum Verdict {
    Appended(Appended),
    Repeated(Appended),
    Refused(StoreError),
}

/// One row of the table.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    pub(crate) position: Position,
    pub(crate) stream: &'a StreamName,
    pub(crate) version: Version,
    pub(crate) event: &'a Encoded,
}

impl<'a> Judge<'a> {
    /// The streams that the jobs append to, each once.
    pub(crate) fn streams(jobs: &'a [AppendJob]) -> Vec<&'a StreamName> {
        let appends = jobs.iter().flat_map(|job| &job.appends);
        let streams: HashSet<&StreamName> = appends.map(|append| &append.stream).collect();
        streams.into_iter().collect()
    }

    /// The ids of the events that the jobs append.
    pub(crate) fn ids(jobs: &'a [AppendJob]) -> impl Iterator<Item = EventId> {
        jobs.iter().flat_map(|job| &job.appends).flat_map(|append| &append.events).map(|event| event.id)
    }

    /// Judges one append after the other; the later ones see what the earlier ones do.
    pub(crate) fn plan(mut self, jobs: &'a [AppendJob]) -> Plan<'a> {
        let mut rows = Vec::with_capacity(jobs.len());
        let verdicts = jobs.iter().map(|job| self.judge_all(job, &mut rows)).collect();
        Plan { head: self.head, last: self.last, rows, verdicts }
    }

    fn judge_all(&mut self, job: &'a AppendJob, rows: &mut Vec<Row<'a>>) -> Vec<Verdict> {
        let mut verdicts = Vec::with_capacity(job.appends.len());
        for append in &job.appends {
            verdicts.push(self.judge(append, rows));
            if matches!(verdicts.last(), Some(Verdict::Refused(_))) {
                break;
            }
        }
        verdicts
    }

    fn judge(&mut self, job: &'a EncodedAppend, rows: &mut Vec<Row<'a>>) -> Verdict {
        if self.known.contains_key(&job.events[0].id) {
            return Verdict::Repeated(self.last_of(&job.events));
        }
        let actual = self.last.get(&job.stream).copied();
        if !job.expected.holds_for(actual) {
            return Verdict::Refused(StoreError::Conflict { stream: job.stream.clone(), expected: job.expected, actual });
        }
        if let Some(refusal) = self.reused_id(&job.events) {
            return Verdict::Refused(refusal);
        }
        rows.extend(job.events.iter().map(|event| self.place(&job.stream, event)));
        Verdict::Appended(Appended { repeated: false, ..self.last_of(&job.events) })
    }

    /// Gives the event the next place in its stream and in the log.
    fn place(&mut self, stream: &'a StreamName, event: &'a Encoded) -> Row<'a> {
        let version = self.last.get(stream).copied().map_or(Version(0), Version::next);
        let position = Position(self.head.0 + 1);
        self.head = position;
        self.last.insert(stream, version);
        self.known.insert(event.id, Appended { version, position, repeated: true });
        Row { position, stream, version, event }
    }

    /// Where the last of the events stands that are in the log: at least one is.
    fn last_of(&self, events: &[Encoded]) -> Appended {
        let known = events.iter().filter_map(|event| self.known.get(&event.id)).copied();
        known.max_by_key(|appended| appended.position).unwrap_or(Appended {
            version: Version(0),
            position: Position::START,
            repeated: true,
        })
    }

    /// The first id is new, so the others have to be as well.
    fn reused_id(&self, events: &[Encoded]) -> Option<StoreError> {
        let mut own = HashSet::new();
        let reused = events.iter().find(|event| self.known.contains_key(&event.id) || !own.insert(event.id))?;
        let position = self.known.get(&reused.id).map_or(Position(self.head.0 + 1), |appended| appended.position);
        Some(StoreError::reused_id(reused.id, position))
    }
}
