use std::io;
use std::time::Duration;

/// Why a server could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody has to install it: nothing here does.
    #[error("{program} is not installed: apt-get install --no-install-recommends {package}")]
    Missing {
        /// The program that was looked for.
        program: String,
        /// The Debian package that holds it.
        package: &'static str,
    },
    /// The server ended, or did not answer in time.
    #[error("{server} was not ready after {waited:.1?}; this is the end of what it wrote:\n{log}")]
    NotReady {
        /// Which server, as in `mariadb`.
        server: String,
        /// How long it was given.
        waited: Duration,
        /// The last lines of its output.
        log: String,
    },
    /// The server did not end in time after it had been asked to; it was killed.
    #[error("process {pid} did not end {waited:.1?} after SIGTERM, so it was killed")]
    NotStopped {
        /// The process.
        pid: u32,
        /// How long it was given.
        waited: Duration,
    },
    /// A statement or a helper of the server failed.
    #[error("`{command}` failed: {output}")]
    Failed {
        /// The command with its arguments.
        command: String,
        /// What it wrote.
        output: String,
    },
    /// The operating system refused something.
    #[error("could not {doing}")]
    System {
        /// What was being done, as in `make the directory /x`.
        doing: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Says what was being done when the system refused.
pub(crate) fn doing(what: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::System { doing: what.into(), source }
}
