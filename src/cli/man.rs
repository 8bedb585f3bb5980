//! `cairn man`: the manual, as pages for `man`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, CommandFactory};

use super::{Cli, say};

/// Write the manual pages: one for the program and one for each verb.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cairn man ~/.local/share/man/man1 && man cairn-events-list")]
pub(super) struct Man {
    /// Where they are written; the directory must be there.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

impl Man {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let directory = self.directory.display();
        let written = clap_mangen::generate_to(Cli::command(), &self.directory);
        written.with_context(|| format!("the manual can't be written to {directory}"))?;
        say(&format!("The manual is in {directory}."));
        Ok(ExitCode::SUCCESS)
    }
}
