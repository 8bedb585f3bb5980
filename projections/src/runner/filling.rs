//! Filling one set of tables from the log, as fast as that goes.

use std::sync::Arc;

use cairn_domain::{Position, Timestamp};
use tokio_util::sync::CancellationToken;

use super::Failure;
use super::lane::Lane;
use super::pipeline::{self, BATCH_EVENTS, Prepared, Ready, Stretch};
use super::plan::Plan;
use super::rebuild::{Progress, RebuildError};
use super::state::{Group, State};
use crate::ports::{Batch, Source, Tables, TablesError};

/// Who is told how far it has come.
pub(super) type Report<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// What is filled, from what.
#[derive(Clone, Copy)]
pub(super) struct Filling<'a> {
    pub(super) plan: &'a Arc<Plan>,
    pub(super) source: &'a Arc<dyn Source>,
    pub(super) tables: &'a dyn Tables,
    pub(super) now: Timestamp,
    pub(super) report: Report<'a>,
    pub(super) stop: &'a CancellationToken,
}

impl Filling<'_> {
    /// Takes all projections from where they stand together to the end of the log.
    pub(super) async fn go_to_the_end(&self, state: &mut State) -> Result<(), RebuildError> {
        let all = Group { mask: self.plan.all(), at: state.reached(), until: None };
        self.go(state, all).await
    }

    /// Takes a group to where it is to come: to its end, or to the last event that is not behind `until`.
    pub(super) async fn go(&self, state: &mut State, group: Group) -> Result<(), RebuildError> {
        while !self.go_at_once(state, group).await? {}
        Ok(())
    }

    /// The same, until a batch is refused as a whole: that one is applied event by event, and the stages begin again after it.
    async fn go_at_once(&self, state: &mut State, group: Group) -> Result<bool, RebuildError> {
        let lane = self.lane();
        let at = state.reached_by(group.mask);
        let stretch = Stretch { mask: group.mask, after: at, until: group.until };
        let mut batches = pipeline::start(self.plan, self.source, stretch, state.streams.clone(), self.now);
        while let Some(ready) = batches.recv().await {
            if self.stop.is_cancelled() {
                return Err(RebuildError::Cancelled);
            }
            let Ready::Batch(Prepared { runs, park, span }) = ready? else { return Ok(true) };
            let moves = lane.moves(state, group.mask, span);
            match lane.apply_batch(state, group.mask, Batch { runs, moves, park, ..Batch::default() }).await {
                Err(Failure::Tables(TablesError::Rejected(_))) => {
                    let mut events = self.source.read_all(state.reached_by(group.mask), BATCH_EVENTS).await?;
                    events.retain(|event| stretch.reaches(event.position));
                    lane.isolate(state, group.mask, &events).await?;
                    return Ok(false);
                }
                done => done?,
            }
            self.tell(span.end, group.until).await?;
        }
        Err(RebuildError::StageLost)
    }

    async fn tell(&self, done: Position, until: Option<Position>) -> Result<(), RebuildError> {
        let head = match until {
            Some(until) => until,
            None => self.source.head().await?,
        };
        (self.report)(Progress { done, head });
        Ok(())
    }

    fn lane(&self) -> Lane<'_> {
        let Self { plan, source, tables, now, .. } = *self;
        Lane { plan, source: &**source, tables, now, batch_events_max: BATCH_EVENTS }
    }
}
