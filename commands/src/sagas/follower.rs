use std::borrow::Cow;

use cairn_domain::{Position, StoredEvent, Timestamp};

use crate::ports::checkpoints::Checkpoints;
use crate::ports::event_store::Sifted;
use crate::{Drive, Trouble};

/// Events that one read asks for at most.
const PAGE: usize = 1_000;

/// A checkpoint is saved when something was dealt with, or when it would be so far ahead, in what the log counts its positions by: events that do
/// not concern the saga are looked through again in less time than a checkpoint takes.
const PASSED_OVER_MAX: u64 = 5_000;

/// Reads the log from where a saga last left it, for the events that concern the saga.
pub(super) struct Follower<'a> {
    drive: &'a Drive,
    checkpoints: &'a dyn Checkpoints,
    saga: Cow<'static, str>,
    names: &'a [&'a str],
    saved: Position,
    read: Position,
}

impl<'a> Follower<'a> {
    pub(super) async fn open(
        drive: &'a Drive,
        checkpoints: &'a dyn Checkpoints,
        saga: impl Into<Cow<'static, str>>,
        names: &'a [&'a str],
    ) -> Result<Self, Trouble> {
        let saga = saga.into();
        let read = checkpoints.load(&saga).await.map_err(|error| Trouble::Unavailable(error.into()))?;
        Ok(Self { drive, checkpoints, saga, names, saved: read, read })
    }

    /// The next events of those names.
    pub(super) async fn next(&self) -> Result<Sifted, Trouble> {
        Ok(self.drive.ports().log.read_named(self.read, self.names, PAGE).await?)
    }

    /// The first `count` events of the stretch, and what came before, need not be seen again.
    pub(super) async fn dealt_with(&mut self, stretch: &Sifted, count: usize) -> Result<(), Trouble> {
        self.read = match stretch.events[..count].last() {
            _ if count == stretch.events.len() => stretch.reached,
            Some(last) => last.position,
            None => return Ok(()),
        };
        let ahead = self.read.0.saturating_sub(self.saved.0);
        if ahead == 0 || (count == 0 && ahead < PASSED_OVER_MAX) {
            return Ok(());
        }
        self.checkpoints.save(&self.saga, self.read).await.map_err(|error| Trouble::Unavailable(error.into()))?;
        self.saved = self.read;
        Ok(())
    }
}

/// The first events, up to one of these names that is too young. What a clock that was wrong says to be of the future keeps nothing waiting.
pub(super) fn due<'a>(events: &'a [StoredEvent], names: &[&str], latest: Timestamp, now: Timestamp) -> &'a [StoredEvent] {
    let young = |stored: &StoredEvent| names.contains(&stored.name.as_str()) && stored.time > latest && stored.time <= now;
    &events[..events.iter().position(young).unwrap_or(events.len())]
}
