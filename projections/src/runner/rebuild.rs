use cairn_domain::Position;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::filling::{Filling, Report};
use super::state::State;
use super::{Failure, Runner};
use crate::ports::{Draft, OnRefusal, SourceError, TablesError};

/// How far a rebuild has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The last event in the new rows.
    pub done: Position,
    /// Where the rows are to come: the end of the log when it was last looked at, or the place that was asked for.
    pub head: Position,
}

/// What a rebuild has made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebuilt {
    /// The last event in the new rows.
    pub position: Position,
    /// How many events are parked in them, over all projections.
    pub parked: u64,
    /// Whether they are the live ones now.
    pub promoted: bool,
}

impl Rebuilt {
    pub(super) fn of(state: &State, promoted: bool) -> Self {
        Self { position: state.reached(), parked: state.parked.iter().sum(), promoted }
    }
}

/// How a rebuild begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// With what.
    pub begin: Begin,
    /// Whether the new tables take the place of the live ones at the end, or wait for that.
    pub promote: bool,
}

impl Default for Wish {
    fn default() -> Self {
        Self { begin: Begin::Anew, promote: true }
    }
}

/// What a rebuild begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// Empty tables; what an earlier rebuild has left goes.
    Anew,
    /// What an earlier rebuild has left, if it can be gone on with.
    GoOn,
    /// The same, and nothing else: without it there is no rebuild.
    Kept,
}

/// Why there are no new rows. The old ones stand as they stood.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// There is no projection of that name.
    #[error("there is no projection named {0}")]
    UnknownProjection(String),
    /// Another rebuild is under way.
    #[error("a rebuild is under way")]
    Busy,
    /// It was told to stop. What it has made is kept.
    #[error("the rebuild was stopped")]
    Cancelled,
    /// No earlier rebuild has left anything that could be gone on with.
    #[error("no rebuild was stopped or held whose tables this program can go on with")]
    NothingKept,
    /// A task of the rebuild died: a defect of this program.
    #[error("a task of the rebuild ended before its time")]
    StageLost,
    /// The log could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The tables could not be written.
    #[error(transparent)]
    Tables(TablesError),
}

impl From<TablesError> for RebuildError {
    fn from(error: TablesError) -> Self {
        match error {
            TablesError::Busy => Self::Busy,
            error
            @ (TablesError::Lost { .. } | TablesError::Rejected(_) | TablesError::Spoilt(_) | TablesError::Unavailable(_)) => {
                Self::Tables(error)
            }
        }
    }
}

impl From<Failure> for RebuildError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Source(error) => Self::Source(error),
            Failure::Tables(error) => error.into(),
            Failure::Refused(refused) => Self::Tables(TablesError::Unavailable(Box::new(refused))),
        }
    }
}

/// A rebuild is shown from its begin to its end, however it ends.
struct Shown<'a>(&'a watch::Sender<Option<Progress>>);

impl<'a> Shown<'a> {
    fn begin(rebuilt: &'a watch::Sender<Option<Progress>>) -> Self {
        rebuilt.send_replace(Some(Progress { done: Position::START, head: Position::START }));
        Self(rebuilt)
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        self.0.send_replace(None);
    }
}

impl Runner {
    /// Makes all rows anew from the log, beside the live ones, and puts them in their place. Reads are answered all the while, and what is
    /// appended meanwhile is in the new rows. It can reach the log and tables, and nothing else. Told to stop, it keeps what it has made for
    /// one that [goes on](Begin::GoOn).
    ///
    /// Where the tables of all projections are one database, as in the embedded drive, they are promoted together: naming one only checks
    /// the name.
    pub async fn rebuild(
        &self,
        projection: Option<&str>,
        report: Report<'_>,
        stop: &CancellationToken,
    ) -> Result<Rebuilt, RebuildError> {
        self.rebuild_as(projection, Wish::default(), report, stop).await
    }

    /// The same, begun and ended as is wished.
    pub async fn rebuild_as(
        &self,
        projection: Option<&str>,
        wish: Wish,
        report: Report<'_>,
        stop: &CancellationToken,
    ) -> Result<Rebuilt, RebuildError> {
        self.check_name(projection)?;
        let _only_one = self.0.rebuilding.try_lock().map_err(|_| RebuildError::Busy)?;
        let _shown = Shown::begin(&self.0.rebuilt);
        let report = &|progress| {
            self.0.rebuilt.send_replace(Some(progress));
            report(progress);
        };
        match self.begin_and_end(wish, OnRefusal::Spoil, report, stop).await {
            // Events that do not fit are rare. Tables that can tell which these are, and park them, are slower.
            Err(RebuildError::Tables(TablesError::Spoilt(error))) => {
                tracing::warn!(
                    error = &*error as &dyn std::error::Error,
                    "the new rows do not all fit: the rebuild begins anew, carefully"
                );
                self.begin_and_end(Wish { begin: Begin::Anew, ..wish }, OnRefusal::TakeBack, report, stop).await
            }
            rebuilt => rebuilt,
        }
    }

