use std::process::ExitCode;

use anyhow::Context;
use cairn_domain::Position;
use cairn_projections::ports::Parked;
use cairn_projections::queries::PAGE_MAX;
use cairn_projections::queries::operations::parked;
use clap::Args;
use serde_json::json;

use super::chosen;
use crate::cli::{Place, is_heard, rfc3339, say};
use crate::data::DataDirectory;
use crate::wiring::glance_at_views;

#[derive(Debug, Args)]
pub(in crate::cli) struct ParkedEvents {
    /// Only those of this projection.
    name: Option<String>,
    #[command(flatten)]
    place: Place,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

impl ParkedEvents {
    pub(super) async fn print(self) -> anyhow::Result<ExitCode> {
        let names = chosen(self.name.as_deref())?;
        let config = self.place.visit()?;
        let tables = glance_at_views(&config, &DataDirectory::of(&config)?).await?;
        let line = if self.json { as_json } else { as_line };
        for name in names {
            let mut after = Position::START;
            while is_heard() {
                let page = parked(&*tables, name, after, PAGE_MAX).await.context("the read tables can't be read")?;
                let Some(last) = page.last() else { break };
                after = last.position;
                for event in &page {
                    say(&line(event));
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn as_line(event: &Parked) -> String {
    let Parked { projection, stream, position, name, reason, .. } = event;
    format!("{projection:<12} {position:>12}  {}  {name:<18} {stream}  {reason}", rfc3339(event.parked_at))
}

fn as_json(event: &Parked) -> String {
    let Parked { projection, stream, position, event: id, name, reason, parked_at } = event;
    let parked_at = rfc3339(*parked_at);
    json!({
        "projection": projection, "position": position, "stream": stream, "id": id, "type": name, "reason": reason,
        "parked_at": parked_at,
    })
    .to_string()
}
