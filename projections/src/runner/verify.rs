//! Whether the live rows are those that the log means.

mod compare;

use std::sync::Arc;

use cairn_domain::{Position, Timestamp};
use tokio_util::sync::CancellationToken;

use super::belonging::{Landmarks, Refused};
use super::filling::Report;
use super::rebuild::RebuildError;
use super::replay::Replay;
use crate::ports::{ReadError, ReadTables, ReplayTables, Snapshots, Source, SourceError};
use crate::projection::Projection;
use crate::queries::operations::checkpoints;

pub use compare::Difference;

use self::compare::{Compared, Comparison};

/// Makes the rows again in tables that nobody keeps, and compares the live ones with them.
pub struct Verification<'a> {
    live: &'a dyn Snapshots,
    replay: Replay<'a>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// The last event that is in the live rows of every projection.
    pub position: Position,
    /// How many live rows were compared.
    pub rows: u64,
    /// How many rows differ, those included that are in one of both only.
    pub differ: u64,
}

/// Why the rows were not compared.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The live tables do not come from this log or from this program, so there is nothing to compare them with.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Between two looks a projection stands at an earlier place, or at none of the log: somebody has put other tables in their place.
    #[error("the read tables were replaced meanwhile: verify them again")]
    Replaced,
    /// The rows could not be made again.
    #[error(transparent)]
    Replay(#[from] RebuildError),
    /// The log could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Rows could not be read.
    #[error("the rows can't be compared")]
    Read(#[from] ReadError),
}

impl<'a> Verification<'a> {
    /// Of these live tables, by way of new ones of the same projections.
    pub fn new(
        projections: Vec<Arc<dyn Projection>>,
        source: Arc<dyn Source>,
        live: &'a dyn Snapshots,
        beside: &'a dyn ReplayTables,
        now: Timestamp,
    ) -> Self {
        Self { live, replay: Replay::new(projections, source, beside, now) }
    }

    /// Hands each row that is not the same in both to `tell`, table by table in the order of the keys. Whatever is applied to the live
    /// tables meanwhile does not matter: they are compared as they were at one moment.
    pub async fn run(
        mut self,
        report: Report<'_>,
        stop: &CancellationToken,
        tell: &mut (dyn FnMut(Difference) + Send),
    ) -> Result<Verified, VerifyError> {
        // The long way first: a snapshot costs the database something as long as it is held.
        self.follow(self.live, report, stop).await?;
        let snapshot = self.live.snapshot().await?;
        self.follow(&*snapshot, report, stop).await?;
        let position = self.replay.positions().iter().copied().min().unwrap_or_default();
        let (mut rows, mut differ) = (0, 0);
        for of in Compared::all(&self.replay.plan.projections) {
            let mut comparison = Comparison::new(&of, &*snapshot, self.replay.tables());
            loop {
                let next = stop.run_until_cancelled(comparison.next(&mut rows)).await;
                let Some(difference) = next.ok_or(RebuildError::Cancelled)?? else { break };
                differ += 1;
                tell(difference);
            }
        }
        Ok(Verified { position, rows, differ })
    }

    /// Replays to where the live rows of each projection stand.
    async fn follow(&mut self, live: &dyn ReadTables, report: Report<'_>, stop: &CancellationToken) -> Result<(), VerifyError> {
        let checkpoints = checkpoints(live).await?;
        let landmarks = Landmarks::of(&*self.replay.source, &checkpoints).await?;
        let mut until = Vec::new();
        for projection in &self.replay.plan.projections {
            let checkpoint = checkpoints.iter().find(|checkpoint| checkpoint.projection == projection.name());
            until.push(landmarks.judge(&**projection, checkpoint)?);
        }
        self.replay.go_each(&until, report, stop).await?;
        if self.replay.positions() == until { Ok(()) } else { Err(VerifyError::Replaced) }
    }
}
