use std::path::PathBuf;
use std::process::ExitCode;

use cairn_commands::archive::Manifest;
use clap::Args;
use serde_json::json;

use super::{Place, open};
use crate::cli::voice::is_closed_pipe;
use crate::cli::{carry, note, say};
use crate::wiring::OpenLog;

#[derive(Debug, Args)]
pub(in crate::cli) struct Export {
    /// The file to be made; "-" for standard output. It is compressed if its name ends with ".zst".
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Compress it (zstd), whatever it is called.
    #[arg(long)]
    zstd: bool,
    /// Go on with a file that is there: where it was cut off, or with what has been appended since.
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    place: Place,
    /// Print the manifest as one JSON object instead of words.
    #[arg(long)]
    json: bool,
}

impl Export {
    pub(super) async fn write(self) -> anyhow::Result<ExitCode> {
        let OpenLog { store: log, closing, .. } = open(&self.place).await?;
        let exported = carry::export(log, &self.file, self.zstd, self.resume).await;
        closing.close().await;
        let manifest = match exported {
            // Whoever reads from the pipe has enough: like a listing, it ends.
            Err(error) if carry::is_pipe(&self.file) && error.downcast_ref().is_some_and(is_closed_pipe) => {
                return Ok(ExitCode::SUCCESS);
            }
            exported => exported?,
        };
        let Manifest { events, digest, .. } = manifest;
        let said =
            if self.json { json!(manifest).to_string() } else { format!("Exported {events} events; their digest is {digest}.") };
        // Standard output has the events.
        if carry::is_pipe(&self.file) {
            note(&said);
        } else {
            say(&said);
        }
        Ok(ExitCode::SUCCESS)
    }
}
