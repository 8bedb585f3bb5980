use std::str::FromStr;

use anyhow::{Context, bail};
use cairn_commands::ports::event_store::EventStore;
use cairn_domain::{Position, StoredEvent, Timestamp};
use clap::Args;
use jiff::civil::Date;
use jiff::tz::TimeZone;

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

/// A place in the log. Times are those at which events were decided: neighbours may be out of order by as much as clocks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    At(Position),
    /// From the first to the last instant that the text stands for.
    Time(Timestamp, Timestamp),
}

impl FromStr for Moment {
    type Err = anyhow::Error;
    fn from_str(text: &str) -> anyhow::Result<Self> {
        if let Ok(position) = text.parse() {
            return Ok(Self::At(Position(position)));
        }
        if let Ok(time) = text.parse::<jiff::Timestamp>() {
            let time = Timestamp(time.as_microsecond());
            return Ok(Self::Time(time, time));
        }
        // A date alone: a time without its offset would be a day, too, to a parser that takes what it can.
        let Ok(day) = Date::strptime("%Y-%m-%d", text) else {
            bail!("it is neither a position, nor a time as 2026-11-30T12:00:00Z, nor a day as 2026-11-30")
        };
        let begins = |day: Date| anyhow::Ok(day.to_zoned(TimeZone::UTC)?.timestamp().as_microsecond());
        let last = begins(day.tomorrow().context("there is no day after it")?)? - 1;
        Ok(Self::Time(Timestamp(begins(day)?), Timestamp(last)))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Option<Moment> {
        text.parse().ok()
    }

    #[test]
    fn a_moment_is_a_position_a_time_or_a_day() {
        assert_eq!(moment("42"), Some(Moment::At(Position(42))));
        let second = Timestamp(1_000_000);
        assert_eq!(moment("1970-01-01T00:00:01Z"), Some(Moment::Time(second, second)));
        assert_eq!(moment("1970-01-01T01:00:01+01:00"), Some(Moment::Time(second, second)));
        assert_eq!(moment("1970-01-01"), Some(Moment::Time(Timestamp(0), Timestamp(86_400_000_000 - 1))));
        for nonsense in ["", "-1", "soon", "2026-13-01", "2026-11-30T25:00:00Z", "2026-11-30T12:00:00"] {
            assert_eq!(moment(nonsense), None, "{nonsense}");
        }
    }
}
