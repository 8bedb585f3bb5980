//! `cairn replay`: the read tables, and somebody's drive, as they were at another time.
//!
//! All that a replay has is the log as a [`Source`], which can only be read, and tables of its own.

mod diff;
mod entries;
mod into;
mod list;
mod plan;
mod restore;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use cairn_commands::chosen::Moment;
use cairn_commands::ports::event_store::EventStore;
use cairn_domain::{FolderId, Position};
use cairn_infra::log_source::LogSource;
use cairn_infra::sqlite::views::SqliteReplayed;
use cairn_projections::Replay as Replayed;
use cairn_projections::ports::Source;
use cairn_projections::runner::{RebuildError, Rebuilt};
use clap::{Args, Subcommand};
use tokio_util::sync::CancellationToken;

use super::progress::Bar;
use super::{Place, block_on};
use crate::data::DataDirectory;
use crate::wiring::{Closing, open_log};

const EXAMPLES: &str = "\
The state is the one after the last event that is not behind the given place. Times are those at which events were decided; a day is one of
UTC, to its end. The drive may run meanwhile, and nothing of it is touched.

Examples:
  cairn replay --until 2026-11-30T12:00:00Z --into then.db && sqlite3 then.db 'SELECT name FROM tbl_user_file'
  cairn replay --until 2026-11-29 --user alice --list
  cairn replay --until 4711 --user alice --list --json
  cairn replay diff --from 2026-11-01 --until 2026-11-30 --user alice
  cairn replay --until 2026-11-29 --restore --folder 3d2f8a6e-07b1-5c4d-9e58-61f0a7c324db
  cairn replay --until 2026-11-29 --restore --folder 3d2f8a6e-07b1-5c4d-9e58-61f0a7c324db --yes

--restore concerns what stood in the folder then and what stands in it now: all of it becomes as it was then. It can be undone in the same way, and says the
command that does. The same command again does nothing more, or goes on where it was stopped. What was removed for good does not come back: then the exit
code is 1.";

/// Make the read tables, or print somebody's drive, as they were at another time.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(super) struct Replay {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// When: a position, a time (2026-11-30T12:00:00Z) or a day (UTC).
    #[arg(long, value_name = "POSITION|TIME|DAY", required = true)]
    until: Option<Moment>,
    /// Make the tables in this SQLite file.
    #[arg(long, value_name = "FILE", required_unless_present_any = ["list", "restore"])]
    into: Option<PathBuf>,
    /// Put the file in the place of one that is there.
    #[arg(long, requires = "into", conflicts_with_all = ["list", "restore"])]
    force: bool,
    /// Whose drive: a user name or the id of an account.
    #[arg(long, value_name = "NAME|ID", requires = "list", conflicts_with_all = ["into", "restore"])]
    user: Option<String>,
    /// Print folders and files, those in the trash included.
    #[arg(long, requires = "user", conflicts_with = "into")]
    list: bool,
    /// Bring a folder back to how it was, by new events: its names, places, contents and what was in the trash. Says what it would do.
    #[arg(long, requires = "folder", conflicts_with_all = ["into", "list"])]
    restore: bool,
    /// Which folder, by its id.
    #[arg(long, value_name = "ID", requires = "restore", conflicts_with_all = ["into", "list"])]
    folder: Option<FolderId>,
    /// Do it.
    #[arg(long, requires = "restore", conflicts_with_all = ["into", "list"])]
    yes: bool,
    #[command(flatten)]
    place: Place,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Print what changed in somebody's drive between two times, one line each.
    #[command(after_help = diff::EXAMPLES)]
    Diff(diff::Diff),
}

impl Replay {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        if let Some(Verb::Diff(diff)) = self.verb {
            return block_on(diff.print());
        }
        let until = self.until.context("--until says when")?;
        if let Some(folder) = self.folder {
            return block_on(restore::Restore { until, folder, yes: self.yes, json: self.json }.carry_out(&self.place));
        }
        match (self.into, self.user) {
            (Some(into), _) => block_on(into::Into { until, target: into, force: self.force, json: self.json }.make(&self.place)),
            (None, Some(user)) => block_on(list::List { until, user, json: self.json }.print(&self.place)),
            (None, None) => bail!("--into says where, or --list with --user whose"),
        }
    }
}

/// The log of a drive, to be read.
struct Log {
    store: Arc<dyn EventStore>,
    source: Arc<dyn Source>,
    data: DataDirectory,
    closing: Closing,
}

impl Log {
    async fn open(place: &Place) -> anyhow::Result<Self> {
        let config = place.visit()?;
        let data = DataDirectory::of(&config)?;
        let log = open_log(&config, &data).await?;
        Ok(Self { source: Arc::new(LogSource::new(log.store.clone())), store: log.store, data, closing: log.closing })
    }
}

/// What comes of the work, unless it is told to stop before. To be used where nothing is left behind.
async fn unless_stopped<T>(stop: &CancellationToken, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    stop.run_until_cancelled(work).await.unwrap_or_else(|| Err(RebuildError::Cancelled.into()))
}

/// Replays up to there, and shows how far it is.
async fn go(replay: &mut Replayed<'_>, until: Position, stop: &CancellationToken) -> anyhow::Result<Rebuilt> {
    let bar = Bar::new();
    Ok(replay.go_to(until, &|progress| bar.show(progress), stop).await?)
}

/// Tables for what somebody's drive is made of, which are gone when they are dropped.
async fn tables_of_drives() -> anyhow::Result<SqliteReplayed> {
    Ok(SqliteReplayed::nameless(&entries::projections()).await?)
}
