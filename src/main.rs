//! Cairn, the binary: it reads the command line and the configuration and puts the crates together.

mod backup_directory;
mod cli;
mod data;
mod lifecycle;
mod steering;
mod telemetry;
mod unusable;
mod wiring;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
