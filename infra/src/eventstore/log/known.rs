//! What is known of a stream, and what that means for an append. No I/O here.

use std::collections::{HashMap, HashSet};

use cairn_commands::ports::event_store::{Appended, StoreError};
use cairn_domain::{EventId, Expected, Position, StoredEvent, StreamName, Version};

/// The events of a stream from its first on, without their contents. There may be more by now.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Over which client this was learnt; none if nothing was.
    over: Option<u64>,
    /// How many there are.
    count: u64,
    places: HashMap<EventId, Place>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    version: Version,
    position: Position,
}

/// What becomes of an append, if what is known is all there is.
#[derive(Debug)]
pub(super) enum Judged {
    /// It is to be made at this revision.
    Write(Option<Version>),
    /// It was made before.
    Repeated(Appended),
    /// It must not be made.
    Refused(StoreError),
}

impl Known {
    /// Forgets what was learnt over another client: the server may be another, too. True if something is known over this one.
    pub(super) fn holds_over(&mut self, client: Option<u64>) -> bool {
        if client.is_none() || self.over != client {
            *self = Self::default();
        }
        self.over.is_some()
    }

    /// The version of the next event.
    pub(super) fn next(&self) -> Version {
        Version(self.count)
    }

    pub(super) fn last(&self) -> Option<Version> {
        self.count.checked_sub(1).map(Version)
    }

    /// How much room it takes.
    pub(super) fn weight(&self) -> u32 {
        u32::try_from(self.places.len()).unwrap_or(u32::MAX)
    }

    /// These were read over that client, one after the other. What does not continue what is known tells nothing.
    pub(super) fn learn(&mut self, client: u64, events: &[StoredEvent]) {
        self.over = Some(client);
        for event in events {
            if event.version == self.next() {
                self.add(event.id, event.position);
            }
        }
    }

    /// These were just appended, and the last of them stands there.
    pub(super) fn appended(&mut self, ids: &[EventId], last: Position) {
        for id in ids {
            // Nobody asks for the others alone: they come from one command, so they are there together.
            self.add(*id, last);
        }
    }

    fn add(&mut self, id: EventId, position: Position) {
        self.places.insert(id, Place { version: self.next(), position });
        self.count += 1;
    }

    pub(super) fn judge(&self, stream: &StreamName, expected: Expected, ids: &[EventId]) -> Judged {
        if ids.first().is_some_and(|id| self.places.contains_key(id)) {
            return Judged::Repeated(self.last_of(ids));
        }
        let actual = self.last();
        if !expected.holds_for(actual) {
            return Judged::Refused(StoreError::Conflict { stream: stream.clone(), expected, actual });
        }
        match self.reused_id(ids) {
            Some(refusal) => Judged::Refused(refusal),
            None => Judged::Write(actual),
        }
    }

    /// Where the last of the events stands that are known.
    pub(super) fn last_of(&self, ids: &[EventId]) -> Appended {
        let known = ids.iter().filter_map(|id| self.places.get(id));
        let last = known.max_by_key(|place| place.version);
        let Place { version, position } = last.copied().unwrap_or(Place { version: Version(0), position: Position::START });
        Appended { version, position, repeated: true }
    }

    /// The first id is new, so the others have to be as well.
    fn reused_id(&self, ids: &[EventId]) -> Option<StoreError> {
        let mut own = HashSet::new();
        let reused = ids.iter().find(|id| self.places.contains_key(id) || !own.insert(*id))?;
        let position = self.places.get(reused).map_or(Position::START, |place| place.position);
        Some(StoreError::reused_id(*reused, position))
    }
}
