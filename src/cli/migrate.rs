//! `cairn migrate`: the schema of the databases, for drives that must not change it themselves.

use std::process::ExitCode;

use cairn_infra::config::Overrides;
use clap::Args;

use super::{Place, block_on, say};
use crate::data::DataDirectory;
use crate::wiring::{Foundation, Who};

/// Bring the schema of the databases up to date.
#[derive(Debug, Args)]
#[command(after_help = "A drive with `server.migrate = false` needs this before its first start and after an upgrade.")]
pub(super) struct Migrate {
    #[command(flatten)]
    place: Place,
}

impl Migrate {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let mut config = self.place.load(Overrides::default())?;
        config.server.migrate = true;
        block_on(async {
            let data = DataDirectory::create(&config.server.data)?;
            Foundation::open(&config, &data, Who::Visitor).await?.close().await;
            say("The schema is up to date.");
            Ok(ExitCode::SUCCESS)
        })
    }
}
