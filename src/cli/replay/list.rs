use std::process::ExitCode;

use anyhow::{Context, bail};
use cairn_commands::chosen::Moment;
use cairn_projections::Replay;
use tokio_util::sync::CancellationToken;

use super::entries::{Entry, account, entries_of, projections, state_text};
use super::{Log, go, tables_of_drives, unless_stopped};
use crate::cli::moment::place_of;
use crate::cli::progress::stop_on_signal;
use crate::cli::{Place, say};
use crate::wiring::now;

/// `--list`: somebody's drive.
pub(super) struct List {
    pub(super) until: Moment,
    pub(super) user: String,
    pub(super) json: bool,
}

impl List {
    pub(super) async fn print(self, place: &Place) -> anyhow::Result<ExitCode> {
        let stop = stop_on_signal()?;
        let log = Log::open(place).await?;
        let entries = unless_stopped(&stop, self.entries(&log, &stop)).await;
        log.closing.close().await;
        let entries = entries.context("nothing can be listed")?;
        if !self.json {
            say(&format!("{:<8} {:>14}  {:<64}  PATH", "STATE", "BYTES", "SHA-256"));
        }
        for entry in &entries {
            say(&if self.json { entry.as_json().to_string() } else { as_line(entry) });
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn entries(&self, log: &Log, stop: &CancellationToken) -> anyhow::Result<Vec<Entry>> {
        let until = place_of(self.until, &*log.source).await?;
        let tables = tables_of_drives().await?;
        let mut replay = Replay::new(projections(), log.source.clone(), &tables, now());
        go(&mut replay, until, stop).await?;
        replay.index().await?;
        match account(&tables, &self.user).await? {
            Some(account) => entries_of(&tables, account).await,
            None => bail!("nobody was called {:?} then", self.user),
        }
    }
}

fn as_line(entry: &Entry) -> String {
    let (size, sha256) =
        entry.content.map_or(("-".to_owned(), "-".to_owned()), |(size, sha256)| (size.to_string(), sha256.to_string()));
    format!("{:<8} {size:>14}  {sha256:<64}  {}", state_text(entry.state), entry.path)
}
