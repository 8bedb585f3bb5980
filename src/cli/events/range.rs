use cairn_commands::ports::event_store::EventStore;
use cairn_domain::{Position, StoredEvent};
use clap::Args;

use super::PAGE;
use crate::cli::moment::Moment;

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
    /// Hands each of its events after the position to `take`, oldest first, until that says that it is enough.
    pub(super) async fn each(
        self,
        log: &dyn EventStore,
        after: Position,
        mut take: impl FnMut(&StoredEvent) -> bool,
    ) -> anyhow::Result<()> {
        let mut after = self.first().max(after);
        loop {
            let page = log.read_all(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.position;
            for event in page.iter().filter(|event| self.has(event)) {
                if !take(event) {
                    return Ok(());
                }
            }
            if self.is_past(after) {
                return Ok(());
            }
        }
    }

    /// Where reading begins.
    fn first(self) -> Position {
        match self.from {
            Some(Moment::At(position)) => Position(position.0.saturating_sub(1)),
            _ => Position::START,
        }
    }

    fn has(self, event: &StoredEvent) -> bool {
        let begun = match self.from {
            None => true,
            Some(Moment::At(position)) => event.position >= position,
            Some(Moment::Time(first, _)) => event.time >= first,
        };
        let not_over = match self.until {
            None => true,
            Some(Moment::At(position)) => event.position <= position,
            Some(Moment::Time(_, last)) => event.time <= last,
        };
        begun && not_over
    }

    fn is_past(self, position: Position) -> bool {
        matches!(self.until, Some(Moment::At(last)) if position >= last)
    }
}
