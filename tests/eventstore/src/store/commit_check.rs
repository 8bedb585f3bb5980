//! What becomes of an append: the rules of the server's index writer, including how it knows an append that it has seen before.

use uuid::Uuid;

use super::{Deletion, Store, metadata_stream};

/// Where the caller believes a stream to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Any,
    NoStream,
    StreamExists,
    Exact(u64),
}

impl Expected {
    /// As the server writes it into error texts and trailers.
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Any => -2,
            Self::NoStream => -1,
            Self::StreamExists => -4,
            Self::Exact(revision) => revision.cast_signed(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    WrongVersion {
        /// `None` if there is no such stream.
        current: Option<u64>,
    },
    /// The stream is tombstoned; or it is soft-deleted and was expected to exist.
    Deleted,
}

pub(super) enum Decision {
    Write,
    WrittenBefore { last_revision: u64 },
    Refuse(Refusal),
}

impl Store {
    pub(super) fn decide(&self, name: &str, expected: Expected, ids: &[Uuid]) -> Decision {
        if self.is_tombstoned(name) {
            return Decision::Refuse(Refusal::Deleted);
        }
        match expected {
            Expected::StreamExists if self.is_soft_deleted(name) => Decision::Refuse(Refusal::Deleted),
            Expected::StreamExists if !self.was_ever_there(name) => self.wrong_version(name),
            Expected::Any | Expected::StreamExists => self.decide_by_ids(name, ids),
            Expected::NoStream | Expected::Exact(_) => self.decide_by_revision(name, expected.number(), ids),
        }
    }

    /// A deletion is decided like the append of an event that was never seen.
    pub(super) fn permit_deletion(&self, name: &str, expected: Expected) -> Result<(), Refusal> {
        match self.decide(name, expected, &[Uuid::nil()]) {
            Decision::Refuse(refusal) => Err(refusal),
            Decision::Write | Decision::WrittenBefore { .. } => Ok(()),
        }
    }

    /// Without an expected revision the first id decides: if it is new, everything is written; if it is known, all of them must be.
    fn decide_by_ids(&self, name: &str, ids: &[Uuid]) -> Decision {
        let known: Option<Vec<u64>> = ids.iter().map(|id| self.last_write_to(name, id)).collect();
        let first_is_known = ids.first().is_some_and(|id| self.last_write_to(name, id).is_some());
        match known.as_deref() {
            Some([.., last_revision]) => Decision::WrittenBefore { last_revision: *last_revision },
            None if first_is_known => self.wrong_version(name),
            _ => Decision::Write,
        }
    }

    /// Behind the expected revision there must be nothing, or exactly these events.
    fn decide_by_revision(&self, name: &str, expected: i64, ids: &[Uuid]) -> Decision {
        let current = self.last_revision(name).map_or(-1, u64::cast_signed);
        if expected == current {
            return Decision::Write;
        }
        if expected > current || ids.is_empty() {
            return self.wrong_version(name);
        }
        let next = (expected + 1).cast_unsigned();
        let there = self.events(name, next..next.saturating_add(ids.len() as u64)).map(|record| record.event.id);
        let equal = there.zip(ids).take_while(|(there, id)| there == *id).count();
        match equal {
            _ if equal == ids.len() => Decision::WrittenBefore { last_revision: next + equal as u64 - 1 },
            0 if expected == Expected::NoStream.number() && self.is_soft_deleted(name) => Decision::Write,
            _ => self.wrong_version(name),
        }
    }

    fn wrong_version(&self, name: &str) -> Decision {
        Decision::Refuse(Refusal::WrongVersion { current: self.last_revision(name) })
    }

    fn last_write_to(&self, name: &str, id: &Uuid) -> Option<u64> {
        self.last_writes.get(id).filter(|(stream, _)| &**stream == name).map(|(_, revision)| *revision)
    }

    /// Counts deleted events too.
    pub(super) fn last_revision(&self, name: &str) -> Option<u64> {
        let events = self.streams.get(name)?.places.len() as u64;
        events.checked_sub(1)
    }

    fn was_ever_there(&self, name: &str) -> bool {
        self.last_revision(name).is_some() || self.last_revision(&metadata_stream(name)).is_some()
    }

    pub(super) fn is_soft_deleted(&self, name: &str) -> bool {
        self.deletion(name) == Some(Deletion::Soft)
    }

    /// A tombstone takes the stream's metadata with it.
    pub(super) fn is_tombstoned(&self, name: &str) -> bool {
        let hard = Some(Deletion::Hard);
        self.deletion(name) == hard || name.strip_prefix("$$").is_some_and(|original| self.deletion(original) == hard)
    }

    fn deletion(&self, name: &str) -> Option<Deletion> {
        self.streams.get(name)?.deletion
    }
}
