//! Where events stand in `$all`, as far as it was seen.
//!
//! Clients may ask for what comes after any number, and the server knows only the positions of events. The one before such a number is found
//! by reading forwards from the nearest that is known.

use std::collections::BTreeSet;
use std::sync::{Mutex as Lock, PoisonError};

use cairn_domain::Position;
use tokio::sync::Mutex;

use super::read::{PAGE, head, page_of_all};
use crate::eventstore::call::Begin;
use crate::eventstore::link::Link;
use crate::eventstore::trouble::Failure;

/// Positions that are remembered; beyond it every other one is forgotten.
const KNOWN_MAX: usize = 4_096;

/// Positions at which events stand, spread over the log.
#[derive(Debug, Default)]
pub(super) struct Places {
    known: Lock<BTreeSet<Position>>,
    /// One at a time: a search may be long, and whoever comes next profits from it.
    searching: Mutex<()>,
}

impl Places {
    /// An event stands there.
    pub(super) fn note(&self, position: Position) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(position);
        if known.len() > KNOWN_MAX {
            *known = known.iter().copied().step_by(2).collect();
        }
    }

    fn before(&self, position: Position) -> Option<Position> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.range(..=position).next_back().copied()
    }

    /// Where to begin to read what comes after a number at which no event stands; none if that is nothing.
    pub(super) async fn next_after(&self, link: &Link, after: Position) -> Result<Option<Begin>, Failure> {
        let end = head(link).await.map_err(|error| Failure::Again(error.into()))?;
        if end <= after {
            return Ok(None);
        }
        // The number just before an event, from whoever believes that positions have no gaps.
        let next = Begin::At(Position(after.0 + 1));
        match page_of_all(link, next, 1).await {
            Err(Failure::NoSuchPosition) => self.search(link, after).await.map(Some),
            found => found.map(|_| Some(next)),
        }
    }

    async fn search(&self, link: &Link, after: Position) -> Result<Begin, Failure> {
        let _alone = self.searching.lock().await;
        let mut begin = self.before(after).map_or(Begin::Start, Begin::At);
        loop {
            let page = page_of_all(link, begin, PAGE).await?;
            let Some(last) = page.iter().rfind(|event| event.position <= after) else { return Ok(begin) };
            self.note(last.position);
            let is_it = page.len() < PAGE || page.last().is_some_and(|end| end.position > after);
            begin = Begin::At(last.position);
            if is_it {
                return Ok(begin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded_and_spread() {
        let places = Places::default();
        for n in 1..=20_000 {
            places.note(Position(n * 10));
        }
        assert!(places.known.lock().expect("not poisoned").len() <= KNOWN_MAX);
        assert_eq!(places.before(Position(9)), None);
        assert!(places.before(Position(100_005)).is_some_and(|known| known > Position(99_000)));
        assert_eq!(places.before(Position(u64::MAX)), Some(Position(200_000)));
    }
}
