use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use cairn_commands::archive::Manifest;
use cairn_commands::ports::event_store::StoreError;
use cairn_commands::ports::intake::Intake;
use cairn_domain::{EventId, Position, StoredEvent};

use super::source::{Extent, Source};
use crate::wiring::Destination;

/// How often, and how long apart, a page is offered to a log that does not answer.
const TRIES_MAX: u32 = 5;
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// What an import has done.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Imported {
    /// What the export has.
    pub(in crate::cli) manifest: Manifest,
    /// Events that were not there before.
    pub(in crate::cli) taken: u64,
}

/// Refuses a log that holds anything but the beginning of an export, without touching it.
pub(in crate::cli) async fn check_target(destination: &Destination, file: &Path, extent: Extent) -> anyhow::Result<()> {
    if !destination.shows_at_once() {
        return Ok(());
    }
    let log = destination.intake();
    if log.held(Position::START, 1).await.context("the log can't be read")?.is_empty() {
        return Ok(());
    }
    let (mut after, mut source) = (Position::START, Source::open(file, extent));
    while let Some(page) = source.page().await {
        let Compared { goes_on, other, .. } = compare(&*log, after, &page).await?;
        if let Some(other) = other {
            return Err(other.into());
        }
        let Some(goes_on) = goes_on else { return Ok(()) };
        after = goes_on;
    }
    if !log.held(after, 1).await?.is_empty() {
        bail!("the log has more than what is put into it, it was used since: take an empty log");
    }
    Ok(())
}

/// Puts an export into a log that is empty, or holds the beginning of it. Of one that is not whole nothing is seen, but for what came through a
/// pipe, or was not checked before, into a log that shows it at once.
pub(in crate::cli) async fn import(destination: Destination, file: &Path, extent: Extent) -> anyhow::Result<Imported> {
    let (intake, shows_at_once) = (destination.intake(), destination.shows_at_once());
    let mut target = Target { intake, there: Some(Position::START), taken: 0, shows_at_once };
    let mut source = Source::open(file, extent);
    while let Some(page) = source.page().await {
        target.put(page).await?;
    }
    let manifest = source.end().await.with_context(|| target.of_no_end())?;
    target.end().await?;
    let taken = target.taken;
    drop(target);
    destination.finish().await?;
    Ok(Imported { manifest, taken })
}

/// The log that takes them.
struct Target {
    intake: Arc<dyn Intake>,
    /// How far what is in the log already has been compared; none when all of it has been.
    there: Option<Position>,
    taken: u64,
    shows_at_once: bool,
}

impl Target {
    async fn put(&mut self, mut page: Vec<StoredEvent>) -> anyhow::Result<()> {
        if let Some(after) = self.there {
            let Compared { there, last, goes_on, other } = compare(&*self.intake, after, &page).await?;
            if let Some(other) = other
                && !self.intake.forget_after(last).await?
            {
                return Err(other.into());
            }
            self.there = goes_on;
            page.drain(..there);
        }
        if page.is_empty() {
            return Ok(());
        }
        let events = page.len() as u64;
        self.take_in(page).await?;
        self.taken += events;
        Ok(())
    }

    /// Of an import that was interrupted, there may be more than this one has.
    async fn end(&self) -> anyhow::Result<()> {
        if let Some(last) = self.there {
            self.intake.forget_after(last).await?;
        }
        Ok(())
    }

    /// What is in the log already is passed over, so a page may be offered again.
    async fn take_in(&self, page: Vec<StoredEvent>) -> anyhow::Result<()> {
        let mut tries = 1;
        loop {
            match self.intake.take_in(page.clone()).await {
                Err(StoreError::Unavailable(error)) if tries < TRIES_MAX => {
                    tracing::warn!(%error, "the log did not answer; it is tried again");
                    tokio::time::sleep(BETWEEN_TRIES).await;
                    tries += 1;
                }
                taken => {
                    return taken
                        .with_context(|| format!("{} events were taken in; the same import goes on from there", self.taken));
                }
            }
        }
    }

    /// What has become of an export that is damaged, or has no end.
    fn of_no_end(&self) -> String {
        let so_far = if self.shows_at_once { "" } else { "nothing was imported yet; " };
        let taken = self.taken;
        format!("{so_far}{taken} events were taken in, and the import of a whole export of that log goes on from there")
    }
}

/// How much of a page a log has already.
struct Compared {
    there: usize,
    /// Where the last of that stands.
    last: Position,
    /// Behind which position the log may have more of the export; none when it parts from it, or ends, within the page.
    goes_on: Option<Position>,
    /// What it has instead of the next event.
    other: Option<SomethingElse>,
}

/// The log is not the beginning of the export.
#[derive(Debug, thiserror::Error)]
#[error(
    "the log holds something else: it has event {there} at position {at} where the export has event {id} (position {position}). \
     Import into an empty log"
)]
struct SomethingElse {
    there: EventId,
    at: Position,
    id: EventId,
    position: Position,
}

async fn compare(log: &dyn Intake, after: Position, page: &[StoredEvent]) -> anyhow::Result<Compared> {
    let held = log.held(after, page.len()).await?;
    let there = held.iter().zip(page).take_while(|(there, event)| is_same(there, event)).count();
    let last = there.checked_sub(1).map_or(after, |last| held[last].position);
    let other = held.get(there).zip(page.get(there)).map(|(other, event)| SomethingElse {
        there: other.id,
        at: other.position,
        id: event.id,
        position: event.position,
    });
    Ok(Compared { there, last, goes_on: (there == page.len()).then_some(last), other })
}

/// Positions are each log's own.
fn is_same(one: &StoredEvent, other: &StoredEvent) -> bool {
    let bare = |event: &StoredEvent| StoredEvent { position: Position::START, ..event.clone() };
    bare(one) == bare(other)
}
