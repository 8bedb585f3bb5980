use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use cairn_commands::archive::Manifest;
use cairn_commands::ports::event_store::{EventStore, StoreError};
use cairn_commands::ports::intake::Intake;
use cairn_domain::{Position, StoredEvent};
use cairn_infra::config::Config;

use super::source::Source;
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

/// Puts an export into a log that is empty, or holds the beginning of it. `total` is how many events are expected, for those who watch.
pub(in crate::cli) async fn import(
    log: &OpenLog,
    config: &Config,
    data: &DataDirectory,
    file: &Path,
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
    let mut source = Source::open(file);
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
            let there = self.log.read_all(after, page.len()).await?;
            for (there, event) in there.iter().zip(&page) {
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
            self.there = if there.len() < page.len() { None } else { there.last().map(|last| last.position) };
            page.drain(..there.len());
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

/// Positions are each log's own.
fn is_same(one: &StoredEvent, other: &StoredEvent) -> bool {
    let bare = |event: &StoredEvent| StoredEvent { position: Position::START, ..event.clone() };
    bare(one) == bare(other)
}
