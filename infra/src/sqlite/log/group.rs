//! What becomes of the appends that are committed together. No I/O here: the log was looked at before, and is written after.

use std::collections::{HashMap, HashSet};

use cairn_commands::ports::event_store::{Appended, StoreError};
use cairn_domain::{EventId, Position, StreamName, Version};
use sqlx::Arguments;
use sqlx::error::BoxDynError;
use sqlx::sqlite::SqliteArguments;

use super::queue::{AppendJob, Encoded, EncodedAppend};

/// As much of the log as matters to a group.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    pub(super) head: Position,
    /// The last version of every stream that the group appends to; the absent ones do not exist.
    pub(super) last: HashMap<&'a StreamName, Version>,
    /// Where those of the group's events stand that are in the log already.
    pub(super) known: HashMap<EventId, Appended>,
}

/// What is to be written and answered, and the log as it will be then.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) head: Position,
    pub(super) last: HashMap<&'a StreamName, Version>,
    pub(super) rows: Vec<Row<'a>>,
    /// For each job those of its appends, up to the first that was refused.
    pub(super) verdicts: Vec<Vec<Verdict>>,
}

/// What becomes of one append.
#[derive(Debug)]
pub(super) enum Verdict {
    Appended(Appended),
    Repeated(Appended),
    Refused(StoreError),
}

/// One row of the table.
#[derive(Debug)]
pub(super) struct Row<'a> {
    position: Position,
    stream: &'a StreamName,
    version: Version,
    event: &'a Encoded,
}

impl<'a> Judge<'a> {
    /// Judges one append after the other; the later ones see what the earlier ones do.
    pub(super) fn plan(mut self, jobs: &'a [AppendJob]) -> Plan<'a> {
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
        Verdict::Appended(self.last_of(&job.events))
    }

    /// Gives the event the next place in its stream and in the log.
    fn place(&mut self, stream: &'a StreamName, event: &'a Encoded) -> Row<'a> {
        let version = self.last.get(stream).copied().map_or(Version(0), Version::next);
        let position = Position(self.head.0 + 1);
        self.head = position;
        self.last.insert(stream, version);
        self.known.insert(event.id, Appended { version, position });
        Row { position, stream, version, event }
    }

    /// Where the last of the events stands that are in the log: at least one is.
    fn last_of(&self, events: &[Encoded]) -> Appended {
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

impl Row<'_> {
    pub(super) const COLUMNS: usize = 9;

    /// The columns in the order of the INSERT.
    pub(super) fn bind(&self, arguments: &mut SqliteArguments) -> Result<(), BoxDynError> {
        let event = self.event;
        arguments.add(i64::try_from(self.position.0)?)?;
        arguments.add(self.stream.as_str())?;
        arguments.add(i64::try_from(self.version.0)?)?;
        arguments.add(&event.id.0.as_bytes()[..])?;
        arguments.add(event.name)?;
        arguments.add(event.schema)?;
        arguments.add(event.time.0)?;
        arguments.add(event.metadata.as_str())?;
        arguments.add(event.data.as_str())
    }
}
