//! Taking part in a test run.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{env, io};

use crate::command::program;
use crate::error::{Error, doing};
use crate::place;
use crate::wait;

/// What ends the servers. It runs on its own, because every test process may end first.
const SUPERVISOR: &str = include_str!("supervisor.sh");

/// Longer than an earlier run in this directory takes to end.
const JOIN_MAX: Duration = Duration::from_mins(1);

/// Longer than all servers together take to start.
const LOCK_MAX: Duration = Duration::from_mins(3);

const SUPERVISOR_START_MAX: Duration = Duration::from_secs(10);

/// This process's part in a run, until it ends. A second run in one process would be another directory.
static JOINED: Mutex<Option<Run>> = Mutex::new(None);

#[derive(Clone)]
pub(super) struct Run {
    directory: PathBuf,
    /// The lock that says that this process uses the run.
    in_use: Arc<File>,
}

impl Run {
    /// Joins the run or begins it, and leaves somebody behind who ends it.
    pub(super) fn join() -> Result<Self, Error> {
        let mut joined = JOINED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(run) = joined.as_ref().filter(|run| run.is_current()) {
            run.supervise()?;
            return Ok(run.clone());
        }
        let run = Self::begin(&directory()?)?;
        *joined = Some(run.clone());
        Ok(run)
    }

    fn begin(directory: &Path) -> Result<Self, Error> {
        let started = Instant::now();
        let what = format!("join the test run in {}", directory.display());
        let mut joined = None;
        wait::until(JOIN_MAX, || {
            joined = Some(Self::try_to_join(directory));
            !matches!(joined, Some(Ok(None)))
        });
        match joined.transpose().map(Option::flatten) {
            Ok(Some(run)) => run.supervise().map(|()| run),
            Ok(None) => Err(Error::NotReady { server: what, waited: started.elapsed(), log: "its end takes too long".to_owned() }),
            Err(error) => Err(doing(what)(error)),
        }
    }

    /// None while an earlier run in this directory is about to end.
    fn try_to_join(directory: &Path) -> io::Result<Option<Self>> {
        fs::create_dir_all(directory)?;
        let in_use = match open(directory, "users.lock") {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match in_use.try_lock_shared() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let run = Self { directory: directory.to_owned(), in_use: in_use.into() };
        if run.is_current() {
            return Ok(Some(run));
        }
        if run.is_in_place() {
            // Somebody wants it to end. If the supervisor was killed meanwhile, another one does it, and if the directory
            // has just gone, the next look sees that.
            let _looked_again_if_not = run.supervise();
        }
        Ok(None)
    }

    fn is_current(&self) -> bool {
        self.is_in_place() && !self.directory.join("stop").exists()
    }

    /// The supervisor first moves the directory away, and then the lock belongs to a run that is over.
    fn is_in_place(&self) -> bool {
        let there = fs::metadata(self.directory.join("users.lock")).map(|there| (there.dev(), there.ino()));
        let here = self.in_use.metadata().map(|here| (here.dev(), here.ino()));
        matches!((there, here), (Ok(there), Ok(here)) if there == here)
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Waits until no other process has this lock. It is given back when the file is dropped.
    pub(super) fn lock(&self, name: &str) -> Result<File, Error> {
        let what = format!("lock {name} in {}", self.directory.display());
        let file = match open(&self.directory, &format!("{name}.lock")) {
            Ok(file) => file,
            Err(error) => return Err(doing(what)(error)),
        };
        if wait::until(LOCK_MAX, || !matches!(file.try_lock(), Err(TryLockError::WouldBlock))) {
            return Ok(file);
        }
        Err(doing(what)(io::ErrorKind::TimedOut.into()))
    }

    /// Starts the supervisor, unless one lives: it holds a lock as long as it does.
    fn supervise(&self) -> Result<(), Error> {
        let _only_one_starts_it = self.lock("supervisor-start")?;
        if self.is_supervised()? {
            return Ok(());
        }
        let mut supervisor = program("setsid", "util-linux")?;
        supervisor.args(["sh", "-c", SUPERVISOR, "cairn-servers-supervisor"]).arg(&self.directory).arg(idle_seconds());
        spawn_detached(supervisor)?;
        let mut supervised = Ok(true);
        wait::until(SUPERVISOR_START_MAX, || {
            supervised = self.is_supervised();
            !matches!(supervised, Ok(false))
        });
        match supervised {
            Ok(false) => Err(doing("start the supervisor of the servers")(io::ErrorKind::TimedOut.into())),
            other => other.map(drop),
        }
    }

    fn is_supervised(&self) -> Result<bool, Error> {
        let free = open(&self.directory, "supervisor.lock").map(|file| file.try_lock());
        match free {
            Ok(Ok(())) => Ok(false),
            Ok(Err(TryLockError::WouldBlock)) => Ok(true),
            Ok(Err(TryLockError::Error(error))) => Err(doing("lock supervisor.lock")(error)),
            // It has just moved the directory away.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(doing("open supervisor.lock")(error)),
        }
    }
}

fn spawn_detached(mut command: Command) -> Result<(), Error> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/");
    command.spawn().map(drop).map_err(doing("start the supervisor of the servers"))
}

fn open(directory: &Path, name: &str) -> io::Result<File> {
    File::options().create(true).append(true).open(directory.join(name))
}

/// Absolute, because the supervisor does not work where this process does.
fn directory() -> Result<PathBuf, Error> {
    let directory = env::var_os("CAIRN_TEST_RUN").map_or_else(|| place::lasting().join("cairn-servers"), PathBuf::from);
    std::path::absolute(&directory).map_err(doing(format!("find {}", directory.display())))
}

fn idle_seconds() -> String {
    env::var("CAIRN_TEST_IDLE_SECONDS").unwrap_or_else(|_| "30".to_owned())
}
