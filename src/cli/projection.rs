//! `cairn projection`: the read tables, and how they are made anew.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use cairn_domain::Position;
use cairn_projections::ports::Checkpoint;
use cairn_projections::queries::operations::{checkpoints, parked};
use cairn_projections::runner::{Progress, Rebuilt};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Place, block_on, rfc3339, say};
use crate::data::DataDirectory;
use crate::wiring::{Foundation, Who, glance_at_views, keeps_views, open_log};

/// Parked events that the list counts.
const PARKED_COUNT_MAX: u64 = 10_000;

#[derive(Debug, Subcommand)]
pub(super) enum Projection {
    /// Print every projection and how far it has come.
    List(List),
    /// Make the read tables anew from the log. Where they are a file, the drive must not run.
    #[command(after_help = "The old tables stay in place until the new ones are complete; ctrl-C leaves everything as it was.")]
    Rebuild(Rebuild),
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    place: Place,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Rebuild {
    /// The projection; the tables of all are one file and are made together.
    #[arg(required_unless_present = "all")]
    name: Option<String>,
    /// All of them.
    #[arg(long, conflicts_with = "name")]
    all: bool,
    #[command(flatten)]
    place: Place,
    /// One JSON object instead of words.
    #[arg(long)]
    json: bool,
}

impl Projection {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => block_on(list.print()),
            Self::Rebuild(rebuild) => block_on(rebuild.make()),
        }
    }
}

impl List {
    async fn print(self) -> anyhow::Result<ExitCode> {
        let config = self.place.visit()?;
        let data = DataDirectory::of(&config)?;
        let tables = glance_at_views(&config, &data).await?;
        let log = open_log(&config, &data).await?;
        let head = log.store.head().await?;
        if !self.json {
            say(&format!("{:<12} {:>7} {:>12} {:>8} {:>7}  {}", "NAME", "VERSION", "POSITION", "LAG", "PARKED", "UPDATED"));
        }
        for checkpoint in checkpoints(&*tables).await.context("the read tables can't be read")? {
            let parked = parked(&*tables, &checkpoint.projection, Position::START, PARKED_COUNT_MAX).await;
            let parked = parked.context("the read tables can't be read")?.len();
            let lag = head.0.saturating_sub(checkpoint.position.0);
            let line = if self.json { as_json } else { as_line };
            say(&line(&checkpoint, lag, parked));
        }
        log.closing.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

impl Rebuild {
    async fn make(self) -> anyhow::Result<ExitCode> {
        let config = self.place.visit()?;
        let data = DataDirectory::of(&config)?;
        let _lock = if keeps_views(&config)? { Some(data.lock()?) } else { None };
        let foundation = Foundation::open(&config, &data, Who::Visitor).await?;
        let stop = CancellationToken::new();
        let on_signal = stop.clone();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                on_signal.cancel();
            }
        });
        let bar = progress_bar();
        let report = |progress: Progress| {
            bar.set_length(progress.head.0);
            bar.set_position(progress.done.0);
        };
        let started = Instant::now();
        let rebuilt = foundation.runner.rebuild(self.name.as_deref(), &report, &stop).await;
        let seconds = started.elapsed().as_secs_f64();
        bar.finish_and_clear();
        foundation.close().await;
        let rebuilt = rebuilt.context("the read tables are as they were")?;
        let Rebuilt { position, parked } = rebuilt;
        say(&if self.json {
            json!({ "position": position, "parked": parked, "seconds": seconds }).to_string()
        } else {
            format!("Rebuilt up to position {position} in {seconds:.2} s; {parked} events are parked.")
        });
        Ok(ExitCode::SUCCESS)
    }
}

/// Shown on a terminal only, and on stderr.
fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} events  {per_sec}  {eta} left");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn as_line(checkpoint: &Checkpoint, lag: u64, parked: usize) -> String {
    let Checkpoint { projection, version, position, updated_at, .. } = checkpoint;
    let updated = rfc3339(*updated_at);
    format!("{projection:<12} {version:>7} {position:>12} {lag:>8} {parked:>7}  {updated}")
}

fn as_json(checkpoint: &Checkpoint, lag: u64, parked: usize) -> String {
    let Checkpoint { projection, version, position, updated_at, .. } = checkpoint;
    let updated_at = rfc3339(*updated_at);
    json!({
        "name": projection, "version": version, "position": position, "lag": lag, "parked": parked, "updated_at": updated_at,
    })
    .to_string()
}
