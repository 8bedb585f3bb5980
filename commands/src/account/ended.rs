//! Sessions that a command ends: dead everywhere at once, before the read tables know of it.

use std::sync::{Mutex, PoisonError};

use cairn_domain::SessionId;
use cairn_domain::account::AccountEvent;

use crate::Drive;
use crate::ports::sessions::Ended;

/// The sessions that the last decision of a command ends. A command decides again after a conflict, so the last one is what came of it.
#[derive(Default)]
pub(super) struct Ending(Mutex<Vec<SessionId>>);

impl Ending {
    /// Passes the decision on.
    pub(super) fn note<R>(&self, decision: Result<Vec<AccountEvent>, R>) -> Result<Vec<AccountEvent>, R> {
        if let Ok(events) = &decision {
            let closed = events.iter().filter_map(|event| match event {
                AccountEvent::SessionClosed(closed) => Some(closed.session),
                _ => None,
            });
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = closed.collect();
        }
        decision
    }

    pub(super) fn sessions(self) -> Vec<SessionId> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drive {
    /// Says that these sessions have ended, which stands on the log already.
    pub(super) async fn end_sessions(&self, sessions: impl IntoIterator<Item = SessionId>) {
        let now = self.ports.clock.now();
        // No token works longer. One that was given out under a longer limit is in the read tables as ended long before this is over.
        let until = now.plus_seconds(self.limits.session_expires_seconds);
        let ended: Vec<Ended> = sessions.into_iter().map(|session| Ended { session, until }).collect();
        if !ended.is_empty() {
            self.ports.sessions.end(&ended, now).await;
        }
    }
}
