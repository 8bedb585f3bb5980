use std::collections::HashSet;

use cairn_domain::{Position, StoredEvent, StreamName};

use super::plan::{Projected, WAITS, chain};
use super::state::State;
use super::{Failure, Runner};
use crate::ports::{Batch, Parked, TablesError};
use crate::statement::combine;

/// Parked events that are read at once.
const PAGE: usize = 100;

/// What became of the parked events of a projection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retried {
    /// Those that were applied.
    pub applied: u64,
    /// Those that are still parked.
    pub left: u64,
}

/// Why parked events were not tried again.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// There is no projection of that name.
    #[error("there is no projection named {0}")]
    UnknownProjection(String),
    /// The tables or the log did not answer; what was applied before stays applied.
    #[error("the parked events could not be tried again")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<Failure> for RetryError {
    fn from(failure: Failure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

impl Runner {
    /// Tries the parked events of a projection again, in the order of the log. Within a stream the first that fails again keeps the
    /// later ones waiting. Meanwhile nothing else is applied.
    pub async fn retry_parked(&self, projection: &str) -> Result<Retried, RetryError> {
        let all = self.0.plan.of(self.0.plan.all());
        let number = all.filter(|(_, known)| known.name() == projection).map(|(number, _)| number).next();
        let number = number.ok_or_else(|| RetryError::UnknownProjection(projection.to_owned()))?;
        let mut guard = self.0.state.lock().await;
        let mut state = match guard.take() {
            Some(state) => state,
            None => self.load().await?,
        };
        // Whoever else applies must look at the parked streams again.
        self.0.tables.take_over().await.map_err(Failure::from)?;
        let mut retry = Retry { runner: self, number, projection, failed: HashSet::new(), retried: Retried::default() };
        retry.all().await?;
        self.0.tables.step_down().await.map_err(Failure::from)?;
        state.streams[number] = retry.failed;
        state.parked[number] = retry.retried.left;
        self.report_alive(&state);
        *guard = Some(state);
        Ok(retry.retried)
    }
}

struct Retry<'a> {
    runner: &'a Runner,
    number: usize,
    projection: &'a str,
    failed: HashSet<StreamName>,
    retried: Retried,
}

impl Retry<'_> {
    async fn all(&mut self) -> Result<(), Failure> {
        let mut after = Position::START;
        loop {
            let page = self.runner.0.tables.parked(self.projection, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.position;
            for parked in page {
                self.one(parked).await?;
            }
        }
    }

    async fn one(&mut self, parked: Parked) -> Result<(), Failure> {
        let waits = self.failed.contains(&parked.stream);
        let outcome = if waits { Err(WAITS.to_owned()) } else { self.apply(&parked).await? };
        match outcome {
            Ok(()) => self.retried.applied += 1,
            Err(reason) => {
                self.retried.left += 1;
                self.failed.insert(parked.stream.clone());
                let park = vec![Parked { reason, ..parked }];
                self.runner.0.tables.apply(Batch { park, ..Batch::default() }).await?;
            }
        }
        Ok(())
    }

    /// The inner error says why the event can still not be applied.
    async fn apply(&self, parked: &Parked) -> Result<Result<(), String>, Failure> {
        let shared = &self.runner.0;
        let before = Position(parked.position.0.saturating_sub(1));
        let events = shared.source.read_all(before, 1).await?;
        let Some(event) = events.first().filter(|event| event.id == parked.event) else {
            return Ok(Err("the log has another event at this position".to_owned()));
        };
        let statements = match self.project(event) {
            Projected { park, .. } if !park.is_empty() => return Ok(Err(park.into_iter().map(|parked| parked.reason).collect())),
            Projected { statements, .. } => statements,
        };
        let release = vec![(self.projection.to_owned(), parked.position)];
        match shared.tables.apply(Batch { runs: combine(statements), release, ..Batch::default() }).await {
            Err(TablesError::Rejected(error)) => Ok(Err(chain(&*error))),
            done => Ok(Ok(done?)),
        }
    }

    fn project(&self, event: &StoredEvent) -> Projected {
        let plan = &self.runner.0.plan;
        plan.project(1 << self.number, std::slice::from_ref(event), &State::no_streams(plan), self.runner.0.now())
    }
}
