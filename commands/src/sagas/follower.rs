use std::borrow::Cow;

use cairn_domain::{Position, StoredEvent, Timestamp};

use crate::ports::checkpoints::Checkpoints;
use crate::{Drive, Trouble};

/// Events that one read asks for.
const PAGE: usize = 1_000;

/// Reads the log from where a saga last left it.
pub(super) struct Follower<'a> {
    drive: &'a Drive,
    checkpoints: &'a dyn Checkpoints,
    saga: Cow<'static, str>,
    read: Position,
}

/// Some events that follow each other in the log.
pub(super) struct Page {
    pub(super) events: Vec<StoredEvent>,
    /// Whether the log ended behind them when it was read.
    pub(super) last: bool,
}

impl<'a> Follower<'a> {
    pub(super) async fn open(
        drive: &'a Drive,
        checkpoints: &'a dyn Checkpoints,
        saga: impl Into<Cow<'static, str>>,
    ) -> Result<Self, Trouble> {
        let saga = saga.into();
        let read = checkpoints.load(&saga).await.map_err(|error| Trouble::Unavailable(error.into()))?;
        Ok(Self { drive, checkpoints, saga, read })
    }

    pub(super) async fn page(&self) -> Result<Page, Trouble> {
        let events = self.drive.ports().log.read_all(self.read, PAGE).await?;
        Ok(Page { last: events.len() < PAGE, events })
    }

    /// Nothing of these, nor of what came before, has to be seen again.
    pub(super) async fn dealt_with(&mut self, events: &[StoredEvent]) -> Result<(), Trouble> {
        let Some(last) = events.last() else { return Ok(()) };
        self.read = last.position;
        self.checkpoints.save(&self.saga, self.read).await.map_err(|error| Trouble::Unavailable(error.into()))
    }
}

/// The first events of a page, up to one of these names that is too young. What a clock that was wrong says to be of the future keeps nothing
/// waiting.
pub(super) fn due<'a>(events: &'a [StoredEvent], names: &[&str], latest: Timestamp, now: Timestamp) -> &'a [StoredEvent] {
    let young = |stored: &StoredEvent| names.contains(&stored.name.as_str()) && stored.time > latest && stored.time <= now;
    &events[..events.iter().position(young).unwrap_or(events.len())]
}
