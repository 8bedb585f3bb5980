use anyhow::Context;
use cairn_domain::Position;
use cairn_projections::Runner;
use cairn_projections::projections;
use cairn_projections::runner::{Begin, Progress, Rebuilt, Retried, Wish};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Order {
    /// Make the rows anew.
    Rebuild {
        /// One projection by name; none for all.
        name: Option<String>,
        /// From the start of the log, whatever an earlier rebuild has left.
        anew: bool,
        /// Let the new tables wait to be promoted.
        hold: bool,
    },
    /// Forget what a rebuild has left that was stopped or held.
    Discard,
    /// Put it in place.
    Promote,
    /// Put back what was replaced last.
    RollBack,
    /// Let a projection stand still, or all.
    Pause {
        /// Which; none for all.
        name: Option<String>,
    },
    /// Let it go on.
    Resume {
        /// Which; none for all.
        name: Option<String>,
    },
    /// Try what is parked again.
    Retry {
        /// Of which projection; none for all.
        name: Option<String>,
    },
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// There are new rows.
    Rebuilt {
        /// The last event in them.
        position: Position,
        /// How many events are parked.
        parked: u64,
        /// Whether they are the live ones.
        promoted: bool,
    },
    /// Whether there was anything to forget.
    Discarded(bool),
    /// Where the tables stood that were put back.
    RolledBack(Position),
    /// It stands still, or goes on.
    Steered,
    /// What became of the parked events, by projection.
    Retried(Vec<(String, u64, u64)>),
}

impl Order {
    /// Does it here.
    pub(super) async fn carry_out(
        self,
        runner: &Runner,
        report: &(dyn Fn(Progress) + Send + Sync),
        stop: &CancellationToken,
    ) -> anyhow::Result<Outcome> {
        Ok(match self {
            Self::Rebuild { name, anew, hold } => {
                let wish = Wish { begin: if anew { Begin::Anew } else { Begin::GoOn }, promote: !hold };
                let rebuilt = runner.rebuild_as(name.as_deref(), wish, report, stop).await;
                rebuilt.context("the read tables are as they were")?.into()
            }
            Self::Promote => runner.promote(report, stop).await.context("the read tables are as they were")?.into(),
            Self::Discard => Outcome::Discarded(runner.discard_kept().await?),
            Self::RollBack => Outcome::RolledBack(runner.roll_back().await.context("the read tables are as they were")?),
            Self::Pause { name } => {
                runner.pause(name.as_deref()).await?;
                Outcome::Steered
            }
            Self::Resume { name } => {
                runner.resume(name.as_deref()).await?;
                Outcome::Steered
            }
            Self::Retry { name } => {
                let mut all = Vec::new();
                for projection in projections() {
                    let projection = projection.name();
                    if name.as_deref().is_none_or(|name| name == projection) {
                        let Retried { applied, left } = runner.retry_parked(projection).await?;
                        all.push((projection.to_owned(), applied, left));
                    }
                }
                Outcome::Retried(all)
            }
        })
    }
}

impl From<Rebuilt> for Outcome {
    fn from(rebuilt: Rebuilt) -> Self {
        let Rebuilt { position, parked, promoted } = rebuilt;
        Self::Rebuilt { position, parked, promoted }
    }
}
