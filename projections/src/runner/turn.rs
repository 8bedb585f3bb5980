use cairn_domain::Timestamp;

use super::lane::Lane;
use super::state::State;
use super::{Failure, Runner, Shared};
use crate::ports::TablesError;

impl Runner {
    /// Takes all projections one batch further; false when there was nothing to apply.
    ///
    /// The state is taken out while it changes: a turn that is dropped half-way leaves none, and the next one reads it again.
    pub(super) async fn turn(&self) -> Result<bool, Failure> {
        let mut guard = self.0.state.lock().await;
        let mut state = match guard.take() {
            Some(state) => state,
            None => self.load().await?,
        };
        let outcome = self.0.lane().go_on(&mut state).await;
        self.publish(&state);
        if outcome.is_ok() {
            self.report_alive(&state);
        }
        if !matches!(outcome, Err(Failure::Tables(TablesError::Lost { .. }))) {
            *guard = Some(state);
        }
        outcome
    }

    pub(super) async fn load(&self) -> Result<State, Failure> {
        State::load(&self.0.plan, &*self.0.source, &*self.0.tables).await
    }
}

impl Shared {
    pub(super) fn lane(&self) -> Lane<'_> {
        Lane {
            plan: &self.plan,
            source: &*self.source,
            tables: &*self.tables,
            now: self.now(),
            batch_events_max: self.settings.batch_events_max,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.settings.now)()
    }
}
