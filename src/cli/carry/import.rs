use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use cairn_commands::archive::Manifest;
use cairn_commands::ports::event_store::{EventStore, StoreError};
use cairn_commands::ports::intake::Intake;
use cairn_domain::{Position, StoredEvent};
use cairn_infra::config::Config;

use super::source::{Extent, Source};
use crate::cli::progress::events_bar;
use crate::data::DataDirectory;
use crate::wiring::{OpenDigests, OpenLog, open_digests};

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
pub(in crate::cli) async fn check_target(log: &dyn EventStore, file: &Path, extent: Extent) -> anyhow::Result<()> {
    if log.head().await.context("the log can't be read")? == Position::START {
        return Ok(());
    }
    let (mut after, mut source) = (Position::START, Source::open(file, extent));
    while let Some(page) = source.page().await {
        let Some(goes_on) = compare(log, after, &page).await?.goes_on else { return Ok(()) };
        after = goes_on;
    }
    if !log.read_all(after, 1).await?.is_empty() {
        bail!("the log has more than what is put into it, it was used since: take an empty log");
    }
    Ok(())
}

/// Puts an export into a log that is empty, or holds the beginning of it. `total` is how many events are expected, for those who watch.
pub(in crate::cli) async fn import(
    log: &OpenLog,
    config: &Config,
    data: &DataDirectory,
    file: &Path,
    extent: Extent,
    total: u64,
) -> anyhow::Result<Imported> {
    if log.store.head().await? == Position::START {
        // Whatever was here before is here no more.
        let OpenDigests { digests, closing } = open_digests(config, data).await?;
        digests.clear().await?;
        closing.close().await;
    }
    let bar = events_bar(total);
    let mut target = Target { log: log.store.clone(), intake: log.intake.clone(), there: Some(Position::START), taken: 0 };
    let mut source = Source::open(file, extent);
    while let Some(page) = source.page().await {
        let events = page.len() as u64;
        target.put(page).await?;
        bar.inc(events);
    }
    bar.finish_and_clear();
    let manifest = source.end().await.with_context(|| target.so_far())?;
    Ok(Imported { manifest, taken: target.taken })
}

/// The log that takes them.
struct Target {
    log: Arc<dyn EventStore>,
    intake: Arc<dyn Intake>,
    /// How far what is in the log already has been compared; none when all of it has been.
    there: Option<Position>,
    taken: u64,
}

impl Target {
    async fn put(&mut self, mut page: Vec<StoredEvent>) -> anyhow::Result<()> {
        if let Some(after) = self.there {
            let compared = compare(&*self.log, after, &page).await?;
            self.there = compared.goes_on;
            page.drain(..compared.there);
        }
        let events = page.len() as u64;
        self.take_in(page).await?;
        self.taken += events;
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
                taken => return taken.with_context(|| self.so_far()),
            }
        }
    }

    fn so_far(&self) -> String {
        format!("{} events were imported; the same import goes on from there", self.taken)
    }
}

/// How much of a page a log has already.
struct Compared {
    there: usize,
    /// Behind which position the log may have more of the export; none when it ends within the page.
    goes_on: Option<Position>,
}

async fn compare(log: &dyn EventStore, after: Position, page: &[StoredEvent]) -> anyhow::Result<Compared> {
    let there = log.read_all(after, page.len()).await?;
    for (there, event) in there.iter().zip(page) {
        if !is_same(there, event) {
            let StoredEvent { position, id, .. } = event;
            bail!(
                "the log holds something else: it has event {} at position {} where the export has event {id} (position {position}). \
                 Import into an empty log",
                there.id,
                there.position
            );
        }
    }
    let goes_on = if there.len() < page.len() { None } else { there.last().map(|last| last.position) };
    Ok(Compared { there: there.len(), goes_on })
}

/// Positions are each log's own.
fn is_same(one: &StoredEvent, other: &StoredEvent) -> bool {
    let bare = |event: &StoredEvent| StoredEvent { position: Position::START, ..event.clone() };
    bare(one) == bare(other)
}
