use std::collections::HashSet;

use cairn_domain::{EventId, Position};

use super::plan::{Mask, ParkedStreams, Plan};
use super::{Failure, Landmarks};
use crate::ports::{Source, Tables};

/// Parked events that are read at once.
const PARKED_PAGE: usize = 1000;

/// Where the projections stand, as last seen or made in the tables.
pub(super) struct State {
    /// Per projection.
    pub(super) positions: Vec<Position>,
    pub(super) streams: ParkedStreams,
    /// How many events are parked, per projection.
    pub(super) parked: Vec<u64>,
    /// The version of the rows, per projection: that of the program, or an earlier one that serves meanwhile.
    pub(super) versions: Vec<u32>,
    /// Those that stand still because somebody has told them to.
    pub(super) paused: Mask,
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
        let checkpoints = tables.checkpoints().await?;
        let landmarks = Landmarks::of(source, &checkpoints).await?;
        let log = landmarks.first;
        let mut state = Self {
            positions: Vec::new(),
            streams: Vec::new(),
            parked: Vec::new(),
            versions: Vec::new(),
            paused: 0,
            log,
            held_elsewhere: false,
            moved: false,
        };
        for (number, projection) in plan.projections.iter().enumerate() {
            let checkpoint = checkpoints.iter().find(|checkpoint| checkpoint.projection == projection.name());
            state.positions.push(landmarks.judge_serving(&**projection, checkpoint)?);
            state.versions.push(checkpoint.map_or(projection.version(), |checkpoint| checkpoint.version));
            state.held_elsewhere |= checkpoint.is_some_and(|checkpoint| checkpoint.held_elsewhere);
            state.paused |= Mask::from(checkpoint.is_some_and(|checkpoint| checkpoint.paused)) << number;
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
            versions: plan.projections.iter().map(|projection| projection.version()).collect(),
            paused: 0,
            log: None,
            held_elsewhere: false,
            moved: false,
        }
    }

    pub(super) fn no_streams(plan: &Plan) -> ParkedStreams {
        vec![HashSet::new(); plan.len()]
    }

    /// Whether other code has made some of the rows, which serve until they are made anew.
    pub(super) fn is_outdated(&self, plan: &Plan) -> bool {
        plan.projections.iter().zip(&self.versions).any(|(projection, version)| projection.version() != *version)
    }

    fn going(&self) -> impl Iterator<Item = (usize, Position)> {
        let all = self.positions.iter().copied().enumerate();
        all.filter(|(number, _)| self.paused & (1 << number) == 0)
    }

    /// Those that stand together and may go on, the furthest ahead first.
    pub(super) fn groups(&self) -> Vec<Group> {
        let mut positions: Vec<_> = self.going().map(|(_, position)| position).collect();
        positions.sort_unstable_by(|a, b| b.cmp(a));
        positions.dedup();
        let mut until = None;
        let mut groups = Vec::with_capacity(positions.len());
        for at in positions {
            let members = self.going().filter(|(_, position)| *position == at);
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

    /// The position that all of some have reached.
    pub(super) fn reached_by(&self, mask: Mask) -> Position {
        let of_them = self.positions.iter().enumerate().filter(|(number, _)| mask & (1 << number) != 0);
        of_them.map(|(_, position)| *position).min().unwrap_or_default()
    }
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
