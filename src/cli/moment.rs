//! A place in the log, as somebody says it.

use std::str::FromStr;

use anyhow::{Context, bail};
use cairn_domain::{Position, Timestamp};
use cairn_projections::ports::Source;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Events that one read asks for.
const PAGE: usize = 1_000;

/// A place in the log. Times are those at which events were decided: neighbours may be out of order by as much as clocks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// A position.
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

impl Moment {
    /// The place of the last event that is not behind it; [`Position::START`] when all are. For a time the log is read to its end, because
    /// an event may stand behind one that was decided later.
    pub(super) async fn find(self, log: &dyn Source) -> anyhow::Result<Position> {
        let head = log.head().await?;
        match self {
            Self::At(position) if position > head => bail!("the log ends at {head}, there is no position {position} yet"),
            Self::At(position) => Ok(position),
            Self::Time(_, last) => last_until(log, last, head).await,
        }
    }
}

async fn last_until(log: &dyn Source, time: Timestamp, head: Position) -> anyhow::Result<Position> {
    let (mut found, mut after) = (Position::START, Position::START);
    while after < head {
        let page = log.read_all(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.position;
        let until = page.iter().rev().find(|event| event.time <= time);
        found = until.map_or(found, |event| event.position);
    }
    Ok(found)
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
