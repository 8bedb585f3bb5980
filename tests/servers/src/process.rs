//! One process of a server.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use rustix::process::{Pid, Signal};

use crate::error::Error;
use crate::wait;

/// How long a server may take to write down what it holds.
const STOP_MAX: Duration = Duration::from_secs(30);

/// How long the kernel may take to stop all threads: one that waits for the disk stops later.
const FREEZE_MAX: Duration = Duration::from_secs(10);

/// How long the kernel may take to end a process that was killed.
const KILL_MAX: Duration = Duration::from_secs(10);

/// A pid and when its process began, in clock ticks since the boot: pids come again, pairs do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) pid: u32,
    pub(crate) began: u64,
}

impl Identity {
    fn of(pid: u32) -> io::Result<Self> {
        let (_, began) = state_and_beginning(&stat_of(pid)).ok_or(io::ErrorKind::NotFound)?;
        Ok(Self { pid, began })
    }

    /// A zombie is not alive: it only waits for its parent to look.
    pub(crate) fn is_alive(self) -> bool {
        state_and_beginning(&stat_of(self.pid)).is_some_and(|(state, began)| began == self.began && !matches!(state, 'Z' | 'X'))
    }

    /// A process that is gone gets nothing, which is no error.
    pub(crate) fn signal(self, signal: Signal) {
        if let (true, Some(pid)) = (self.is_alive(), Pid::from_raw(self.pid.cast_signed())) {
            let _gone_meanwhile = rustix::process::kill_process(pid, signal);
        }
    }

    /// The signal only asks for it; threads stop one after the other.
    pub(crate) fn freeze(self) {
        self.signal(Signal::STOP);
        wait::until(FREEZE_MAX, || self.is_frozen());
    }

    fn is_frozen(self) -> bool {
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid)).into_iter().flatten().flatten();
        let states = threads.map(|thread| state_and_beginning(&thread.path().join("stat")));
        states.flatten().all(|(state, _)| matches!(state, 'T' | 'Z' | 'X'))
    }

    pub(crate) fn kill(self) {
        self.signal(Signal::KILL);
        wait::until(KILL_MAX, || !self.is_alive());
    }
}

fn stat_of(pid: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/stat"))
}

/// Fields 3 and 22 of proc_pid_stat(5). The name before them is in brackets and may hold anything.
fn state_and_beginning(stat: &Path) -> Option<(char, u64)> {
    let line = fs::read_to_string(stat).ok()?;
    let (_, fields) = line.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

/// A process that this one started. Dropping it leaves it alone; a private server kills its processes itself.
pub(crate) struct Process {
    pub(crate) identity: Identity,
    child: Child,
}

impl Process {
    pub(crate) fn new(child: Child) -> io::Result<Self> {
        Ok(Self { identity: Identity::of(child.id())?, child })
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    pub(crate) fn kill(&mut self) {
        if !self.has_ended() {
            self.identity.kill();
            let _status_does_not_matter = self.child.wait();
        }
    }

    /// Asks it to end. One that is frozen would never read the request.
    pub(crate) fn stop(&mut self) -> Result<(), Error> {
        self.identity.signal(Signal::TERM);
        self.identity.signal(Signal::CONT);
        if wait::until(STOP_MAX, || self.has_ended()) {
            return Ok(());
        }
        self.kill();
        Err(Error::NotStopped { pid: self.identity.pid, waited: STOP_MAX })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_itself_and_nobody_with_its_pid_at_another_time() {
        let own = Identity::of(std::process::id()).unwrap();
        assert!(own.is_alive());
        assert!(!Identity { began: own.began + 1, ..own }.is_alive());
    }
}
