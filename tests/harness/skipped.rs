use std::fs::OpenOptions;
use std::io::Write;

/// Says loudly that something was not tested, although a machine with everything installed would. The test run repeats it at its
/// end, from the file that `CAIRN_TEST_SKIPPED` names, and under `CI=true` it fails for it.
pub(crate) fn skipped(what: &str, why: &str) {
    say(&format!("SKIPPED {what}: {why}"));
}

/// The same of what needs a file system of its own. Where not even root may mount one, as in most containers, nothing can be
/// installed that would help, so no run fails for it.
pub(crate) fn not_mounted(what: &str, why: &str) {
    let machine_refuses = rustix::process::geteuid().is_root() && (why.starts_with("mount:") || why.starts_with("python3:"));
    if machine_refuses { say(&format!("NOT HERE {what}: {why}")) } else { skipped(what, why) }
}

fn say(line: &str) {
    let line = line.replace('\n', " ");
    eprintln!("{line}");
    if let Some(path) = std::env::var_os("CAIRN_TEST_SKIPPED") {
        let file = OpenOptions::new().create(true).append(true).open(path);
        // In one piece: tests of other processes write to it as well.
        file.expect("the list of skipped tests").write_all(format!("{line}\n").as_bytes()).expect("the list of skipped tests");
    }
}
