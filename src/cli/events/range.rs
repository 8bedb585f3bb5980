use cairn_commands::chosen::{Moment, Stretch, Wanted};
use cairn_commands::ports::event_store::EventStore;
use cairn_domain::{Position, StoredEvent};
use clap::Args;

use super::PAGE;

/// A part of the log.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Range {
    /// Only events from here on: a position, a time (2026-11-30T12:00:00Z) or a day (UTC).
    #[arg(long, value_name = "POSITION|TIME")]
    from: Option<Moment>,
    /// Only events up to here, itself included: a position, a time or a day.
    #[arg(long, value_name = "POSITION|TIME")]
    until: Option<Moment>,
}

impl Range {
    /// Hands each of its events that is wanted and after the position to `take`, oldest first, until that says that it is enough.
    pub(super) async fn each(
        self,
        log: &dyn EventStore,
        wanted: &Wanted,
        after: Position,
        mut take: impl FnMut(&StoredEvent) -> bool,
    ) -> anyhow::Result<()> {
        let stretch = Stretch { from: self.from, until: self.until };
        let mut after = stretch.begins_after().max(after);
        loop {
            let page = wanted.next(log, after, PAGE).await?;
            after = page.reached;
            for event in page.events.iter().filter(|event| stretch.has(event) && wanted.has(event)) {
                if !take(event) {
                    return Ok(());
                }
            }
            if page.last || stretch.is_over(after) {
                return Ok(());
            }
        }
    }
}
