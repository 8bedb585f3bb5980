//! Other processes that have a server: the program of this crate.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A process that uses a server until this is dropped, which kills it.
pub(crate) struct Helper {
    process: Child,
    pub(crate) url: String,
    /// Of a private server.
    pub(crate) directory: PathBuf,
}

impl Helper {
    /// Asks for a shared server of the run in that directory, which nobody may use for a second before it ends.
    pub(crate) fn with_shared(server: &str, run: &Path) -> Self {
        Self::of(ask_for_shared(server, run))
    }

    /// Has a server of its own, below that directory.
    pub(crate) fn with_private(server: &str, below: &Path) -> Self {
        Self::of(begin("private", server, &[("CAIRN_TEST_DIR", below.as_os_str())]))
    }

    /// Waits until the process has its server.
    fn of(mut process: Child) -> Self {
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let (url, directory) =
            line.trim_end_matches('\n').split_once('\t').unwrap_or_else(|| panic!("the helper has no server: {line}"));
        Self { process, url: url.to_owned(), directory: directory.into() }
    }

    /// Kills the process with SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Begins a process that asks for a shared server, without waiting for it.
pub(crate) fn ask_for_shared(server: &str, run: &Path) -> Child {
    begin("shared", server, &[("CAIRN_TEST_RUN", run.as_os_str()), ("CAIRN_TEST_IDLE_SECONDS", OsStr::new("1"))])
}

fn begin(whose: &str, server: &str, settings: &[(&str, &OsStr)]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cairn-servers"));
    command.args([whose, server]).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.envs(settings.iter().copied()).spawn().unwrap()
}

impl Drop for Helper {
    fn drop(&mut self) {
        self.kill();
    }
}
