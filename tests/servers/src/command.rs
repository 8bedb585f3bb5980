//! Programs: finding them, and running helpers to their end.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::{Error, doing};

/// Where Debian puts servers; not in everybody's search path.
const SERVER_DIRECTORIES: [&str; 2] = ["/usr/sbin", "/sbin"];

/// A tool of Ceph waits for ever for a monitor that died.
const HELPER_SECONDS_MAX: &str = "120";

/// The command for a program of a Debian package, by name or by absolute path.
pub(crate) fn program(name: &str, package: &'static str) -> Result<Command, Error> {
    let path = find(name).ok_or_else(|| Error::Missing { program: name.to_owned(), package })?;
    Ok(Command::new(path))
}

fn find(name: &str) -> Option<PathBuf> {
    let search = env::var_os("PATH").unwrap_or_default();
    let directories = env::split_paths(&search).chain(SERVER_DIRECTORIES.map(PathBuf::from));
    directories.map(|directory| directory.join(name)).find(|path| path.is_file())
}

/// Runs a program, which ends when the thread does that started it.
pub(crate) fn until_death() -> Result<Command, Error> {
    let mut outer = program("setpriv", "util-linux")?;
    outer.args(["--pdeathsig", "KILL", "--"]);
    Ok(outer)
}

/// Makes a command run by another program, which takes it as its last arguments.
pub(crate) fn run_by(mut outer: Command, command: &Command) -> Command {
    outer.arg(command.get_program()).args(command.get_args());
    outer.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(directory) = command.get_current_dir() {
        outer.current_dir(directory);
    }
    outer
}

/// Runs a helper and gives what it printed. It ends soon or is made to, and it ends with this process: somebody else may be
/// clearing away by then what it would go on writing.
pub(crate) fn run(command: &Command) -> Result<String, Error> {
    let mut limit = program("timeout", "coreutils")?;
    limit.args(["--foreground", "--signal=KILL", HELPER_SECONDS_MAX]);
    let mut limited = run_by(until_death()?, &run_by(limit, &run_by(until_death()?, command)));
    let output = limited.stdin(Stdio::null()).output().map_err(doing(format!("run {}", shown(command))))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let written = [output.stdout, output.stderr].concat();
    let output = format!("{} ({})", String::from_utf8_lossy(&written).trim(), output.status);
    Err(Error::Failed { command: shown(command), output })
}

fn shown(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Copies a directory with all that is in it; the copy must not be there yet.
pub(crate) fn copy_directory(from: &Path, to: &Path) -> Result<(), Error> {
    run(program("cp", "coreutils")?.args(["--archive", "--no-target-directory"]).arg(from).arg(to)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_names_its_package() {
        let error = program("no-such-server", "no-such-package").unwrap_err();
        assert_eq!(error.to_string(), "no-such-server is not installed: apt-get install --no-install-recommends no-such-package");
    }

    #[test]
    fn a_helper_that_fails_says_why() {
        let error = run(Command::new("sh").args(["-c", "echo because; exit 3"])).unwrap_err();
        assert!(error.to_string().ends_with("failed: because (exit status: 3)"), "{error}");
    }
}
