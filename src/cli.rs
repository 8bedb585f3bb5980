//! The command line. One verb, one file.

mod backup;
mod bench;
mod carry;
mod completions;
mod config_check;
mod doctor;
mod events;
mod man;
mod migrate;
mod moment;
mod openapi;
mod progress;
mod projection;
mod replay;
mod restore;
mod serve;
mod transfer;
mod user;
mod voice;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use cairn_infra::config::{Config, Overrides, load};
use clap::{Args, Parser, Subcommand};

use self::voice::{is_heard, note, say};
use crate::unusable::Unusable;

/// An event-sourced cloud drive.
#[derive(Debug, Parser)]
#[command(name = "cairn", version, about, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

const EXAMPLES: &str = "\
Examples:
  cairn serve                          the drive on http://127.0.0.1:8080, data in ./cairn-data
  cairn serve --listen 0.0.0.0:80 --data /srv/cairn
  cairn events tail -f                 watch what happens
  cairn projection verify              compare the read tables with the log
  cairn replay --until 2026-11-30 --user alice --list";

/// Where the drive's configuration and data are.
#[derive(Debug, Clone, Args)]
struct Place {
    /// The configuration file (TOML).
    #[arg(long, env = "CAIRN_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data directory [default: ./cairn-data].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the drive.
    Serve(serve::Serve),
    /// See what is on the log.
    Events {
        #[command(subcommand)]
        verb: events::Events,
    },
    /// See, verify and rebuild the read tables.
    Projection {
        #[command(subcommand)]
        verb: projection::Projection,
    },
    Replay(replay::Replay),
    /// See and steer how contents move between stores.
    Transfer {
        #[command(subcommand)]
        verb: transfer::Transfer,
    },
    /// Copy the whole drive into a directory.
    Backup(backup::Backup),
    /// Make a drive out of a backup.
    Restore(restore::Restore),
    /// Say what is the matter with the drive, and what to do about it.
    Doctor(doctor::Doctor),
    /// Make somebody an operator.
    User {
        #[command(subcommand)]
        verb: user::User,
    },
    /// Bring the schema of the databases up to date.
    Migrate(migrate::Migrate),
    /// Make something to measure with.
    Bench {
        #[command(subcommand)]
        verb: bench::Bench,
    },
    /// Explain the configuration.
    Config {
        #[command(subcommand)]
        verb: config_check::ConfigVerb,
    },
    /// Print the `OpenAPI` document of the REST interface.
    Openapi(openapi::Openapi),
    /// Print the completions of this command line for a shell.
    Completions(completions::Completions),
    /// Write the manual pages.
    Man(man::Man),
}

/// It was done, and what was found or made has something missing or wrong in it, which is named.
const EXIT_FINDINGS: u8 = 3;

/// The configuration or the command line can't be used: nothing was done.
const EXIT_UNUSABLE: u8 = 2;

/// Runs what the command line says.
pub(crate) fn run() -> ExitCode {
    let ended = match Cli::try_parse() {
        Ok(cli) => dispatch(cli.verb),
        Err(instead) => print_instead(&instead),
    };
    let ended = ended.and_then(|code| voice::failure().map_or(Ok(code), |error| Err(error).context(NOT_SAID)));
    ended.unwrap_or_else(|error| {
        note(&format!("cairn: {}", explained(&error)));
        let unusable = error.downcast_ref::<Unusable>().is_some();
        ExitCode::from(if unusable { EXIT_UNUSABLE } else { 1 })
    })
}

const NOT_SAID: &str = "not everything could be written to standard output";

/// A help text that was asked for, or what is wrong with the command line.
fn print_instead(text: &clap::Error) -> anyhow::Result<ExitCode> {
    match text.print() {
        Err(error) if !text.use_stderr() && !voice::is_closed_pipe(&error) => Err(error).context(NOT_SAID),
        _ => Ok(ExitCode::from(if text.use_stderr() { EXIT_UNUSABLE } else { 0 })),
    }
}

fn dispatch(verb: Verb) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::Serve(serve) => serve.run(),
        Verb::Events { verb } => verb.run(),
        Verb::Projection { verb } => verb.run(),
        Verb::Replay(replay) => replay.run(),
        Verb::Transfer { verb } => verb.run(),
        Verb::Bench { verb } => verb.run(),
        Verb::Doctor(doctor) => doctor.run(),
        Verb::Backup(backup) => backup.run(),
        Verb::Restore(restore) => restore.run(),
        Verb::User { verb } => verb.run(),
        Verb::Migrate(migrate) => migrate.run(),
        Verb::Config { verb } => verb.run(),
        Verb::Openapi(openapi) => openapi.run(),
        Verb::Completions(completions) => completions.run(),
        Verb::Man(man) => man.run(),
    }
}

impl Place {
    fn load(&self, flags: Overrides) -> anyhow::Result<Config> {
        let flags = Overrides { data: self.data.clone(), ..flags };
        let loaded = load(self.config.as_deref(), std::env::vars(), flags);
        loaded.map_err(anyhow::Error::from).context(Unusable)
    }
}

impl Place {
    /// For a verb that only looks, or does one small thing, perhaps beside a drive of another version: the schema is not its to change.
    fn visit(&self) -> anyhow::Result<Config> {
        let mut config = self.load(Overrides::default())?;
        config.server.migrate = false;
        Ok(config)
    }
}

/// Threads for work that blocks. It is short, on files of this machine; with tokio's limit of 512 some hundred threads came up under
/// 32 uploads, took some ten MiB and brought nothing (measured).
const BLOCKING_THREADS_MAX: usize = 64;

/// A runtime for a verb that does one thing and ends.
fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.enable_all().max_blocking_threads(BLOCKING_THREADS_MAX).build();
    runtime.context("the runtime does not start")?.block_on(work)
}

/// An error with its causes, for people.
fn explained(error: &anyhow::Error) -> String {
    let marks = usize::from(error.downcast_ref::<Unusable>().is_some());
    let mut causes: Vec<String> = error.chain().skip(marks).map(ToString::to_string).collect();
    // Some libraries put the cause into the text as well.
    causes.dedup_by(|cause, text| text.ends_with(&*cause));
    causes.join(": ")
}

/// A point in time for people: RFC 3339, UTC.
fn rfc3339(time: cairn_domain::Timestamp) -> String {
    jiff::Timestamp::from_microsecond(time.0).map_or_else(|_| time.0.to_string(), |time| format!("{time:.6}"))
}
