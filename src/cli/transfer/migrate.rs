use std::collections::VecDeque;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use cairn_commands::Journal;
use cairn_commands::ports::event_store::EventStore;
use cairn_commands::sagas::transfers::{Wanted, request_transfer, wanted_by_hand};
use cairn_domain::blob::{Blob, Health};
use cairn_domain::transfer::{Phase, Transfer};
use cairn_domain::{Sha256, StreamName, TransferId};
use cairn_infra::config::Config;
use cairn_projections::ports::ReadTables;
use cairn_projections::queries::PAGE_MAX;
use cairn_projections::queries::contents::contents;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::journal_on;
use crate::cli::{Place, say};
use crate::data::DataDirectory;
use crate::wiring::{OpenLog, glance_at_views, open_log};

pub(super) const HELP: &str = "\
Nothing is done without --yes: the command then only tells what would move. The drive goes on meanwhile and does the work: a process with
the services saga and transfer must run. Ctrl-C pauses: what was asked for is still done, and the same command goes on from there.

Examples:
  cairn transfer migrate --from ceph --to oss
  cairn transfer migrate --from ceph --to oss --yes --bytes-per-second 50000000";

#[derive(Debug, Args)]
pub(in crate::cli) struct Migrate {
    /// The store that has the contents.
    #[arg(long, value_name = "STORE")]
    from: String,
    /// The store that shall have them.
    #[arg(long, value_name = "STORE")]
    to: String,
    /// Do it, instead of telling what would be done.
    #[arg(long)]
    yes: bool,
    /// Contents that may be on their way at once.
    #[arg(long, default_value_t = 64)]
    at_once: usize,
    /// Bytes that may be sent on their way in a second.
    #[arg(long, value_name = "BYTES")]
    bytes_per_second: Option<u64>,
    #[command(flatten)]
    place: Place,
    /// One JSON object instead of words.
    #[arg(long)]
    json: bool,
}

/// How often one looks what has become of those on their way.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What has become of the contents so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Tally {
    contents: u64,
    bytes: u64,
    moved: u64,
    /// Stalled, given up or damaged.
    left: u64,
}

impl Migrate {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.place.visit()?;
        self.check(&config)?;
        let data = DataDirectory::of(&config)?;
        let tables = glance_at_views(&config, &data).await?;
        let OpenLog { store: log, closing, .. } = open_log(&config, &data).await?;
        let migration = Migration { wish: &self, journal: journal_on(log.clone()), log, tables };
        let done = if self.yes { migration.carry_out().await } else { migration.tell().await };
        closing.close().await;
        done
    }

    fn check(&self, config: &Config) -> anyhow::Result<()> {
        for store in [&self.from, &self.to] {
            if !config.stores.contains_key(store) {
                bail!("there is no section [stores.{store}] in the configuration");
            }
        }
        if self.from == self.to {
            bail!("--from and --to are the same store");
        }
        Ok(())
    }
}

struct Migration<'a> {
    wish: &'a Migrate,
    log: Arc<dyn EventStore>,
    journal: Journal,
    tables: Arc<dyn ReadTables>,
}

