//! The contract of the log for people who have no source: the test binary alone judges their server.

use std::fs;
use std::path::Path;
use std::process::Command;

use cairn_eventstore_double::Double;

use crate::harness::{Output, skipped};

/// The command that docs/operations.md names.
const DOCUMENTED: [&str; 1] = ["eventstore_log::the_log_keeps_the_contract"];

/// A root with nothing in it but the program and the libraries that it is linked with: no source, no target directory, no certificates.
fn lay_out(root: &Path) {
    let program = std::env::current_exe().unwrap();
    let linked = Command::new("ldd").arg(&program).output().unwrap();
    let linked = String::from_utf8(linked.stdout).unwrap();
    for library in linked.split_whitespace().filter(|word| word.starts_with('/')) {
        let copy = root.join(library.trim_start_matches('/'));
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(library, copy).unwrap();
    }
    fs::copy(program, root.join("it")).unwrap();
}

#[test]
fn the_test_binary_judges_a_server_where_there_is_nothing_else() {
    if !rustix::process::geteuid().is_root() {
        return skipped("the test binary alone", "only root may give a program another root");
    }
    let root = tempfile::tempdir().unwrap();
    lay_out(root.path());
    let double = Double::start().unwrap();
    let mut alone = Command::new("chroot");
    alone.arg(root.path()).arg("/it").args(DOCUMENTED);
    alone.env_clear().env("PATH", "/usr/bin:/usr/sbin:/bin").env("CAIRN_TEST_EVENTSTORE_URL", double.url());
    let said = Output::of(&mut alone).success();
    assert!(said.contains("1 passed"), "{said}");
    assert!(double.event_count() > 1_000, "it has judged this one: {} events", double.event_count());
}
