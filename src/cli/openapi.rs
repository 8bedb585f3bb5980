//! `cairn openapi`: the document that is committed as `openapi/cairn.yaml`.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

/// Print the `OpenAPI` document of the REST interface.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cairn openapi > cairn.yaml\n  cairn openapi --format json | jq '.paths | keys'")]
pub(super) struct Openapi {
    /// How to write it.
    #[arg(long, value_enum, default_value_t = Format::Yaml)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Yaml,
    Json,
}

impl Openapi {
    #[expect(clippy::unnecessary_wraps, reason = "every verb returns a result")]
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let document = match self.format {
            Format::Yaml => cairn_api::service::openapi_yaml(),
            Format::Json => cairn_api::service::openapi_json(),
        };
        super::say(document.trim_end());
        Ok(ExitCode::SUCCESS)
    }
}
