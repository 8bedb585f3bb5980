//! `cairn bench`: something to measure the tools with.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::bail;
use cairn_domain::Position;
use cairn_infra::config::Overrides;
use cairn_projections::sample::Sample;
use clap::{Args, Subcommand};
use serde_json::json;

use super::progress::events_bar;
use super::{Place, block_on, say};
use crate::data::DataDirectory;
use crate::wiring::open_destination;

/// Events that are put into the log at once.
const PAGE: usize = 4_096;

#[derive(Debug, Subcommand)]
pub(super) enum Bench {
    /// Fill an empty log with made-up events of a plausible drive, without contents.
    #[command(after_help = "\
Examples:
  cairn bench generate --data /tmp/sample
  cairn bench generate --events 1000000 --seed 7 --data /tmp/sample
  cairn projection rebuild --all --data /tmp/sample

The same seed makes the same events. Nobody can sign in there, and no file can be downloaded.")]
    Generate(Generate),
}

#[derive(Debug, Args)]
pub(super) struct Generate {
    /// How many events.
    #[arg(long, default_value_t = 100_000)]
    events: usize,
    /// What chance begins with.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    place: Place,
    /// One JSON object instead of words.
    #[arg(long)]
    json: bool,
}

impl Bench {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Generate(generate) => block_on(generate.fill()),
        }
    }
}

impl Generate {
    async fn fill(self) -> anyhow::Result<ExitCode> {
        let config = self.place.load(Overrides::default())?;
        let data = DataDirectory::create(&config.server.data)?;
        let _lock = data.lock()?;
        let destination = open_destination(&config, &data).await?;
        let intake = destination.intake();
        if destination.shows_at_once() && !intake.held(Position::START, 1).await?.is_empty() {
            bail!("the log is not empty: made-up events are put into a log of their own");
        }
        // What an import has left that was interrupted.
        intake.forget_after(Position::START).await?;
        let bar = events_bar(self.events as u64);
        let started = Instant::now();
        let mut events = Sample::new(self.seed).take(self.events);
        loop {
            let page: Vec<_> = events.by_ref().take(PAGE).collect();
            if page.is_empty() {
                break;
            }
            let count = page.len() as u64;
            intake.take_in(page).await?;
            bar.inc(count);
        }
        bar.finish_and_clear();
        drop(intake);
        destination.finish().await?;
        let (events, seconds) = (self.events, started.elapsed().as_secs_f64());
        say(&if self.json {
            json!({ "events": events, "seconds": seconds }).to_string()
        } else {
            format!("Made {events} events in {seconds:.1} s.")
        });
        Ok(ExitCode::SUCCESS)
    }
}
