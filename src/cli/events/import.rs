use std::path::PathBuf;
use std::process::ExitCode;

use cairn_infra::config::Overrides;
use clap::Args;
use serde_json::json;

use super::Place;
use crate::cli::carry::{self, Extent, Imported};
use crate::cli::say;
use crate::data::DataDirectory;
use crate::wiring::open_destination;

#[derive(Debug, Args)]
pub(in crate::cli) struct Import {
    /// The exported file; "-" for standard input. Whether it is compressed is seen.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    place: Place,
    /// One JSON object instead of words.
    #[arg(long)]
    json: bool,
}

impl Import {
    pub(super) async fn read(self) -> anyhow::Result<ExitCode> {
        let config = self.place.load(Overrides::default())?;
        carry::check_kind(&self.file)?;
        let data = DataDirectory::create(&config.server.data)?;
        let _lock = data.lock()?;
        let destination = open_destination(&config, &data).await?;
        if destination.shows_at_once() {
            carry::check(&self.file).await?;
        }
        let Imported { manifest, taken } = carry::import(destination, &self.file, Extent::Whole).await?;
        let (events, digest) = (manifest.events, manifest.digest);
        say(&if self.json {
            json!({ "events": events, "imported": taken, "digest": digest }).to_string()
        } else {
            format!("Imported {taken} events, {} were there already; the digest of all is {digest}.", events - taken)
        });
        Ok(ExitCode::SUCCESS)
    }
}
