//! Where in the log a moment is.

use anyhow::bail;
use cairn_commands::chosen::Moment;
use cairn_domain::{Position, Timestamp};
use cairn_projections::ports::Source;

/// Events that one read asks for.
const PAGE: usize = 1_000;

/// The place of the last event that is not behind a moment; [`Position::START`] when all are. For a time the log is read to its end, because
/// an event may stand behind one that was decided later.
pub(super) async fn place_of(moment: Moment, log: &dyn Source) -> anyhow::Result<Position> {
    let head = log.head().await?;
    match moment {
        Moment::At(position) if position > head => bail!("the log ends at {head}, there is no position {position} yet"),
        Moment::At(position) => Ok(position),
        Moment::Time(_, last) => last_until(log, last, head).await,
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
