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

#[cfg(test)]
mod tests {
    use cairn_domain::CommandId;
    use uuid::Uuid;

    use super::*;

    fn stream() -> StreamName {
        StreamName::try_from("file-1".to_owned()).expect("a stream name")
    }

    fn ids(numbers: std::ops::Range<usize>) -> Vec<EventId> {
        numbers.map(|n| CommandId(Uuid::from_u128(1)).event("file-1", n)).collect()
    }

    fn known() -> Known {
        let mut known = Known::default();
        known.learn(7, &[]);
        known.appended(&ids(0..2), Position(100));
        known
    }

    #[test]
    fn an_append_is_made_after_the_last_event_that_is_known() {
        let exact = Expected::Exact(Version(1));
        for expected in [Expected::Any, exact] {
            assert!(matches!(known().judge(&stream(), expected, &ids(2..3)), Judged::Write(Some(Version(1)))));
        }
        assert!(matches!(Known::default().judge(&stream(), Expected::NoStream, &ids(0..1)), Judged::Write(None)));
    }

    #[test]
    fn a_repeat_is_one_whatever_is_expected() {
        for expected in [Expected::Any, Expected::NoStream, Expected::Exact(Version(9))] {
            let judged = known().judge(&stream(), expected, &ids(0..2));
            let due = Appended { version: Version(1), position: Position(100), repeated: true };
            assert!(matches!(judged, Judged::Repeated(appended) if appended == due), "{judged:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let conflict = known().judge(&stream(), Expected::NoStream, &ids(2..3));
        assert!(matches!(conflict, Judged::Refused(StoreError::Conflict { actual: Some(Version(1)), .. })), "{conflict:?}");
        let new_and_known = [ids(2..3), ids(0..1)].concat();
        let twice = [ids(2..3), ids(2..3)].concat();
        for reused in [new_and_known, twice] {
            let judged = known().judge(&stream(), Expected::Any, &reused);
            assert!(matches!(judged, Judged::Refused(StoreError::Corrupt { .. })), "{judged:?}");
        }
    }

    #[test]
    fn nothing_is_known_over_another_client() {
        let mut known = known();
        assert!(known.holds_over(Some(7)) && known.last() == Some(Version(1)));
        assert!(!known.holds_over(Some(8)) && known.last().is_none());
        assert!(!known.holds_over(None));
    }
}
