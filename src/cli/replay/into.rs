use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, bail};
use cairn_commands::chosen::Moment;
use cairn_domain::{Position, Timestamp};
use cairn_infra::sqlite::views::SqliteFile;
use cairn_projections::ports::Source;
use cairn_projections::runner::{RebuildError, Rebuilt};
use cairn_projections::{Replay, projections};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Log, go, unless_stopped};
use crate::cli::moment::place_of;
use crate::cli::progress::stop_on_signal;
use crate::cli::{Place, rfc3339, say};
use crate::data::DataDirectory;
use crate::wiring::now;

/// What SQLite may put beside a database, and the database itself.
const SUFFIXES: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// `--into`: all read tables, as a file.
pub(super) struct Into {
    pub(super) until: Moment,
    pub(super) target: PathBuf,
    pub(super) force: bool,
    pub(super) json: bool,
}

impl Into {
    pub(super) async fn make(self, place: &Place) -> anyhow::Result<ExitCode> {
        let (stop, started) = (stop_on_signal()?, Instant::now());
        let log = Log::open(place).await?;
        let made = self.make_from(&log, &stop).await;
        log.closing.close().await;
        let (Rebuilt { position, parked, .. }, time) = made.context("nothing was made")?;
        let (file, seconds) = (self.target.display(), started.elapsed().as_secs_f64());
        let time = time.map(rfc3339);
        say(&if self.json {
            let file = file.to_string();
            json!({ "file": file, "position": position, "time": time, "parked": parked, "seconds": seconds }).to_string()
        } else {
            let time = time.map_or_else(String::new, |time| format!(", {time}"));
            format!("Made {file} as of position {position}{time}, in {seconds:.2} s; {parked} events are parked.")
        });
        Ok(ExitCode::SUCCESS)
    }

    async fn make_from(&self, log: &Log, stop: &CancellationToken) -> anyhow::Result<(Rebuilt, Option<Timestamp>)> {
        self.check(&log.data)?;
        let until = unless_stopped(stop, place_of(self.until, &*log.source)).await?;
        let file = SqliteFile::begin(&self.target, &projections()).await?;
        let made = fill(&file, log, until, stop).await;
        if made.is_ok() {
            file.finish().await?;
        } else {
            file.discard().await;
        }
        made
    }

    /// Nothing that is there is lost without a word, and nothing of the drive even with one.
    fn check(&self, data: &DataDirectory) -> anyhow::Result<()> {
        let target = self.target.display();
        let directory = self.target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let directory = directory.canonicalize().with_context(|| format!("{} is not there", directory.display()))?;
        if data.holds(&directory)? {
            bail!("{target} would be in the data directory, which is the drive's own");
        }
        if self.target.is_dir() || self.target.file_name().is_none() {
            bail!("{target} is a directory");
        }
        for suffix in SUFFIXES {
            let mut path = self.target.clone().into_os_string();
            path.push(suffix);
            let path = PathBuf::from(path);
            if !self.force && path.symlink_metadata().is_ok() {
                bail!("{} is there already: name another file, or say --force", path.display());
            }
        }
        Ok(())
    }
}

/// Also says when the last event in the rows was decided; there is none before the first.
async fn fill(
    file: &SqliteFile,
    log: &Log,
    until: Position,
    stop: &CancellationToken,
) -> anyhow::Result<(Rebuilt, Option<Timestamp>)> {
    let mut replay = Replay::new(projections(), log.source.clone(), file.tables(), now());
    let rebuilt = go(&mut replay, until, stop).await?;
    replay.index().await?;
    let time = time_of(&*log.source, rebuilt.position).await?;
    if stop.is_cancelled() { Err(RebuildError::Cancelled.into()) } else { Ok((rebuilt, time)) }
}

async fn time_of(log: &dyn Source, position: Position) -> anyhow::Result<Option<Timestamp>> {
    let Some(before) = position.0.checked_sub(1) else { return Ok(None) };
    let event = log.read_all(Position(before), 1).await?.into_iter().next();
    Ok(event.filter(|event| event.position == position).map(|event| event.time))
}
