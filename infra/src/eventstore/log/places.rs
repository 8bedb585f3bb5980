//! Where events stand in `$all`, as far as it was seen.
//!
//! Clients may ask for what comes after any number, and the server knows only the positions of events. The one before such a number is
//! found by reading from the nearest that is known, or from the end if that is nearer.

use std::collections::BTreeSet;
use std::sync::{Mutex as Lock, PoisonError};

use cairn_domain::Position;
use tokio::sync::Mutex;

use super::read::PAGE;
use crate::eventstore::call::{self, Begin};
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
        let end = link.ask(|live| async move { live.head().await }).await?;
        if end <= after {
            return Ok(None);
        }
        // The number just before an event, from whoever believes that positions have no gaps.
        let next = Begin::At(Position(after.0 + 1));
        match link.ask(|live| async move { call::positions_from(&live.client, next, 1).await }).await {
            Err(Failure::NoSuchPosition) => self.search(link, after, end).await.map(Some),
            found => found.map(|_| Some(next)),
        }
    }

    async fn search(&self, link: &Link, after: Position, end: Position) -> Result<Begin, Failure> {
        let _alone = self.searching.lock().await;
        let known = self.before(after);
        let begin = if end.0 - after.0 < after.0 - known.unwrap_or(Position::START).0 {
            backwards(link, after).await?
        } else {
            self.forwards(link, after, known.map_or(Begin::Start, Begin::At)).await?
        };
        if let Begin::At(position) = begin {
            self.note(position);
        }
        Ok(begin)
    }

    async fn forwards(&self, link: &Link, after: Position, mut begin: Begin) -> Result<Begin, Failure> {
        loop {
            let page = link.ask(|live| async move { call::positions_from(&live.client, begin, PAGE).await }).await?;
            let before = page.partition_point(|position| *position <= after);
            if before > 0 {
                begin = Begin::At(page[before - 1]);
            }
            if before < page.len() || page.len() < PAGE {
                return Ok(begin);
            }
            self.note(page[before - 1]);
        }
    }
}

async fn backwards(link: &Link, after: Position) -> Result<Begin, Failure> {
    let mut begin = Begin::End;
    loop {
        let page = link.ask(|live| async move { call::positions_before(&live.client, begin, PAGE).await }).await?;
        if let Some(found) = page.iter().find(|position| **position <= after) {
            return Ok(Begin::At(*found));
        }
        begin = match page.last() {
            Some(first) if page.len() == PAGE => Begin::At(*first),
            _ => return Ok(Begin::Start),
        };
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
