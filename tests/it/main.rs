//! The drive as a process, seen from outside. One binary; each file is one subject.
//!
//! The drive is started by the tests themselves, on directories of their own. Nothing here sleeps to wait for something: tests
//! look until it is there.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "tests")]

#[path = "../harness/harness.rs"]
mod harness;

mod accounts;

mod chunked;
mod downloads;
mod entries;
mod folders;
mod instant;
mod offline;
mod quotas;
mod sharing;
mod uploads;
mod versions;

mod bad_input;
mod idempotency;
mod operators;
mod read_your_writes;
mod unauthorized_table;

mod disk_full;
mod durability;
mod expiry;
mod memory;
mod power_cut;
mod rebuild_killed;
mod released;
mod resume;
mod scrubbing;
mod shutdown;
mod slow_clients;
mod views_rebuilt;

mod servers;

mod audit;
mod backups;
mod carrying;
mod cli;
mod cli_events;
mod cli_golden;
mod cli_heard;
mod doctor;
mod no_effects;
mod openapi;
mod replay;
mod steering;
mod system;
mod verify;

mod architecture;
mod golden;
