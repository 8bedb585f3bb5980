//! `cairn projection`: the read tables, whether they are right, and how they are made anew.

mod list;
mod order;
mod parked;
mod rebuild;
pub(super) mod status;
mod verify;

use std::process::ExitCode;

use anyhow::bail;
use cairn_projections::projections;
use clap::{Args, Subcommand};

use super::block_on;
use crate::steering::Order;

#[derive(Debug, Subcommand)]
pub(super) enum Projection {
    /// Print every projection and how far it has come.
    #[command(after_help = "Examples:\n  cairn projection list\n  cairn projection list --json | jq 'select(.lag > 1000)'")]
    List(list::List),
    /// Say whether the projections are well, and what to do when one is not; ends with 1 then.
    #[command(after_help = "Examples:\n  cairn projection status\n  cairn projection status --json | jq 'select(.advice)'")]
    Status(status::Status),
    /// Make the rows again beside the read tables and print those that differ; ends with 1 when there are any.
    #[command(after_help = verify::HELP)]
    Verify(verify::Verify),
    /// Make the read tables anew from the log.
    #[command(after_help = rebuild::HELP)]
    Rebuild(rebuild::Rebuild),
    /// Put the tables of a rebuild in place that was held, or stopped.
    #[command(
        after_help = "Example:\n  cairn projection rebuild --all --hold && cairn projection promote\n\nIt acts at once: rollback takes it back."
    )]
    Promote(order::Steering),
    /// Put back the tables that the last rebuild has replaced, and bring them to the end of the log. Once more takes it back.
    #[command(
        after_help = "Example:\n  cairn projection rollback && cairn projection verify\n\nIt acts at once: the same again takes it back."
    )]
    Rollback(order::Steering),
    /// Let a projection stand still, until it is told to go on or its tables are made anew.
    #[command(after_help = "Example:\n  cairn projection pause files")]
    Pause(order::Which),
    /// Let a projection go on from where it stands.
    #[command(after_help = "Example:\n  cairn projection resume --all")]
    Resume(order::Which),
    /// Print the events that could not be projected, and why.
    #[command(after_help = "Examples:\n  cairn projection parked\n  cairn projection parked files --json")]
    Parked(parked::ParkedEvents),
    /// Try the parked events again, in the order of the log; ends with 1 when some are still parked.
    #[command(after_help = "Examples:\n  cairn projection retry\n  cairn projection retry files")]
    Retry(Retry),
}

#[derive(Debug, Args)]
pub(super) struct Retry {
    /// Only those of this projection.
    name: Option<String>,
    #[command(flatten)]
    steering: order::Steering,
}

impl Projection {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => block_on(list.print()),
            Self::Status(status) => block_on(status.print()),
            Self::Verify(verify) => block_on(verify.run()),
            Self::Rebuild(rebuild) => block_on(rebuild.make()),
            Self::Parked(parked) => block_on(parked.print()),
            Self::Promote(steering) => block_on(steering.give(Order::Promote)),
            Self::Rollback(steering) => block_on(steering.give(Order::RollBack)),
            Self::Pause(which) => block_on(which.pause()),
            Self::Resume(which) => block_on(which.resume()),
            Self::Retry(Retry { name, steering }) => block_on(steering.give(Order::Retry { name })),
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
