//! What is written down about a shared server: `NAME.pids`, one line for each process before it runs, and `NAME.json` once it is
//! ready.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::error::{Error, doing};
use crate::process::Identity;
use crate::wait;

const CLEAR_MAX: Duration = Duration::from_secs(10);

pub(super) struct Record {
    run: PathBuf,
    name: String,
}

impl Record {
    pub(super) fn at(run: &Path, name: &str) -> Self {
        Self { run: run.to_owned(), name: name.to_owned() }
    }

    /// Where the server lives.
    pub(super) fn directory(&self) -> PathBuf {
        self.run.join(&self.name)
    }

    pub(super) fn pids_path(&self) -> PathBuf {
        self.run.join(format!("{}.pids", self.name))
    }

    fn json_path(&self) -> PathBuf {
        self.run.join(format!("{}.json", self.name))
    }

    /// The ports of the server, if one was ready here once, on this basis.
    pub(super) fn read(&self, basis: &str) -> Option<Vec<u16>> {
        let written: Value = serde_json::from_slice(&fs::read(self.json_path()).ok()?).ok()?;
        if written["basis"] != basis {
            return None;
        }
        let ports = written["ports"].as_array()?.iter();
        ports.map(|port| port.as_u64().and_then(|port| u16::try_from(port).ok())).collect()
    }

    /// Appears as a whole or not at all.
    pub(super) fn write(&self, basis: &str, ports: &[u16]) -> Result<(), Error> {
        let pids: Vec<u32> = self.processes().iter().map(|process| process.pid).collect();
        let text = json!({ "server": self.name, "ports": ports, "pids": pids, "basis": basis }).to_string();
        let (path, unfinished) = (self.json_path(), self.json_path().with_extension("unfinished"));
        let written = fs::write(&unfinished, text).and_then(|()| fs::rename(&unfinished, &path));
        written.map_err(doing(format!("write {}", path.display())))
    }

    pub(super) fn all_alive(&self) -> bool {
        let processes = self.processes();
        !processes.is_empty() && processes.into_iter().all(Identity::is_alive)
    }

    /// Lines are written at once, so that only the last can be broken off, by a power cut.
    fn processes(&self) -> Vec<Identity> {
        let text = fs::read_to_string(self.pids_path()).unwrap_or_default();
        text.lines().filter_map(identity).collect()
    }

    /// Ends what still runs of the server and removes all that it left.
    pub(super) fn clear(&self) -> Result<(), Error> {
        self.processes().into_iter().for_each(Identity::kill);
        let mut removed = Ok(());
        // A helper of whoever was killed may still write a moment longer.
        wait::until(CLEAR_MAX, || {
            removed = self.remove();
            removed.is_ok()
        });
        removed.map_err(doing(format!("clear away an older {}", self.name)))
    }

    fn remove(&self) -> io::Result<()> {
        let gone = [fs::remove_dir_all(self.directory()), fs::remove_file(self.json_path()), fs::remove_file(self.pids_path())];
        let mut failed = gone.into_iter().filter_map(Result::err).filter(|error| error.kind() != io::ErrorKind::NotFound);
        failed.next().map_or(Ok(()), Err)
    }
}

fn identity(line: &str) -> Option<Identity> {
    let (pid, began) = line.split_once(' ')?;
    Some(Identity { pid: pid.parse().ok()?, began: began.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_found_on_its_own_basis_only() {
        let run = tempfile::tempdir().unwrap();
        let record = Record::at(run.path(), "replica");
        assert_eq!(record.read(""), None);
        record.write("primary", &[1, 2]).unwrap();
        assert_eq!(record.read("primary"), Some(vec![1, 2]));
        assert_eq!(record.read("another"), None);
    }

    #[test]
    fn pids_of_a_run_that_was_killed_are_not_alive() {
        let run = tempfile::tempdir().unwrap();
        let record = Record::at(run.path(), "redis");
        assert!(!record.all_alive(), "nothing was started");
        let own_pid_long_ago = format!("{} 1\n", std::process::id());
        fs::write(record.pids_path(), own_pid_long_ago).unwrap();
        assert!(!record.all_alive());
        record.clear().unwrap();
        assert!(!record.pids_path().exists());
    }
}
