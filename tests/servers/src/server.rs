//! What all private servers have in common.

use std::ops::Deref;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::error::Error;
use crate::launcher::Launcher;
use crate::place;
use crate::port::{self, Port};
use crate::process::Process;

/// What the kinds of servers differ in. Only the addresses of this crate implement it.
pub trait Kind: Sized {
    /// As in the names of its directory and of its files.
    const NAME: &'static str;
    /// How many ports it listens on.
    const PORTS: usize;
    /// Whether it has been seen not to end although it was told to. It is killed then, as an operator would, and that is no error.
    const MAY_HANG: bool = false;

    /// The server in this directory with these ports, running or not: there is nothing else to know about it.
    fn at(directory: PathBuf, ports: Vec<u16>) -> Self;

    /// Prepares the empty directory and starts the server in it for the first time. Afterwards it is ready.
    fn install(&self, launcher: &mut Launcher) -> Result<(), Error>;

    /// Starts the server in its directory again. Afterwards it is ready.
    fn launch(&self, launcher: &mut Launcher) -> Result<(), Error>;

    /// Does it answer a real request just now?
    fn answers(&self) -> bool;
}

/// A server that belongs to this value. It is used through its address, which this dereferences to; dropping it kills its
/// processes and removes its directory.
pub struct Server<K: Kind> {
    address: K,
    /// In the order of their start; empty while the server is down.
    processes: Vec<Process>,
    directory: TempDir,
    _ports: Vec<Port>,
}

impl<K: Kind> Server<K> {
    /// Starts a new server; it is ready when this returns.
    pub fn start() -> Result<Self, Error> {
        Self::start_by(K::install)
    }

    pub(crate) fn start_by(install: impl FnOnce(&K, &mut Launcher) -> Result<(), Error>) -> Result<Self, Error> {
        let directory = place::new_directory(K::NAME)?;
        let ports = port::reserve(K::PORTS)?;
        let address = K::at(directory.path().to_owned(), ports.iter().map(|port| port.number).collect());
        let mut launcher = Launcher::private(K::NAME, directory.path());
        install(&address, &mut launcher)?;
        Ok(Self { address, processes: launcher.finish(), directory, _ports: ports })
    }

    /// Its processes, none while it is down.
    pub fn pids(&self) -> Vec<u32> {
        self.processes.iter().map(|process| process.identity.pid).collect()
    }

    /// Where it keeps its data and its logs.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Stops all its processes where they are (SIGSTOP): connections stay open, and nothing answers once this returns.
    pub fn freeze(&self) {
        self.processes.iter().for_each(|process| process.identity.freeze());
    }

    /// Lets it go on after [`Server::freeze`] (SIGCONT).
    pub fn thaw(&self) {
        self.processes.iter().for_each(|process| process.identity.signal(Signal::CONT));
    }

    /// Ends it without a warning (SIGKILL). Port and data stay.
    pub fn kill(&mut self) {
        self.processes.iter_mut().rev().for_each(Process::kill);
        self.processes.clear();
    }

    /// Ends only the process that started last (SIGKILL); `start` brings it back. It is ready when this returns.
    pub(crate) fn restart_last(&mut self, start: impl FnOnce(&K, &mut Launcher) -> Result<(), Error>) -> Result<(), Error> {
        if let Some(mut last) = self.processes.pop() {
            last.kill();
        }
        let mut launcher = Launcher::private(K::NAME, self.directory.path());
        start(&self.address, &mut launcher)?;
        self.processes.extend(launcher.finish());
        Ok(())
    }

    /// Ends it in an orderly way (SIGTERM), unless it is one of those that [may hang](Kind::MAY_HANG). Port and data stay.
    pub fn stop(&mut self) -> Result<(), Error> {
        // What started last uses what started first.
        let outcomes: Vec<_> = self.processes.drain(..).rev().map(|mut process| process.stop()).collect();
        outcomes.into_iter().filter(|outcome| !(K::MAY_HANG && matches!(outcome, Err(Error::NotStopped { .. })))).collect()
    }

    /// Starts it on the same port and data; kills it before, if it still runs. It is ready when this returns.
    pub fn start_again(&mut self) -> Result<(), Error> {
        self.kill();
        let mut launcher = Launcher::private(K::NAME, self.directory.path());
        self.address.launch(&mut launcher)?;
        self.processes = launcher.finish();
        Ok(())
    }
}

impl<K: Kind> Deref for Server<K> {
    type Target = K;

    fn deref(&self) -> &K {
        &self.address
    }
}

impl<K: Kind> Drop for Server<K> {
    fn drop(&mut self) {
        self.kill();
    }
}
