//! What an operator does with whole sets of tables: putting them in place, taking that back, letting projections stand still. And what the
//! program does of itself when its own version of a projection has changed.

use cairn_domain::Position;
use tokio_util::sync::CancellationToken;

use super::belonging::{Landmarks, Refused};
use super::filling::Report;
use super::rebuild::{Begin, RebuildError, Rebuilt, Wish};
use super::{Failure, Runner};
use crate::ports::{SourceError, TablesError};

/// Why it was not done. Where the tables do not answer, it may be done in part: the same again does the rest, or tells.
#[derive(Debug, thiserror::Error)]
pub enum SteerError {
    /// There is no projection of that name.
    #[error("there is no projection named {0}")]
    UnknownProjection(String),
    /// Nothing was promoted before, or what was replaced has gone.
    #[error("there are no tables from before a rebuild")]
    NothingBefore,
    /// The tables before do not belong to this log or this program.
    #[error("the tables from before the rebuild can't be put back")]
    Refused(#[source] Refused),
    /// A rebuild is under way.
    #[error("a rebuild is under way")]
    Busy,
    /// The tables did not answer.
    #[error(transparent)]
    Tables(#[from] TablesError),
    /// The log could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl From<Failure> for SteerError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Source(error) => Self::Source(error),
            Failure::Tables(error) => Self::Tables(error),
            Failure::Refused(refused) => Self::Refused(refused),
        }
    }
}

impl Runner {
    /// Brings the tables of a rebuild that was held, or stopped, to the end of the log and puts them in the place of the live ones.
    pub async fn promote(&self, report: Report<'_>, stop: &CancellationToken) -> Result<Rebuilt, RebuildError> {
        self.rebuild_as(None, Wish { begin: Begin::Kept, promote: true }, report, stop).await
    }

    /// Puts back the tables that the last promotion has replaced, and brings them to the end of the log; those in place now are the ones before
    /// then. Returns from where they had to be brought.
    pub async fn roll_back(&self) -> Result<Position, SteerError> {
        let _no_rebuild = self.0.rebuilding.try_lock().map_err(|_| SteerError::Busy)?;
        let before = self.0.tables.before().await?;
        if before.is_empty() {
            return Err(SteerError::NothingBefore);
        }
        let landmarks = Landmarks::of(&*self.0.source, &before).await?;
        let mut stood_at = landmarks.head;
        for projection in &self.0.plan.projections {
            let checkpoint = before.iter().find(|checkpoint| checkpoint.projection == projection.name());
            stood_at = stood_at.min(landmarks.judge(&**projection, checkpoint).map_err(SteerError::Refused)?);
        }
        // Nobody applies anything from here on: what is read after the exchange is what is there.
        let mut guard = self.0.state.lock().await;
        self.0.tables.take_over().await?;
        *guard = None;
        self.0.tables.roll_back().await?;
        // Whoever applied to these tables last may still have the right to.
        self.0.tables.take_over().await?;
        let mut state = self.load().await?;
        while self.0.lane().go_on(&mut state).await? {}
        self.0.tables.step_down().await?;
        self.publish(&state);
        *guard = Some(state);
        Ok(stood_at)
    }

    /// Lets a projection stand still, or all of them, until it is told to go on or its tables are made anew. Its rows are asked as before, and
    /// nobody waits for what is not in them.
    pub async fn pause(&self, projection: Option<&str>) -> Result<(), SteerError> {
        self.set_paused(projection, true).await
    }

    /// Lets it go on from where it stands.
    pub async fn resume(&self, projection: Option<&str>) -> Result<(), SteerError> {
        self.set_paused(projection, false).await
    }

    async fn set_paused(&self, projection: Option<&str>, paused: bool) -> Result<(), SteerError> {
        let all = self.0.plan.projections.iter().map(|projection| projection.name());
        let names: Vec<_> = all.filter(|name| projection.is_none_or(|wanted| wanted == *name)).collect();
        if names.is_empty() {
            return Err(SteerError::UnknownProjection(projection.unwrap_or_default().to_owned()));
        }
        let mut guard = self.0.state.lock().await;
        *guard = None;
        for name in names {
            self.0.tables.pause(name, paused).await?;
        }
        drop(guard);
        // Whoever waits for the next event need not wait for it to see this.
        self.0.wake.notify_one();
        Ok(())
    }

    /// Whether an earlier version of the program has made some of the rows, which serve as long as they are not made anew.
    pub async fn is_outdated(&self) -> Result<bool, SteerError> {
        Ok(self.load().await?.is_outdated(&self.0.plan))
    }

    /// Makes outdated rows anew, beside those that are asked meanwhile, and tries again until that has succeeded, here or elsewhere.
    pub async fn renew(&self, report: Report<'_>, stop: &CancellationToken) {
        let mut wait = self.0.settings.retry_wait_min;
        while !stop.is_cancelled() {
            let failure: Box<dyn std::error::Error + Send> = match self.is_outdated().await {
                Ok(false) => return,
                Ok(true) => {
                    let wish = Wish { begin: Begin::GoOn, promote: true };
                    match self.rebuild_as(None, wish, report, stop).await {
                        Ok(_) => return,
                        Err(RebuildError::Cancelled) => return,
                        Err(error) => Box::new(error),
                    }
                }
                Err(error) => Box::new(error),
            };
            tracing::warn!(error = &*failure as &dyn std::error::Error, "the rows are not made anew yet; it is tried again");
            stop.run_until_cancelled(tokio::time::sleep(wait)).await;
            wait = (wait * 2).min(self.0.settings.retry_wait_max);
        }
    }
}
