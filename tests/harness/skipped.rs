use std::fs::OpenOptions;
use std::io::Write;

/// Says loudly that something can't be tested on this machine. The test run repeats it at its end, from the file that
/// `CAIRN_TEST_SKIPPED` names.
pub(crate) fn skipped(what: &str, why: &str) {
    let line = format!("SKIPPED {what}: {why}");
    eprintln!("{line}");
    if let Some(path) = std::env::var_os("CAIRN_TEST_SKIPPED") {
        let file = OpenOptions::new().create(true).append(true).open(path);
        writeln!(file.expect("the list of skipped tests"), "{line}").expect("the list of skipped tests");
    }
}
