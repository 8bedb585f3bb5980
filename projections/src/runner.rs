//! Follows the log and keeps the tables up with it.
//!
//! One reader drives all projections that stand at the same checkpoint, in one transaction; one that is behind (a new one) catches up
//! beside them until it stands with them. What fails for a reason that may pass is tried again for ever, and reported; an event that can't be
//! projected is parked with every later event of its stream, and shown. Nothing is skipped.

mod belonging;
mod lane;
mod plan;
mod state;
mod turn;

mod filling;
mod pipeline;
mod rebuild;
mod replay;
mod verify;

mod report;
mod retry;
mod stand_by;
mod steering;

use std::sync::Arc;
use std::time::Duration;

use cairn_domain::{Position, Timestamp};
use tokio::sync::{Mutex, Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::ports::{Source, SourceError, TablesError, Workshop};
use crate::projection::Projection;

pub use belonging::{Landmarks, Refused, serving};
pub use rebuild::{Begin, Progress, RebuildError, Rebuilt, Wish};
pub use replay::Replay;
pub use report::{PARKED_COUNT_MAX, ProjectionStatus, ReachedPosition, RunnerHealth};
pub use retry::{Retried, RetryError};
pub use steering::SteerError;
pub use verify::{Difference, Verification, Verified, VerifyError};

use self::plan::Plan;
use self::stand_by::Waiting;
use self::state::State;
use self::turn::Turn;

#[cfg(test)]
mod tests;

/// Drives the projections. Cheap to clone; all clones are one runner.
#[derive(Clone)]
pub struct Runner(Arc<Shared>);

struct Shared {
    plan: Arc<Plan>,
    source: Arc<dyn Source>,
    tables: Arc<dyn Workshop>,
    settings: Settings,
    /// Held while something is applied. None until the checkpoints were read, and again when somebody else moved one.
    state: Mutex<Option<State>>,
    /// Held by the one rebuild that may run at a time.
    rebuilding: Mutex<()>,
    /// How far it has come; none when there is none.
    rebuilt: watch::Sender<Option<Progress>>,
    reached: watch::Sender<Position>,
    waiting: Arc<Waiting>,
    /// Told when the runner is to look at once.
    wake: Notify,
    health: std::sync::Mutex<RunnerHealth>,
}

/// How the runner works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Events that are read and applied at once, at most.
    pub batch_events_max: usize,
    /// How long to wait for a hint before looking without one.
    pub poll: Duration,
    /// The first wait after a failure; it doubles with each further one.
    pub retry_wait_min: Duration,
    /// The longest wait after a failure.
    pub retry_wait_max: Duration,
    /// A rebuild at the start is worth it when the tables are empty and the log has at least that many events.
    pub rebuild_events_min: u64,
    /// Whether other processes may apply to the same tables. Then one of them does, and the others stand by.
    pub shared: bool,
    /// Tells the time. It stands in rows that say when something was done, and nothing depends on it.
    pub now: fn() -> Timestamp,
}

impl Settings {
    /// The values that suit one process with its own database.
    pub fn new(now: fn() -> Timestamp) -> Self {
        Self {
            batch_events_max: 4096,
            poll: Duration::from_secs(1),
            retry_wait_min: Duration::from_millis(50),
            retry_wait_max: Duration::from_secs(5),
            rebuild_events_min: 20_000,
            shared: false,
            now,
        }
    }
}

/// Why a turn did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Tables(#[from] TablesError),
    #[error(transparent)]
    Refused(#[from] Refused),
}

impl Runner {
    /// A runner that does nothing yet.
    pub fn new(
        projections: Vec<Arc<dyn Projection>>,
        source: Arc<dyn Source>,
        tables: Arc<dyn Workshop>,
        settings: Settings,
    ) -> Self {
        Self(Arc::new(Shared {
            plan: Arc::new(Plan::new(projections)),
            source,
            tables,
            settings,
            state: Mutex::new(None),
            rebuilding: Mutex::new(()),
            rebuilt: watch::Sender::new(None),
            reached: watch::Sender::new(Position::START),
            waiting: Arc::default(),
            wake: Notify::new(),
            health: std::sync::Mutex::default(),
        }))
    }

    /// Makes the tables fit to be read: those that other code made and that can't serve meanwhile, or that are empty beside a long log, are
    /// rebuilt before this returns, and otherwise what the log has more than they is applied. To be called once, before [`run`](Self::run) and
    /// before anything is asked; [`renew`](Self::renew) does the rest.
    ///
    /// Where the tables are shared, rows that a newer program has made are left to it, and a rebuild by another process is waited for.
    pub async fn prepare(&self, progress: &(dyn Fn(Progress) + Send + Sync), stop: &CancellationToken) -> Result<(), PrepareError> {
        loop {
            match self.prepare_once(progress, stop).await {
                Err(PrepareError::Rebuild(RebuildError::Busy)) if self.0.settings.shared => self.until_next_look(stop).await,
                prepared => return prepared,
            }
        }
    }

