//! `cairn doctor`: what is the matter with a drive, and what to do about it.

mod checks;
mod place;

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{EXIT_UNUSABLE, Place, block_on, explained, say};

/// Look at the configuration, the servers and the drive, and say what is wrong and what to do about it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cairn doctor --config cairn.toml
  cairn doctor --json | jq 'select(.health != \"well\")'

The drive may be running, or not. The exit code is 0 when nothing keeps it from working, 2 when the configuration can't be read, and 1 otherwise. What the drive makes in its servers when it
starts (a queue, a stream) is made if it is not there.")]
pub(super) struct Doctor {
    #[command(flatten)]
    place: Place,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Well,
    /// It works, and somebody should look at it.
    Mind,
    /// It does not work.
    Ill,
}

/// What was seen of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    what: String,
    health: Health,
    said: String,
    /// What to do; none when all is well.
    advice: Option<String>,
}

impl Doctor {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        block_on(async move {
            let mut ill = false;
            let mut tell = |seen: Seen| {
                ill |= seen.health == Health::Ill;
                say(&if self.json { seen.as_json() } else { seen.as_line() });
            };
            tell(Seen::well("program", concat!("cairn ", env!("CARGO_PKG_VERSION"))));
            let config = match self.place.visit() {
                Ok(config) => config,
                Err(error) => {
                    tell(Seen::ill("configuration", explained(&error), "mend it; `cairn config check` explains it"));
                    return Ok(ExitCode::from(EXIT_UNUSABLE));
                }
            };
            checks::all(&config, &mut tell).await;
            Ok(if ill { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        })
    }
}

impl Seen {
    fn well(what: impl Into<String>, said: impl Into<String>) -> Self {
        Self { what: what.into(), health: Health::Well, said: said.into(), advice: None }
    }

    fn mind(what: impl Into<String>, said: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what: what.into(), health: Health::Mind, said: said.into(), advice: Some(advice.into()) }
    }

    fn ill(what: impl Into<String>, said: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what: what.into(), health: Health::Ill, said: said.into(), advice: Some(advice.into()) }
    }

    fn as_line(&self) -> String {
        let mark = match self.health {
            Health::Well => "ok  ",
            Health::Mind => "mind",
            Health::Ill => "ILL ",
        };
        let advice = self.advice.as_ref().map_or_else(String::new, |advice| format!(" -> {advice}"));
        format!("{mark}  {:<16} {}{advice}", self.what, self.said)
    }

    fn as_json(&self) -> String {
        let health = match self.health {
            Health::Well => "well",
            Health::Mind => "mind",
            Health::Ill => "ill",
        };
        json!({ "what": self.what, "health": health, "said": self.said, "advice": self.advice }).to_string()
    }
}
