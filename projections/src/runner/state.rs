use std::collections::HashSet;

use cairn_domain::{EventId, Position};

use super::plan::{Mask, ParkedStreams, Plan};
use super::{Failure, Refused};
use crate::ports::{Checkpoint, Source, Tables};

/// Parked events that are read at once.
const PARKED_PAGE: usize = 1000;

/// Where the projections stand, as last seen or made in the tables.
pub(super) struct State {
    /// Per projection.
    pub(super) positions: Vec<Position>,
    pub(super) streams: ParkedStreams,
    /// How many events are parked, per projection.
    pub(super) parked: Vec<u64>,
    /// The id of the log's first event, once it has one.
    pub(super) log: Option<EventId>,
    /// Another process has the right to move a checkpoint.
    pub(super) held_elsewhere: bool,
    /// A checkpoint was moved from this state, so nobody else can have moved one since without being noticed.
    pub(super) moved: bool,
}

/// Projections that stand at one position and go on together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) mask: Mask,
    pub(super) at: Position,
    /// Where the next group ahead stands, which is waited for there.
    pub(super) until: Option<Position>,
}

impl State {
    /// Reads the checkpoints and checks that they belong to this log and this program.
    pub(super) async fn load(plan: &Plan, source: &dyn Source, tables: &dyn Tables) -> Result<Self, Failure> {
        // The checkpoints first: what others append and apply meanwhile must not make them look ahead of the log.
        let checkpoints = tables.checkpoints().await?;
        let log = source.read_all(Position::START, 1).await?.first().map(|event| event.id);
        let head = source.head().await?;
        let mut state =
            Self { positions: Vec::new(), streams: Vec::new(), parked: Vec::new(), log, held_elsewhere: false, moved: false };
        for projection in &plan.projections {
            let checkpoint = checkpoints.iter().find(|checkpoint| checkpoint.projection == projection.name());
            let checkpoint = checkpoint.ok_or(Refused::Unknown { projection: projection.name() })?;
            check(checkpoint, projection.name(), projection.version(), log, head)?;
            state.positions.push(checkpoint.position);
            state.held_elsewhere |= checkpoint.held_elsewhere;
            let (streams, parked) = parked_streams(tables, projection.name()).await?;
            state.streams.push(streams);
            state.parked.push(parked);
        }
        Ok(state)
    }

    /// Of tables that hold nothing yet.
    pub(super) fn empty(plan: &Plan) -> Self {
        Self {
            positions: vec![Position::START; plan.len()],
            streams: Self::no_streams(plan),
            parked: vec![0; plan.len()],
            log: None,
            held_elsewhere: false,
            moved: false,
        }
    }

    pub(super) fn no_streams(plan: &Plan) -> ParkedStreams {
        vec![HashSet::new(); plan.len()]
    }

    /// Those that stand together, the furthest ahead first.
    pub(super) fn groups(&self) -> Vec<Group> {
        let mut positions = self.positions.clone();
        positions.sort_unstable_by(|a, b| b.cmp(a));
        positions.dedup();
        let mut until = None;
        let mut groups = Vec::with_capacity(positions.len());
        for at in positions {
            let members = self.positions.iter().enumerate().filter(|(_, position)| **position == at);
            let mask = members.fold(0, |mask, (number, _)| mask | 1 << number);
            groups.push(Group { mask, at, until });
            until = Some(at);
        }
        groups
    }

    /// The position that all have reached.
    pub(super) fn reached(&self) -> Position {
        self.positions.iter().copied().min().unwrap_or_default()
    }
}

fn check(
    checkpoint: &Checkpoint,
    projection: &'static str,
    version: u32,
    log: Option<EventId>,
    head: Position,
) -> Result<(), Refused> {
    match checkpoint.version {
        stored if stored > version => return Err(Refused::Newer { projection, stored, version }),
        stored if stored < version => return Err(Refused::Stale { projection, stored, version }),
        _ => {}
    }
    if checkpoint.position > head {
        return Err(Refused::AheadOfLog { projection, position: checkpoint.position, head });
    }
    if checkpoint.position > Position::START && checkpoint.log != log {
        return Err(Refused::OtherLog { projection });
    }
    Ok(())
}

async fn parked_streams(tables: &dyn Tables, projection: &str) -> Result<(HashSet<cairn_domain::StreamName>, u64), Failure> {
    let mut streams = HashSet::new();
    let mut count = 0;
    let mut after = Position::START;
    loop {
        let page = tables.parked(projection, after, PARKED_PAGE).await?;
        let Some(last) = page.last() else { return Ok((streams, count)) };
        after = last.position;
        count += page.len() as u64;
        streams.extend(page.into_iter().map(|parked| parked.stream));
    }
}
