//! `cairn migrate`: the schema of the databases, for drives that must not change it themselves.

use std::process::ExitCode;

use cairn_infra::config::Overrides;
use clap::Args;
use serde_json::json;

use super::{Place, block_on, say};
use crate::data::DataDirectory;
use crate::wiring::{Foundation, Who};

/// Bring the schema of the databases up to date.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cairn migrate --config cairn.toml
  cairn migrate --data /srv/cairn --json

A drive with `server.migrate = false` needs this before its first start and after an upgrade. Verbs that only look leave an older schema as it is, and ask for this.")]
pub(super) struct Migrate {
    #[command(flatten)]
    place: Place,
    /// One JSON object instead of words.
    #[arg(long)]
    json: bool,
}

impl Migrate {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let mut config = self.place.load(Overrides::default())?;
        config.server.migrate = true;
        block_on(async {
            let data = DataDirectory::create(&config.server.data)?;
            Foundation::open(&config, &data, Who::Visitor).await?.close().await;
            say(&if self.json { json!({ "migrated": true }).to_string() } else { "The schema is up to date.".to_owned() });
            Ok(ExitCode::SUCCESS)
        })
    }
}
