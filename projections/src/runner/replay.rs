use std::sync::Arc;

use cairn_domain::{Position, Timestamp};
use tokio_util::sync::CancellationToken;

use super::filling::{Filling, Report};
use super::plan::Plan;
use super::rebuild::{RebuildError, Rebuilt};
use super::state::{Group, State};
use crate::ports::{ReadTables, ReplayTables, Source};
use crate::projection::Projection;

/// Tables as they were at a place in the log, and then at later ones.
///
/// What is in its hands is the log, which it can only read, and tables of its own, which it can only fill: a replay has no effect, because
/// there is nothing by which it could have one.
pub struct Replay<'a> {
    pub(super) plan: Arc<Plan>,
    pub(super) source: Arc<dyn Source>,
    tables: &'a dyn ReplayTables,
    now: Timestamp,
    state: State,
}

impl<'a> Replay<'a> {
    /// One that stands before the first event. The tables are new ones of these projections; `now` stands in the rows of bookkeeping.
    pub fn new(
        projections: Vec<Arc<dyn Projection>>,
        source: Arc<dyn Source>,
        tables: &'a dyn ReplayTables,
        now: Timestamp,
    ) -> Self {
        let plan = Arc::new(Plan::new(projections));
        let state = State::empty(&plan);
        Self { plan, source, tables, now, state }
    }

    /// Takes the rows to what they were behind the last event that is not behind `until`. There is no way back: for a place before the
    /// one that was reached nothing is done.
    pub async fn go_to(&mut self, until: Position, report: Report<'_>, stop: &CancellationToken) -> Result<Rebuilt, RebuildError> {
        self.go_each(&vec![until; self.plan.len()], report, stop).await?;
        Ok(Rebuilt::of(&self.state, false))
    }

    /// Makes the indexes, without which nobody should ask. What is replayed afterwards keeps them up, and takes longer.
    pub async fn index(&self) -> Result<(), RebuildError> {
        Ok(self.tables.index().await?)
    }

    /// The rows.
    pub fn tables(&self) -> &'a dyn ReadTables {
        self.tables
    }

    /// Where each projection stands.
    pub(super) fn positions(&self) -> &[Position] {
        &self.state.positions
    }

    /// The same with a place for each projection.
    pub(super) async fn go_each(
        &mut self,
        until: &[Position],
        report: Report<'_>,
        stop: &CancellationToken,
    ) -> Result<(), RebuildError> {
        let (plan, source) = (&self.plan, &self.source);
        let filling = Filling { plan, source, tables: self.tables, now: self.now, report, stop };
        for group in groups(&self.state.positions, until) {
            filling.go(&mut self.state, group).await?;
        }
        Ok(())
    }
}

/// Those that stand together and go to the same place.
fn groups(positions: &[Position], until: &[Position]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (number, (at, until)) in positions.iter().zip(until).enumerate() {
        let mask = 1 << number;
        match groups.iter_mut().find(|group| (group.at, group.until) == (*at, Some(*until))) {
            Some(group) => group.mask |= mask,
            None => groups.push(Group { mask, at: *at, until: Some(*until) }),
        }
    }
    groups
}
