use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use cairn_projections::runner::Rebuilt;
use clap::Args;
use serde_json::json;

use crate::cli::progress::{Bar, stop_on_signal};
use crate::cli::{Place, say};
use crate::data::DataDirectory;
use crate::wiring::{Foundation, Who, keeps_views};

#[derive(Debug, Args)]
pub(in crate::cli) struct Rebuild {
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

impl Rebuild {
    pub(super) async fn make(self) -> anyhow::Result<ExitCode> {
        let config = self.place.visit()?;
        let data = DataDirectory::of(&config)?;
        let _lock = if keeps_views(&config)? { Some(data.lock()?) } else { None };
        let foundation = Foundation::open(&config, &data, Who::Visitor).await?;
        let stop = stop_on_signal()?;
        let bar = Bar::new();
        let started = Instant::now();
        let rebuilt = foundation.runner.rebuild(self.name.as_deref(), &|progress| bar.show(progress), &stop).await;
        let seconds = started.elapsed().as_secs_f64();
        drop(bar);
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
