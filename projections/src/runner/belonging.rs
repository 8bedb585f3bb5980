//! Whether tables and log belong together.

use std::collections::HashMap;
use std::sync::Arc;

use cairn_domain::{EventId, Position};

use crate::ports::{Checkpoint, Source, SourceError};
use crate::projection::Projection;

/// The tables and the log do not belong together: going on would skip events or apply them twice. A rebuild puts it right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The tables know nothing of the projection.
    #[error("the read tables hold no checkpoint of {projection}: rebuild the projections")]
    Unknown {
        /// Which.
        projection: &'static str,
    },
    /// Other code made the rows.
    #[error("the rows of {projection} have version {stored}, the program has {version}: rebuild the projections")]
    Stale {
        /// Which.
        projection: &'static str,
        /// The rows' version.
        stored: u32,
        /// The program's version.
        version: u32,
    },
    /// A newer program made the rows.
    #[error(
        "the rows of {projection} have version {stored}, the program has only {version}: run the newer program, or rebuild the projections"
    )]
    Newer {
        /// Which.
        projection: &'static str,
        /// The rows' version.
        stored: u32,
        /// The program's version.
        version: u32,
    },
    /// The log is shorter than it was: it was restored from an older backup, or is another one.
    #[error("{projection} is at {position}, but the log ends at {head}: rebuild the projections")]
    AheadOfLog {
        /// Which.
        projection: &'static str,
        /// Where it stands.
        position: Position,
        /// Where the log ends.
        head: Position,
    },
    /// The rows come from another log.
    #[error("the rows of {projection} come from another log: rebuild the projections")]
    OtherLog {
        /// Which.
        projection: &'static str,
    },
    /// The log has another event where the rows end: it parted from the one from which they come, or the checkpoint was moved.
    #[error("the log has another event at {position} than the last one in the rows of {projection}: rebuild the projections")]
    OtherEvent {
        /// Which.
        projection: &'static str,
        /// Where it stands.
        position: Position,
    },
}

/// The projections whose rows come from an earlier version that they can go on with.
pub fn serving<'a>(
    checkpoints: &'a [Checkpoint],
    projections: &'a [Arc<dyn Projection>],
) -> impl Iterator<Item = &'a Arc<dyn Projection>> {
    let serves = |projection: &&Arc<dyn Projection>| {
        let known = checkpoints.iter().find(|known| known.projection == projection.name());
        known.is_some_and(|known| known.version < projection.version() && projection.serves(known.version))
    };
    projections.iter().filter(serves)
}

/// What of a log tells whether checkpoints are its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landmarks {
    /// The id of its first event, which tells it from other logs; none when it is empty.
    pub first: Option<EventId>,
    /// The position of its last event.
    pub head: Position,
    /// The events at the checkpoints.
    at: HashMap<Position, EventId>,
}

impl Landmarks {
    /// Those of this log, now, that matter to these checkpoints, which are to be read before: what others append and apply meanwhile must not
    /// make them look ahead of the log.
    pub async fn of(source: &dyn Source, checkpoints: &[Checkpoint]) -> Result<Self, SourceError> {
        let mut at = HashMap::new();
        for position in checkpoints.iter().map(|checkpoint| checkpoint.position) {
            if let Some(before) = position.0.checked_sub(1)
                && !at.contains_key(&position)
                && let Some(event) = source.read_all(Position(before), 1).await?.first()
                && event.position == position
            {
                at.insert(position, event.id);
            }
        }
        let first = source.read_all(Position::START, 1).await?.first().map(|event| event.id);
        Ok(Self { first, head: source.head().await?, at })
    }

    /// As [`judge`](Self::judge), but rows of an earlier version are as good as its own where the projection can
    /// [go on with them](Projection::serves).
    pub(super) fn judge_serving(&self, projection: &dyn Projection, checkpoint: Option<&Checkpoint>) -> Result<Position, Refused> {
        let serves = |known: &&Checkpoint| known.version < projection.version() && projection.serves(known.version);
        let as_own = |known: &Checkpoint| Checkpoint { version: projection.version(), ..known.clone() };
        match checkpoint.filter(serves).map(as_own) {
            Some(served) => self.judge(projection, Some(&served)),
            None => self.judge(projection, checkpoint),
        }
    }

    /// Where the rows of a projection stand, if they come from this log and from this program.
    pub fn judge(&self, projection: &dyn Projection, checkpoint: Option<&Checkpoint>) -> Result<Position, Refused> {
        let (projection, version) = (projection.name(), projection.version());
        let checkpoint = checkpoint.ok_or(Refused::Unknown { projection })?;
        match checkpoint.version {
            stored if stored > version => return Err(Refused::Newer { projection, stored, version }),
            stored if stored < version => return Err(Refused::Stale { projection, stored, version }),
            _ => {}
        }
        if checkpoint.position > self.head {
            return Err(Refused::AheadOfLog { projection, position: checkpoint.position, head: self.head });
        }
        if checkpoint.position > Position::START && checkpoint.log != self.first {
            return Err(Refused::OtherLog { projection });
        }
        if checkpoint.event.is_some_and(|event| self.at.get(&checkpoint.position) != Some(&event)) {
            return Err(Refused::OtherEvent { projection, position: checkpoint.position });
        }
        Ok(checkpoint.position)
    }
}
