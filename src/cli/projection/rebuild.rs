use std::process::ExitCode;

use clap::Args;

use super::order::Steering;
use crate::steering::Order;

pub(super) const HELP: &str = "\
Examples:
  cairn projection rebuild --all
  cairn projection rebuild --all --hold        make the new tables and let them wait
  cairn projection promote                     bring them to the end of the log and put them in place
  cairn projection rebuild --discard --yes     or forget them

The old tables stay in place until the new ones are complete, and are kept then: see rollback. After ctrl-C the same verb goes on from where it was.
While a drive runs on the data directory, it does the work. --anew acts at once: the same rows are made again.";

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(in crate::cli) struct Rebuild {
    /// The projection; the tables of all are one database and are made together.
    #[arg(required_unless_present_any = ["all", "discard"])]
    name: Option<String>,
    /// All of them.
    #[arg(long, conflicts_with = "name")]
    all: bool,
    /// From the start, also when an earlier rebuild was stopped.
    #[arg(long)]
    anew: bool,
    /// Let the new tables wait until they are promoted.
    #[arg(long)]
    hold: bool,
    /// Forget what an earlier rebuild has left, and make nothing. Only says so, until --yes.
    #[arg(long, conflicts_with_all = ["name", "all", "anew", "hold"])]
    discard: bool,
    /// Do it.
    #[arg(long, requires = "discard")]
    yes: bool,
    #[command(flatten)]
    steering: Steering,
}

impl Rebuild {
    pub(super) async fn make(self) -> anyhow::Result<ExitCode> {
        let Self { name, anew, hold, discard, yes, steering, .. } = self;
        if discard && !yes {
            return steering.tell_of_discard();
        }
        let order = if discard { Order::Discard } else { Order::Rebuild { name, anew, hold } };
        steering.give(order).await
    }
}
