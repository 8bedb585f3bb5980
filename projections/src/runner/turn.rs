use cairn_domain::Timestamp;

use super::lane::Lane;
use super::state::State;
use super::{Failure, Runner, Shared};
use crate::ports::TablesError;

/// What a turn came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Something was applied; there may be more.
    Applied,
    /// There was nothing to apply.
    Idle,
    /// Another process applies.
    StoodBy,
}

impl Runner {
    /// Takes all projections one batch further, unless another process does.
    ///
    /// The state is taken out while it changes: a turn that is dropped half-way leaves none, and the next one reads it again.
    pub(super) async fn turn(&self) -> Result<Turn, Failure> {
        let mut guard = self.0.state.lock().await;
        let mut state = match guard.take() {
            Some(state) => state,
            None => self.load().await?,
        };
        if state.held_elsewhere {
            self.publish(&state);
            self.report_alive(&state);
            return Ok(Turn::StoodBy);
        }
        let outcome = self.0.lane().go_on(&mut state).await;
        self.publish(&state);
        match outcome {
            Ok(applied) => {
                self.report_alive(&state);
                // Another process may let a projection go on: that is seen when it is looked for.
                let look_again = !applied && state.paused != 0 && self.0.settings.shared;
                *guard = (!look_again).then_some(state);
                Ok(if applied { Turn::Applied } else { Turn::Idle })
            }
            // Somebody else was faster: what he has done is seen the next time.
            Err(Failure::Tables(TablesError::Lost { .. })) if self.0.settings.shared => Ok(Turn::StoodBy),
            Err(failure) => {
                if !matches!(failure, Failure::Tables(TablesError::Lost { .. })) {
                    *guard = Some(state);
                }
                Err(failure)
            }
        }
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
