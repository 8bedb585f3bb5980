use std::collections::BTreeMap;

use super::event::{Holder, SpaceEvent, SpaceFreed, SpaceReserved};
use super::{Reserve, SpaceCommand, SpaceRejection};
use crate::{Decider, FileId, Position, Timestamp};

/// The promises of one account, folded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Space {
    open: BTreeMap<FileId, Promise>,
    /// Entries that have come, which the read tables may not show yet.
    settled: BTreeMap<FileId, (u64, Position)>,
    /// How far the read tables were when they were last counted.
    seen: Position,
    /// Promises that were left when somebody last looked which are still needed.
    kept: usize,
}

/// Space that was promised, and whose entry has not come as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promise {
    /// How much, in bytes.
    pub bytes: u64,
    /// For what.
    pub holder: Holder,
    /// When.
    pub at: Timestamp,
}

/// Promises beyond those that were left the last time, before somebody looks again which are still needed.
const UNTIDY: usize = 64;

type Decision = Result<Vec<SpaceEvent>, SpaceRejection>;

impl Space {
    /// Promises whose entries have not come, as far as is known.
    pub fn open(&self) -> impl Iterator<Item = (FileId, Promise)> {
        self.open.iter().map(|(file, promise)| (*file, *promise))
    }

    /// True when the entry has been promised as much, and for the same.
    fn is_promised(&self, wish: &Reserve) -> bool {
        self.open.get(&wish.file).is_some_and(|promise| promise.bytes >= wish.bytes && promise.holder == wish.holder)
    }

    /// How far read tables must be to be counted.
    pub fn seen(&self) -> Position {
        self.seen
    }

    /// Whether so many promises are open that some of them are probably not needed any more.
    pub fn is_untidy(&self) -> bool {
        self.open.len() >= 2 * self.kept + UNTIDY
    }

    /// What is promised beyond that which read tables at this position count, in bytes.
    pub fn promised(&self, seen: Position) -> u64 {
        let open = self.open.values().map(|promise| promise.bytes);
        let settled = self.settled.values().filter(|(_, position)| *position > seen).map(|(bytes, _)| *bytes);
        open.chain(settled).fold(0, u64::saturating_add)
    }

    fn reserve(&self, wish: &Reserve) -> Decision {
        if self.is_promised(wish) {
            return Ok(Vec::new());
        }
        if wish.seen < self.seen {
            return Err(SpaceRejection::Behind);
        }
        // Another promise to the same entry takes the place of the one before.
        let before = self.open.get(&wish.file).map_or(0, |promise| promise.bytes);
        let taken = wish.used.saturating_add(self.promised(wish.seen) - before);
        let free = wish.quota.saturating_sub(taken);
        if wish.bytes > free {
            return Err(SpaceRejection::Over { free });
        }
        let Reserve { file, bytes, holder, seen, at, .. } = *wish;
        Ok(vec![SpaceEvent::SpaceReserved(SpaceReserved { file, bytes, holder, seen, at })])
    }

    fn free(&self, mut freed: SpaceFreed) -> Vec<SpaceEvent> {
        freed.settled.retain(|settled| self.open.contains_key(&settled.file));
        freed.released.retain(|file| self.open.contains_key(file));
        let nothing = freed.settled.is_empty() && freed.released.is_empty();
        if nothing { Vec::new() } else { vec![SpaceEvent::SpaceFreed(freed)] }
    }
}

impl Decider for Space {
    type Command = SpaceCommand;
    type Event = SpaceEvent;
    type Rejection = SpaceRejection;

    fn decide(&self, command: SpaceCommand) -> Decision {
        match command {
            SpaceCommand::Reserve(wish) => self.reserve(&wish),
            SpaceCommand::Free { settled, released } => Ok(self.free(SpaceFreed { settled, released })),
        }
    }

    fn evolve(mut self, event: &SpaceEvent) -> Self {
        match event {
            SpaceEvent::SpaceReserved(SpaceReserved { file, bytes, holder, seen, at }) => {
                self.open.insert(*file, Promise { bytes: *bytes, holder: *holder, at: *at });
                self.seen = self.seen.max(*seen);
                self.settled.retain(|_, (_, position)| *position > *seen);
            }
            SpaceEvent::SpaceFreed(freed) => {
                for settled in &freed.settled {
                    if let Some(promise) = self.open.remove(&settled.file) {
                        self.settled.insert(settled.file, (promise.bytes, settled.position));
                    }
                }
                for file in &freed.released {
                    self.open.remove(file);
                }
                self.kept = self.open.len();
            }
        }
        self
    }

    fn commutes(_: &SpaceEvent) -> bool {
        false
    }
}
