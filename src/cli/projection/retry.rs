use std::process::ExitCode;

use cairn_projections::Runner;
use cairn_projections::runner::Retried;
use clap::Args;
use serde_json::json;

use super::chosen;
use crate::cli::{Place, say};
use crate::data::DataDirectory;
use crate::wiring::{Foundation, Who, keeps_views};

#[derive(Debug, Args)]
pub(in crate::cli) struct Retry {
    /// Only those of this projection.
    name: Option<String>,
    #[command(flatten)]
    place: Place,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

impl Retry {
    /// Ends with 1 when something is still parked.
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let names = chosen(self.name.as_deref())?;
        let config = self.place.visit()?;
        let data = DataDirectory::of(&config)?;
        let _lock = if keeps_views(&config)? { Some(data.lock()?) } else { None };
        let foundation = Foundation::open(&config, &data, Who::Visitor).await?;
        let left = self.retry(&foundation.runner, &names).await;
        foundation.close().await;
        Ok(if left? == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn retry(&self, runner: &Runner, names: &[&str]) -> anyhow::Result<u64> {
        let mut all_left = 0;
        for name in names {
            let Retried { applied, left } = runner.retry_parked(name).await?;
            all_left += left;
            say(&if self.json {
                json!({ "name": name, "applied": applied, "left": left }).to_string()
            } else {
                format!("{name:<12} {applied} applied, {left} still parked")
            });
        }
        Ok(all_left)
    }
}
