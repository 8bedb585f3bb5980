//! Starting the processes of a server so that none of them is ever left behind.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::command::{program, run_by, until_death};
use crate::error::{Error, doing};
use crate::process::Process;
use crate::wait;

/// How much of a log an error shows, in bytes.
const LOG_SHOWN: usize = 4000;

/// Writes down its pid and when it began, and only then becomes the server: what runs is always on record.
const RECORD_AND_BECOME: &str = r#"set -e
printf '%s %s\n' "$$" "$(cut -d ' ' -f 22 "/proc/$$/stat")" >>"$0"
exec "$@""#;

/// What a process started here ends with.
enum Lifetime {
    /// With this process, even if it is killed.
    Private,
    /// With the test run; the file is where the supervisor reads whom to end.
    Shared { record: PathBuf },
}

/// The processes of one server, while it starts. Dropped before they are taken, it kills them.
pub struct Launcher {
    lifetime: Lifetime,
    server: &'static str,
    directory: PathBuf,
    processes: Vec<Process>,
}

impl Launcher {
    pub(crate) fn private(server: &'static str, directory: &Path) -> Self {
        Self::new(Lifetime::Private, server, directory)
    }

    pub(crate) fn shared(server: &'static str, directory: &Path, record: PathBuf) -> Self {
        Self::new(Lifetime::Shared { record }, server, directory)
    }

    fn new(lifetime: Lifetime, server: &'static str, directory: &Path) -> Self {
        Self { lifetime, server, directory: directory.to_owned(), processes: Vec::new() }
    }

    /// Starts a process that writes into `<name>.out` of the server's directory.
    pub(crate) fn start(&mut self, name: &str, command: &Command) -> Result<(), Error> {
        let output = self.output(name)?;
        let mut wrapped = self.wrap(command)?;
        wrapped.stdin(Stdio::null()).stderr(output.try_clone().map_err(doing("share a file"))?).stdout(output);
        let started = spawn(wrapped).and_then(Process::new);
        self.processes.push(started.map_err(doing(format!("start {name}")))?);
        Ok(())
    }

    fn output(&self, name: &str) -> Result<File, Error> {
        let path = self.directory.join(name).with_extension("out");
        let opened = File::options().create(true).append(true).open(&path);
        opened.map_err(doing(format!("open {}", path.display())))
    }

    fn wrap(&self, command: &Command) -> Result<Command, Error> {
        let outer = match &self.lifetime {
            Lifetime::Private => until_death()?,
            Lifetime::Shared { record } => {
                let mut outer = program("setsid", "util-linux")?;
                outer.args(["sh", "-c", RECORD_AND_BECOME]).arg(record);
                outer
            }
        };
        let mut wrapped = run_by(outer, command);
        wrapped.current_dir(&self.directory);
        Ok(wrapped)
    }

    /// Waits until the server answers; gives up early if one of its processes ends.
    pub(crate) fn until_ready(&mut self, limit: Duration, mut answers: impl FnMut() -> bool) -> Result<(), Error> {
        let started = Instant::now();
        let mut ended = false;
        let ready = wait::until(limit, || {
            ended = self.processes.iter_mut().any(Process::has_ended);
            ended || answers()
        });
        if ready && !ended {
            return Ok(());
        }
        Err(Error::NotReady { server: self.server.to_owned(), waited: started.elapsed(), log: self.logs() })
    }

    /// The ends of all logs of the server.
    fn logs(&self) -> String {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten().map(|entry| entry.path());
        let logs = entries.filter(|path| path.extension().is_some_and(|extension| extension == "out" || extension == "log"));
        logs.map(|path| format!("{}:\n{}", path.display(), end_of(&path))).collect::<Vec<_>>().join("\n")
    }

    /// The server is up: its processes in the order of their start.
    pub(crate) fn finish(mut self) -> Vec<Process> {
        std::mem::take(&mut self.processes)
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        self.processes.iter_mut().rev().for_each(Process::kill);
    }
}

fn end_of(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(LOG_SHOWN)..]).into_owned()
}

/// What the keeper is asked: a command, and where its child goes.
type Order = (Command, mpsc::Sender<io::Result<Child>>);

/// Starts a process from a thread that lives as long as this process. A parent-death signal comes when the *thread* that
/// started the child ends, and tests run in threads that end early.
fn spawn(command: Command) -> io::Result<Child> {
    static KEEPER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let keeper = KEEPER.get_or_init(|| {
        let (sender, orders) = mpsc::channel::<Order>();
        thread::spawn(move || {
            for (mut command, reply) in orders {
                let _asker_went = reply.send(command.spawn());
            }
        });
        sender
    });
    let (reply, child) = mpsc::channel();
    keeper.send((command, reply)).map_err(io::Error::other)?;
    child.recv().map_err(io::Error::other)?
}