    async fn begin_and_end(
        &self,
        wish: Wish,
        on_refusal: OnRefusal,
        report: Report<'_>,
        stop: &CancellationToken,
    ) -> Result<Rebuilt, RebuildError> {
        let (draft, mut state) = self.begin(wish.begin, on_refusal).await?;
        match self.make(&*draft, &mut state, report, stop).await {
            Ok(()) if wish.promote => self.promote_draft(draft, state, report, stop).await,
            Ok(()) => {
                draft.keep().await?;
                Ok(Rebuilt::of(&state, false))
            }
            Err(error) => Err(put_aside(draft, error).await),
        }
    }

    /// Forgets what a rebuild has left that was stopped or held; false when there is nothing.
    pub async fn discard_kept(&self) -> Result<bool, RebuildError> {
        let _only_one = self.0.rebuilding.try_lock().map_err(|_| RebuildError::Busy)?;
        let Some(draft) = self.0.tables.kept().await? else { return Ok(false) };
        draft.discard().await;
        Ok(true)
    }

    /// New tables, or those that were kept, as far as they belong to this log and this program.
    async fn begin(&self, begin: Begin, on_refusal: OnRefusal) -> Result<(Box<dyn Draft>, State), RebuildError> {
        let kept = if begin == Begin::Anew { None } else { self.0.tables.kept().await? };
        if let Some(draft) = kept {
            match State::load(&self.0.plan, &*self.0.source, &*draft).await {
                Ok(state) if !state.is_outdated(&self.0.plan) => return Ok((draft, state)),
                Ok(_) | Err(Failure::Refused(_)) => draft.discard().await,
                Err(error) => {
                    draft.keep().await?;
                    return Err(error.into());
                }
            }
        }
        if begin == Begin::Kept {
            return Err(RebuildError::NothingKept);
        }
        Ok((self.0.tables.draft(on_refusal).await?, State::empty(&self.0.plan)))
    }

    /// How far the rebuild has come that is under way here; none when there is none.
    pub fn rebuild_progress(&self) -> watch::Receiver<Option<Progress>> {
        self.0.rebuilt.subscribe()
    }

    fn check_name(&self, projection: Option<&str>) -> Result<(), RebuildError> {
        let Some(name) = projection else { return Ok(()) };
        let known = self.0.plan.projections.iter().any(|projection| projection.name() == name);
        if known { Ok(()) } else { Err(RebuildError::UnknownProjection(name.to_owned())) }
    }

    /// Fills the draft while everything else goes on; the second time catches what came during the first and the indexing.
    async fn make(
        &self,
        draft: &dyn Draft,
        state: &mut State,
        report: Report<'_>,
        stop: &CancellationToken,
    ) -> Result<(), RebuildError> {
        self.fill(draft, state, report, stop).await?;
        draft.index().await?;
        self.fill(draft, state, report, stop).await
    }

    /// From here on nothing is applied to the live tables, by nobody, so that what has been reached stays reached.
    async fn promote_draft(
        &self,
        draft: Box<dyn Draft>,
        mut state: State,
        report: Report<'_>,
        stop: &CancellationToken,
    ) -> Result<Rebuilt, RebuildError> {
        let mut guard = self.0.state.lock().await;
        let filled = match self.0.tables.take_over().await {
            Ok(()) => self.fill(&*draft, &mut state, report, stop).await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = filled {
            return Err(put_aside(draft, error).await);
        }
        *guard = None;
        draft.promote().await?;
        self.publish(&state);
        self.report_alive(&state);
        let rebuilt = Rebuilt::of(&state, true);
        *guard = Some(state);
        Ok(rebuilt)
    }

    /// Applies the log to its end, starting where the state stands.
    async fn fill(
        &self,
        draft: &dyn Draft,
        state: &mut State,
        report: Report<'_>,
        stop: &CancellationToken,
    ) -> Result<(), RebuildError> {
        let shared = &self.0;
        let filling = Filling { plan: &shared.plan, source: &shared.source, tables: draft, now: shared.now(), report, stop };
        filling.go_to_the_end(state).await
    }
}

/// What was told to stop is kept, what has failed is not.
async fn put_aside(draft: Box<dyn Draft>, error: RebuildError) -> RebuildError {
    if matches!(error, RebuildError::Cancelled) {
        return draft.keep().await.map_or_else(Into::into, |()| error);
    }
    draft.discard().await;
    error
}
