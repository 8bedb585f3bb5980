//! `cairn config check`: what the drive would run with.

use std::process::ExitCode;

use anyhow::Context;
use cairn_infra::config::Overrides;
use clap::Subcommand;

use super::{Place, say};

#[derive(Debug, Subcommand)]
pub(super) enum ConfigVerb {
    /// Read the configuration from all its sources and print what comes of it.
    #[command(after_help = "\
Examples:
  cairn config check --config cairn.toml
  CAIRN_LIMITS__PARTS_MAX=500 cairn config check --json | jq .limits

Later sources override earlier ones: defaults, the file, CAIRN_<SECTION>__<KEY> in the environment, flags.")]
    Check(Check),
}

#[derive(Debug, clap::Args)]
pub(super) struct Check {
    #[command(flatten)]
    place: Place,
    /// One JSON object instead of lines.
    #[arg(long)]
    json: bool,
}

impl ConfigVerb {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let Self::Check(check) = self;
        let config = check.place.load(Overrides::default())?;
        let value = serde_json::to_value(&config).context("the configuration can't be shown")?;
        if check.json {
            say(&value.to_string());
            return Ok(ExitCode::SUCCESS);
        }
        for (section, keys) in value.as_object().into_iter().flatten() {
            say(&format!("[{section}]"));
            for (key, value) in keys.as_object().into_iter().flatten() {
                say(&format!("{key} = {value}"));
            }
            say("");
        }
        say("The configuration is valid.");
        Ok(ExitCode::SUCCESS)
    }
}
