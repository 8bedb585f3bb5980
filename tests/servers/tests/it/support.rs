//! What the tests look at and wait for.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Between two looks at a condition.
const PAUSE: Duration = Duration::from_millis(10);

/// Longer than anything here takes on a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(90);

/// Looks again and again until it is so.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "waited {PATIENCE:?} for this: {what}");
        std::thread::sleep(PAUSE);
    }
}

/// Is there a process with this pid that is not merely waiting for its parent to look?
pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, fields)| !fields.starts_with(['Z', 'X']))
}

/// All processes that work in this directory, or were started with it in their arguments or their environment.
pub(crate) fn processes_of(directory: &Path) -> Vec<u32> {
    let pids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| *pid != std::process::id() && names(*pid, directory)).collect()
}

fn names(pid: u32, directory: &Path) -> bool {
    if fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|place| place.starts_with(directory)) {
        return true;
    }
    let wanted = directory.to_str().unwrap().as_bytes();
    ["cmdline", "environ"].iter().any(|file| {
        let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        bytes.windows(wanted.len()).any(|window| window == wanted)
    })
}

#[track_caller]
pub(crate) fn assert_nothing_left(directory: &Path) {
    until(&format!("no process of {} any more", directory.display()), || processes_of(directory).is_empty());
}