impl Migration<'_> {
    /// The dry run.
    async fn tell(&self) -> anyhow::Result<ExitCode> {
        let tally = self.count().await?;
        let Migrate { from, to, json, .. } = self.wish;
        say(&if *json {
            json!({ "contents": tally.contents, "bytes": tally.bytes, "moved": 0, "left": tally.left, "dry_run": true }).to_string()
        } else {
            let Tally { contents, bytes, .. } = tally;
            format!("{contents} contents with {bytes} bytes would move from {from} to {to}. Nothing was done: --yes does it.")
        });
        Ok(ExitCode::SUCCESS)
    }

    async fn count(&self) -> anyhow::Result<Tally> {
        let (mut tally, mut after) = (Tally::default(), None);
        while let Some(page) = self.page(&mut after).await? {
            for sha256 in page {
                match self.way(sha256).await? {
                    Way::Open(wanted) => tally.add(wanted.request.size),
                    Way::Blocked => tally.left += 1,
                    Way::None => {}
                }
            }
        }
        Ok(tally)
    }

    async fn carry_out(&self) -> anyhow::Result<ExitCode> {
        let bar = progress_bar();
        let stop = CancellationToken::new();
        let on_signal = stop.clone();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                on_signal.cancel();
            }
        });
        let mut sent =
            Sent { migration: self, bar: &bar, under_way: VecDeque::new(), tally: Tally::default(), began: Instant::now() };
        let whole = stop.run_until_cancelled(sent.send_all()).await.transpose()?.is_some();
        let tally = sent.tally;
        bar.finish_and_clear();
        say(&self.report(tally, whole));
        Ok(if whole && tally.left == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn report(&self, tally: Tally, whole: bool) -> String {
        let Tally { contents, bytes, moved, left } = tally;
        let Migrate { from, to, json, .. } = self.wish;
        if *json {
            return json!({ "contents": contents, "bytes": bytes, "moved": moved, "left": left, "paused": !whole }).to_string();
        }
        let paused = if whole { "" } else { " Paused: the same command goes on from here." };
        let advice = if left == 0 { String::new() } else { format!(" {left} did not: see cairn transfer list --state stalled.") };
        format!("{moved} of {contents} contents that were sent on their way have moved from {from} to {to}.{advice}{paused}")
    }

    /// The next contents of the drive, whatever store they are in; none at the end.
    async fn page(&self, after: &mut Option<Sha256>) -> anyhow::Result<Option<Vec<Sha256>>> {
        let page = contents(&*self.tables, *after, PAGE_MAX).await.context("the read tables can't be read")?;
        *after = page.last().copied().or(*after);
        Ok(Some(page).filter(|page| !page.is_empty()))
    }

    /// What is to be done with a content.
    async fn way(&self, sha256: Sha256) -> anyhow::Result<Way> {
        let blob = self.journal.load::<Blob>(&StreamName::blob(sha256)).await?.state;
        let Some(health) = blob.health_in(&self.wish.from) else { return Ok(Way::None) };
        if health == Health::Damaged && blob.sound().next().is_none() {
            return Ok(Way::Blocked);
        }
        let Some(wanted) = wanted_by_hand(&*self.log, sha256, &self.wish.from, &self.wish.to).await? else { return Ok(Way::None) };
        let wanted = wanted.anew(&self.journal).await?;
        let phase = self.journal.load::<Transfer>(&StreamName::transfer(wanted.id)).await?.state.phase();
        Ok(if phase == Phase::Stalled { Way::Blocked } else { Way::Open(Box::new(wanted)) })
    }
}

/// Whether a content can go.
enum Way {
    /// It is not in the store.
    None,
    /// It can, perhaps it does already.
    Open(Box<Wanted>),
    /// An earlier transfer has stalled, or the content is damaged: somebody has to look.
    Blocked,
}

/// The contents that were sent on their way.
struct Sent<'a> {
    migration: &'a Migration<'a>,
    bar: &'a ProgressBar,
    under_way: VecDeque<(TransferId, u64)>,
    tally: Tally,
    began: Instant,
}

impl Sent<'_> {
    async fn send_all(&mut self) -> anyhow::Result<()> {
        let mut after = None;
        while let Some(page) = self.migration.page(&mut after).await? {
            for sha256 in page {
                match self.migration.way(sha256).await? {
                    Way::Open(wanted) => self.send(*wanted).await?,
                    Way::Blocked => self.tally.left += 1,
                    Way::None => {}
                }
            }
        }
        self.until_at_most(0).await
    }

    async fn send(&mut self, wanted: Wanted) -> anyhow::Result<()> {
        self.until_at_most(self.migration.wish.at_once.saturating_sub(1)).await?;
        if let Some(rate) = self.migration.wish.bytes_per_second.filter(|rate| *rate > 0) {
            let due = self.began + Duration::from_secs(self.tally.bytes / rate);
            tokio::time::sleep_until(due.into()).await;
        }
        let (id, size) = (wanted.id, wanted.request.size);
        request_transfer(&self.migration.journal, wanted).await?;
        self.tally.add(size);
        self.under_way.push_back((id, size));
        Ok(())
    }

    /// Waits until only so many are on their way.
    async fn until_at_most(&mut self, count: usize) -> anyhow::Result<()> {
        while self.under_way.len() > count {
            for _ in 0..self.under_way.len() {
                let Some((id, size)) = self.under_way.pop_front() else { break };
                match self.migration.journal.load::<Transfer>(&StreamName::transfer(id)).await?.state.phase() {
                    Phase::Completed => {
                        self.tally.moved += 1;
                        self.bar.inc(size);
                    }
                    Phase::Stalled | Phase::Abandoned => self.tally.left += 1,
                    Phase::Requested | Phase::Queued | Phase::Started => self.under_way.push_back((id, size)),
                }
            }
            if self.under_way.len() > count {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        Ok(())
    }
}

impl Tally {
    const fn add(&mut self, bytes: u64) {
        self.contents += 1;
        self.bytes += bytes;
    }
}

/// Shown on a terminal only, and on stderr. How much there is to do nobody knows who has not looked at every content: the work begins at once.
fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {bytes} moved  {bytes_per_sec}  {elapsed}");
    ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
}
