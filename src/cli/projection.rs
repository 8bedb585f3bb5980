//! `cairn projection`: the read tables, whether they are right, and how they are made anew.

mod list;
mod parked;
mod rebuild;
mod retry;
pub(super) mod status;
mod verify;

use std::process::ExitCode;

use anyhow::bail;
use cairn_projections::projections;
use clap::Subcommand;

use super::block_on;

#[derive(Debug, Subcommand)]
pub(super) enum Projection {
    /// Print every projection and how far it has come.
    List(list::List),
    /// Say whether the projections are well, and what to do when one is not; ends with 1 then.
    #[command(after_help = "Examples:\n  cairn projection status\n  cairn projection status --json | jq 'select(.advice)'")]
    Status(status::Status),
    /// Make the rows again beside the read tables and print those that differ; ends with 1 when there are any.
    #[command(after_help = verify::HELP)]
    Verify(verify::Verify),
    /// Make the read tables anew from the log. Where they are a file, the drive must not run.
    #[command(after_help = "The old tables stay in place until the new ones are complete; ctrl-C leaves everything as it was.")]
    Rebuild(rebuild::Rebuild),
    /// Print the events that could not be projected, and why.
    #[command(after_help = "Examples:\n  cairn projection parked\n  cairn projection parked files --json")]
    Parked(parked::ParkedEvents),
    /// Try the parked events again, in the order of the log. Where the tables are a file, the drive must not run.
    #[command(after_help = "Examples:\n  cairn projection retry\n  cairn projection retry files")]
    Retry(retry::Retry),
}

impl Projection {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => block_on(list.print()),
            Self::Status(status) => block_on(status.print()),
            Self::Verify(verify) => block_on(verify.run()),
            Self::Rebuild(rebuild) => block_on(rebuild.make()),
            Self::Parked(parked) => block_on(parked.print()),
            Self::Retry(retry) => block_on(retry.run()),
        }
    }
}

/// The projection of that name, or all of them.
fn chosen(name: Option<&str>) -> anyhow::Result<Vec<&'static str>> {
    let all: Vec<&'static str> = projections().iter().map(|projection| projection.name()).collect();
    let Some(name) = name else { return Ok(all) };
    match all.iter().find(|known| **known == name) {
        Some(known) => Ok(vec![known]),
        None => bail!("there is no projection named {name}: there are {}", all.join(", ")),
    }
}
