use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use cairn_domain::{Position, Timestamp};
use tokio::sync::watch;
use tokio::time::Instant;

use super::plan::chain;
use super::stand_by::{Waiter, Waiting};
use super::state::State;
use super::{CatchUpError, Runner};
use crate::bookkeeping;
use crate::ports::ReadTables;

/// How far the rows of one projection have come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectionStatus {
    /// Which.
    pub name: String,
    /// The program's version of it.
    pub version: u32,
    /// The version that made the rows; none when the tables know nothing of it.
    pub stored_version: Option<u32>,
    /// The last event in the rows.
    pub position: Position,
    /// Events between it and the end of the log, in a log without gaps.
    pub lag: u64,
    /// Events that are parked, at most [`PARKED_COUNT_MAX`] of them counted.
    pub parked: u64,
    /// When the position last moved.
    pub updated_at: Timestamp,
    /// Whether somebody has told it to stand still.
    pub paused: bool,
}

/// Parked events that a status counts.
pub const PARKED_COUNT_MAX: usize = 10_000;

/// Whether the runner works. Lag alone would read 0 when nobody looks at the log any more.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunnerHealth {
    /// When it last came to the end of a turn.
    pub alive_at: Option<Timestamp>,
    /// Why the last turn failed; none when it did not.
    pub failing: Option<String>,
}

/// How often whoever waits for a position asks the tables for a sign of life, and how long they may give none.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const SILENCE_MAX: Duration = Duration::from_secs(2);

/// The position that all projections have reached, to be waited for.
#[derive(Clone)]
pub struct ReachedPosition {
    receiver: watch::Receiver<Position>,
    waiting: Arc<Waiting>,
}

impl ReachedPosition {
    /// Now.
    pub fn now(&self) -> Position {
        *self.receiver.borrow()
    }

    /// Waits until it is at least this one; false when it is not within the time.
    pub async fn reaches(&self, position: Position, within: Duration) -> bool {
        if self.now() >= position {
            return true;
        }
        if self.waiting.in_vain.load(Ordering::Relaxed) {
            return false;
        }
        let _waiter = Waiter::new(&self.waiting);
        let mut receiver = self.receiver.clone();
        let waited = tokio::time::timeout(within, receiver.wait_for(|reached| *reached >= position)).await;
        matches!(waited, Ok(Ok(_)))
    }

    /// The same, where the tables may be away: nobody waits any longer when they do not answer.
    pub async fn shows(&self, tables: &dyn ReadTables, position: Position, within: Duration) -> bool {
        tokio::select! {
            biased;
            reached = self.reaches(position, within) => reached,
            () = until_away(tables) => false,
        }
    }
}

/// Ends when the tables have given no sign of life for too long. A question to tables that are away fails by itself, in time.
async fn until_away(tables: &dyn ReadTables) {
    let mut seen = Instant::now();
    while seen.elapsed() < SILENCE_MAX {
        tokio::time::sleep(LOOK_EVERY).await;
        if tables.rows(bookkeeping::checkpoints(tables.dialect())).await.is_ok() {
            seen = Instant::now();
        }
    }
}

impl Runner {
    /// What all projections have reached.
    pub fn reached(&self) -> ReachedPosition {
        ReachedPosition { receiver: self.0.reached.subscribe(), waiting: Arc::clone(&self.0.waiting) }
    }

    /// Whether it works.
    pub fn health(&self) -> RunnerHealth {
        self.0.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How far each projection has come, as the tables and the log say now; also when the runner does not run.
    pub async fn status(&self) -> Result<Vec<ProjectionStatus>, CatchUpError> {
        let head = self.head().await?;
        let checkpoints = self.0.tables.checkpoints().await.map_err(super::Failure::from)?;
        let mut all = Vec::new();
        for projection in &self.0.plan.projections {
            let checkpoint = checkpoints.iter().find(|checkpoint| checkpoint.projection == projection.name());
            let parked = self.0.tables.parked(projection.name(), Position::START, PARKED_COUNT_MAX).await;
            let position = checkpoint.map(|checkpoint| checkpoint.position).unwrap_or_default();
            all.push(ProjectionStatus {
                name: projection.name().to_owned(),
                version: projection.version(),
                stored_version: checkpoint.map(|checkpoint| checkpoint.version),
                position,
                lag: head.0.saturating_sub(position.0),
                parked: parked.map_err(super::Failure::from)?.len() as u64,
                updated_at: checkpoint.map(|checkpoint| checkpoint.updated_at).unwrap_or_default(),
                paused: checkpoint.is_some_and(|checkpoint| checkpoint.paused),
            });
        }
        Ok(all)
    }

    pub(super) fn publish(&self, state: &State) {
        self.0.waiting.in_vain.store(state.paused != 0, Ordering::Relaxed);
        self.0.reached.send_replace(state.reached());
    }

    pub(super) fn report_alive(&self, state: &State) {
        let now = self.0.now();
        let before = self.set_health(RunnerHealth { alive_at: Some(now), failing: None });
        if before.failing.is_some() {
            tracing::info!("the projections go on");
        }
        let head = *self.0.source.growth().borrow();
        for (number, projection) in self.0.plan.of(self.0.plan.all()) {
            let position = state.positions[number];
            let gauge = |name: &'static str, value: f64| metrics::gauge!(name, "projection" => projection.name()).set(value);
            gauge("cairn_projection_position", float(position.0));
            gauge("cairn_projection_lag_events", float(head.0.saturating_sub(position.0)));
            gauge("cairn_projection_alive_timestamp_seconds", float(u64::try_from(now.seconds()).unwrap_or_default()));
            gauge("cairn_projection_parked", float(state.parked[number]));
        }
    }

    pub(super) fn report_failure(&self, failure: &dyn std::error::Error) {
        let reason = chain(failure);
        let alive_at = self.health().alive_at;
        let before = self.set_health(RunnerHealth { alive_at, failing: Some(reason.clone()) });
        if before.failing.as_ref() != Some(&reason) {
            tracing::warn!(reason, "the projections do not come further; it is tried again");
        }
    }

    fn set_health(&self, health: RunnerHealth) -> RunnerHealth {
        std::mem::replace(&mut *self.0.health.lock().unwrap_or_else(PoisonError::into_inner), health)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a double; positions are exact in it up to 2^53")]
fn float(number: u64) -> f64 {
    number as f64
}
