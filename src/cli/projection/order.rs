//! Verbs that whoever writes the read tables has to carry out.

use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use serde_json::{Value, json};

use super::chosen;
use crate::cli::progress::{Bar, stop_on_signal};
use crate::cli::{Place, say};
use crate::data::DataDirectory;
use crate::steering::{Hand, Order, Outcome};

/// Where, and how it is told what came of it.
#[derive(Debug, Args)]
pub(in crate::cli) struct Steering {
    #[command(flatten)]
    place: Place,
    /// JSON instead of words, one object a line.
    #[arg(long)]
    json: bool,
}

/// Which projection.
#[derive(Debug, Args)]
pub(in crate::cli) struct Which {
    /// The projection.
    #[arg(required_unless_present = "all")]
    name: Option<String>,
    /// All of them.
    #[arg(long, conflicts_with = "name")]
    all: bool,
    #[command(flatten)]
    steering: Steering,
}

impl Which {
    pub(super) async fn pause(self) -> anyhow::Result<ExitCode> {
        self.steering.give(Order::Pause { name: self.name }).await
    }

    pub(super) async fn resume(self) -> anyhow::Result<ExitCode> {
        self.steering.give(Order::Resume { name: self.name }).await
    }
}

impl Steering {
    /// The dry run: hours of work may be in what would be forgotten.
    pub(super) fn tell_of_discard(&self) -> anyhow::Result<ExitCode> {
        DataDirectory::of(&self.place.visit()?)?;
        say(&if self.json {
            json!({ "discarded": false, "dry_run": true }).to_string()
        } else {
            "The tables of a rebuild that was stopped or held would be forgotten, if there are any. Nothing was done: --yes does it.".to_owned()
        });
        Ok(ExitCode::SUCCESS)
    }

    /// Ends with 1 when something is parked after all.
    pub(super) async fn give(self, order: Order) -> anyhow::Result<ExitCode> {
        let name = match &order {
            Order::Rebuild { name, .. } | Order::Pause { name } | Order::Resume { name } | Order::Retry { name } => name.clone(),
            Order::Discard | Order::Promote | Order::RollBack => None,
        };
        let names = chosen(name.as_deref())?;
        let config = self.place.visit()?;
        let hand = Hand::of(&config, &DataDirectory::of(&config)?).await?;
        let stop = stop_on_signal()?;
        let bar = Bar::new();
        let started = Instant::now();
        let pauses = matches!(order, Order::Pause { .. });
        let done = hand.carry_out(order, &|progress| bar.show(progress), &stop).await;
        let seconds = started.elapsed().as_secs_f64();
        drop(bar);
        let outcome = done?;
        for (words, json) in told(&outcome, seconds, pauses, &names) {
            say(&if self.json { json.to_string() } else { words });
        }
        let left = matches!(&outcome, Outcome::Retried(all) if all.iter().any(|(_, _, left)| *left > 0));
        Ok(if left { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn told(outcome: &Outcome, seconds: f64, pauses: bool, names: &[&str]) -> Vec<(String, Value)> {
    match outcome {
        Outcome::Rebuilt { position, parked, promoted } => {
            let next = if *promoted { "" } else { " They wait: cairn projection promote" };
            vec![(
                format!("Rebuilt up to position {position} in {seconds:.2} s; {parked} events are parked.{next}"),
                json!({ "position": position, "parked": parked, "promoted": promoted, "seconds": seconds }),
            )]
        }
        Outcome::Discarded(discarded) => {
            let words = if *discarded { "What was made is forgotten." } else { "There was nothing to forget." };
            vec![(words.to_owned(), json!({ "discarded": discarded }))]
        }
        Outcome::RolledBack(position) => vec![(
            format!(
                "The tables from before are in place; they stood at position {position} and have caught up. Once more takes it back."
            ),
            json!({ "stood_at": position }),
        )],
        Outcome::Steered => {
            let does = if pauses { "stands still" } else { "goes on" };
            names.iter().map(|name| (format!("{name:<12} {does}"), json!({ "name": name, "paused": pauses }))).collect()
        }
        Outcome::Retried(all) => {
            let line = |(name, applied, left): &(String, u64, u64)| {
                let words = format!("{name:<12} {applied} applied, {left} still parked");
                (words, json!({ "name": name, "applied": applied, "left": left }))
            };
            all.iter().map(line).collect()
        }
    }
}
