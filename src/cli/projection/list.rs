use std::process::ExitCode;

use anyhow::Context;
use cairn_projections::ports::Checkpoint;
use cairn_projections::queries::operations::{checkpoints, parked_counts};
use clap::Args;
use serde_json::json;

use crate::cli::{Place, rfc3339, say};
use crate::data::DataDirectory;
use crate::wiring::{glance_at_views, open_log};

#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    place: Place,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

impl List {
    pub(super) async fn print(self) -> anyhow::Result<ExitCode> {
        let config = self.place.visit()?;
        let data = DataDirectory::of(&config)?;
        let tables = glance_at_views(&config, &data).await?;
        let log = open_log(&config, &data).await?;
        let head = log.store.head().await?;
        if !self.json {
            say(&format!("{:<12} {:>7} {:>12} {:>8} {:>7}  {}", "NAME", "VERSION", "POSITION", "LAG", "PARKED", "UPDATED"));
        }
        let parked = parked_counts(&*tables).await.context("the read tables can't be read")?;
        for checkpoint in checkpoints(&*tables).await.context("the read tables can't be read")? {
            let parked = parked.get(&checkpoint.projection).copied().unwrap_or_default();
            let lag = head.0.saturating_sub(checkpoint.position.0);
            let line = if self.json { as_json } else { as_line };
            say(&line(&checkpoint, lag, parked));
        }
        log.closing.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

fn as_line(checkpoint: &Checkpoint, lag: u64, parked: u64) -> String {
    let Checkpoint { projection, version, position, updated_at, .. } = checkpoint;
    let updated = rfc3339(*updated_at);
    format!("{projection:<12} {version:>7} {position:>12} {lag:>8} {parked:>7}  {updated}")
}

fn as_json(checkpoint: &Checkpoint, lag: u64, parked: u64) -> String {
    let Checkpoint { projection, version, position, updated_at, paused, .. } = checkpoint;
    let updated_at = rfc3339(*updated_at);
    json!({
        "name": projection, "version": version, "position": position, "lag": lag, "parked": parked, "updated_at": updated_at,
        "paused": paused,
    })
    .to_string()
}
