use std::collections::HashMap;

use cairn_domain::blob::Blob;
use cairn_domain::{Decider, Event, Sha256, StoredEvent, codec};

/// Every content that a log speaks of, as it is after the events that were taken.
#[derive(Debug, Clone, Default)]
pub struct Contents(HashMap<Sha256, Blob>);

impl Contents {
    /// Takes the next event of the log. What can't be read says nothing about contents.
    pub fn event(&mut self, stored: &StoredEvent) {
        if let Ok(event) = codec::decode(stored) {
            self.follow(stored, &event);
        }
    }

    /// The same for one that was read already.
    pub(super) fn follow(&mut self, stored: &StoredEvent, event: &Event) {
        let (Event::Blob(event), Ok(sha256)) = (event, stored.stream.id().parse()) else { return };
        let blob = self.0.entry(sha256).or_default();
        *blob = std::mem::take(blob).evolve(event);
    }

    /// One of them, if the log speaks of it.
    pub fn get(&self, sha256: Sha256) -> Option<&Blob> {
        self.0.get(&sha256)
    }

    /// Those that are stored, in the order of their hashes.
    pub fn stored(&self) -> Vec<(Sha256, &Blob)> {
        let stored = self.0.iter().filter(|(_, blob)| blob.content().is_some());
        let mut stored: Vec<_> = stored.map(|(sha256, blob)| (*sha256, blob)).collect();
        stored.sort_by_key(|(sha256, _)| *sha256);
        stored
    }
}
