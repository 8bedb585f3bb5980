use std::process::ExitCode;

use anyhow::bail;
use cairn_commands::ports::event_store::EventStore;
use cairn_commands::timeline::timeline;
use cairn_domain::transfer::TransferEvent;
use cairn_domain::{Event, Sha256, StreamName, TransferId, Version, codec};
use clap::Args;

use crate::cli::events::{as_json, as_line};
use crate::cli::{Place, say};
use crate::data::DataDirectory;
use crate::wiring::{OpenLog, open_log};

#[derive(Debug, Args)]
pub(in crate::cli) struct Show {
    /// The id of a transfer, or the SHA-256 of a content.
    #[arg(value_name = "ID|SHA256")]
    what: String,
    /// Entries of the content whose story is told as well, at most.
    #[arg(long, default_value_t = 10)]
    entries: usize,
    #[command(flatten)]
    place: Place,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) async fn print(self) -> anyhow::Result<ExitCode> {
        let config = self.place.visit()?;
        let OpenLog { store: log, closing, .. } = open_log(&config, &DataDirectory::of(&config)?).await?;
        let sha256 = content(&*log, &self.what).await?;
        let stores: Vec<&str> = config.stores.keys().map(String::as_str).collect();
        let events = timeline(&*log, sha256, &stores, self.entries).await?;
        closing.close().await;
        if events.is_empty() {
            bail!("no content with the SHA-256 {sha256} was ever stored here");
        }
        for event in &events {
            say(&if self.json { as_json(event).to_string() } else { as_line(event) });
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn content(log: &dyn EventStore, what: &str) -> anyhow::Result<Sha256> {
    if let Ok(sha256) = what.parse() {
        return Ok(sha256);
    }
    let Ok(id) = what.parse::<TransferId>() else {
        bail!("{what:?} is neither the id of a transfer nor a SHA-256");
    };
    let first = log.read_stream(&StreamName::transfer(id), Version(0), 1).await?;
    match first.first().map(codec::decode).transpose()? {
        Some(Event::Transfer(TransferEvent::TransferRequested(requested))) => Ok(requested.sha256),
        _ => bail!("there is no transfer {id}"),
    }
}