    async fn prepare_once(
        &self,
        progress: &(dyn Fn(Progress) + Send + Sync),
        stop: &CancellationToken,
    ) -> Result<(), PrepareError> {
        let loaded = State::load(&self.0.plan, &*self.0.source, &*self.0.tables).await;
        let rebuild = match &loaded {
            Err(Failure::Refused(Refused::Stale { .. } | Refused::Unknown { .. })) => true,
            Err(Failure::Refused(Refused::Newer { .. })) => !self.0.settings.shared,
            Ok(state) => state.reached() == Position::START && self.head().await?.0 >= self.0.settings.rebuild_events_min,
            Err(_) => false,
        };
        if rebuild {
            let wish = Wish { begin: Begin::GoOn, promote: true };
            self.rebuild_as(None, wish, progress, stop).await?;
            return Ok(());
        }
        self.take_up(loaded?).await;
        self.start_caught_up(stop).await;
        Ok(())
    }

    /// What fails here is tried again by [`run`](Self::run); with a full disk, say, the drive can still be read.
    async fn start_caught_up(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            match self.turn().await {
                Ok(Turn::Applied) => {}
                Ok(Turn::Idle | Turn::StoodBy) => return,
                Err(failure) => return self.report_failure(&failure),
            }
        }
    }

    /// Applies events as they come, until it is told to stop or the tables turn out not to belong to the log. What is begun is finished.
    pub async fn run(&self, stop: CancellationToken) -> Result<(), Refused> {
        let mut growth = self.0.source.growth();
        let mut wait = self.0.settings.retry_wait_min;
        while !stop.is_cancelled() {
            growth.borrow_and_update();
            match self.turn().await {
                Ok(Turn::Applied) => wait = self.0.settings.retry_wait_min,
                Ok(Turn::Idle) => {
                    wait = self.0.settings.retry_wait_min;
                    self.idle(&mut growth, &stop).await;
                }
                Ok(Turn::StoodBy) => self.until_next_look(&stop).await,
                Err(Failure::Refused(refused)) => {
                    self.report_failure(&refused);
                    return Err(refused);
                }
                Err(failure) => {
                    self.report_failure(&failure);
                    stop.run_until_cancelled(tokio::time::sleep(wait)).await;
                    wait = (wait * 2).min(self.0.settings.retry_wait_max);
                }
            }
        }
        self.step_down().await;
        Ok(())
    }

    /// Another process need not wait then until the right to apply has run out.
    async fn step_down(&self) {
        if let Err(error) = self.0.tables.step_down().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the right to apply runs out by itself");
        }
    }

    /// Applies what the log has now, or sees another process do it, and returns.
    pub async fn catch_up(&self) -> Result<Position, CatchUpError> {
        let head = self.head().await.map_err(CatchUpError::from)?;
        loop {
            match self.turn().await.map_err(CatchUpError::from)? {
                Turn::Applied => {}
                Turn::StoodBy if *self.0.reached.borrow() < head => self.until_next_look(&CancellationToken::new()).await,
                Turn::Idle | Turn::StoodBy => return Ok(*self.0.reached.borrow()),
            }
        }
    }

    /// Waits for a hint or the next look; a log that gives no more hints is looked at now and then all the same.
    async fn idle(&self, growth: &mut watch::Receiver<Position>, stop: &CancellationToken) {
        let hint = async {
            tokio::select! {
                Ok(()) = growth.changed() => {}
                () = self.0.wake.notified() => {}
            }
        };
        stop.run_until_cancelled(tokio::time::timeout(self.0.settings.poll, hint)).await;
    }

    async fn head(&self) -> Result<Position, Failure> {
        Ok(self.0.source.head().await?)
    }

    async fn take_up(&self, state: State) {
        let mut guard = self.0.state.lock().await;
        self.publish(&state);
        *guard = Some(state);
    }
}

/// Why the tables could not be made fit to be read.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// They do not belong to the log.
    #[error(transparent)]
    Refused(Refused),
    /// Making them anew did not come to its end.
    #[error(transparent)]
    Rebuild(#[from] RebuildError),
    /// The log could not be read.
    #[error(transparent)]
    Source(SourceError),
    /// The tables did not answer.
    #[error(transparent)]
    Tables(TablesError),
}

impl From<Failure> for PrepareError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refused) => Self::Refused(refused),
            Failure::Source(error) => Self::Source(error),
            Failure::Tables(error) => Self::Tables(error),
        }
    }
}

/// Why the projections did not catch up.
#[derive(Debug, thiserror::Error)]
#[error("the projections did not catch up")]
pub struct CatchUpError(#[source] Failure);

impl From<Failure> for CatchUpError {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}
