//! Clients of other makers judge the double: what they can't tell from EventStoreDB is near enough to it.
//!
//! `CAIRN_TEST_VENV` is a Python environment with `clients/python/requirements.txt`; `CAIRN_TEST_NODE_MODULES` is the `node_modules`
//! directory of an `npm ci` in a copy of `clients/node`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use std::path::{Path, PathBuf};
use std::process::Command;

use cairn_eventstore_double::Double;

const CLIENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients");

#[test]
fn the_python_client_sees_no_difference() {
    let python = required(
        "CAIRN_TEST_VENV",
        "python3 -m venv VENV && VENV/bin/pip install -r tests/eventstore/clients/python/requirements.txt",
    );
    judge(Command::new(python.join("bin/python")).arg(Path::new(CLIENTS).join("python/judge.py")));
}

#[test]
fn the_node_client_sees_no_difference() {
    let modules = required("CAIRN_TEST_NODE_MODULES", "npm ci, in a copy of tests/eventstore/clients/node");
    judge(Command::new("node").arg(Path::new(CLIENTS).join("node/judge.mjs")).env("NODE_MODULES", modules));
}

/// The directory that an environment variable names, which must be there: a judge that is away can't be satisfied.
fn required(variable: &str, how: &str) -> PathBuf {
    let path = std::env::var_os(variable).map(PathBuf::from).unwrap_or_default();
    assert!(path.is_absolute() && path.is_dir(), "{variable} must be the absolute path of a directory; to make one: {how}");
    path
}

fn judge(command: &mut Command) {
    let double = Double::start().unwrap();
    let output = command.arg(double.url()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    println!("{said}");
    assert!(output.status.success(), "{}\n{said}{complaint}", output.status);
    // A script that stops early must not pass.
    assert_eq!(said.lines().filter(|line| line.ends_with("as expected")).count(), 7, "{said}{complaint}");
}
