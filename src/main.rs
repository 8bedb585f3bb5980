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

use mimalloc::MiMalloc;

/// Of what a rebuild or small uploads cost, a quarter was the allocator of the C library (`perf`).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    cli::run()
}
