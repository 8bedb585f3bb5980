//! Servers of which there is one for all test processes of a run.
//!
//! The first process that asks for a server starts it, detached from itself, and writes down in the run's directory where it is;
//! the others find it there. The directory is `CAIRN_TEST_RUN`, else `cairn-servers` in cargo's target directory.
//!
//! A supervisor ends the servers and removes the directory when no process has used it for 30 s (`CAIRN_TEST_IDLE_SECONDS`), and
//! at once when a file `stop` appears in it. Nothing is left behind by processes that are killed: use is a file lock, which the
//! kernel takes back, and every pid is on record before its server runs.

mod record;
mod run;

use std::fs;
use std::path::Path;
use std::time::Duration;

use self::record::Record;
use self::run::Run;
use crate::ceph::CephAddress;
use crate::error::{Error, doing};
use crate::launcher::Launcher;
use crate::mariadb::MariaDbAddress;
use crate::nats::NatsAddress;
use crate::port;
use crate::rabbitmq::RabbitMqAddress;
use crate::redis::RedisAddress;
use crate::server::Kind;
use crate::wait;

/// How long a server that runs may take to answer on a machine that is busy with other tests.
const BUSY_MAX: Duration = Duration::from_secs(30);

/// A primary. Each test makes a database of its own there.
pub fn mariadb() -> Result<MariaDbAddress, Error> {
    server("mariadb", "", Kind::install)
}

/// The replica of [`mariadb`].
pub fn mariadb_replica() -> Result<MariaDbAddress, Error> {
    let primary = mariadb()?;
    server("mariadb-replica", &primary.url(), |replica: &MariaDbAddress, launcher| {
        replica.install_replica(launcher, primary.port())
    })
}

/// Each test uses streams and subjects with names of its own.
pub fn nats() -> Result<NatsAddress, Error> {
    server("nats", "", Kind::install)
}

/// Each test uses keys that begin with a name of its own.
pub fn redis() -> Result<RedisAddress, Error> {
    server("redis", "", Kind::install)
}

/// Each test uses queues and exchanges with names of its own.
pub fn rabbitmq() -> Result<RabbitMqAddress, Error> {
    server("rabbitmq", "", Kind::install)
}

/// Each test uses buckets with names of its own.
pub fn ceph() -> Result<CephAddress, Error> {
    server("ceph", "", Kind::install)
}

/// Finds the server or starts it. One that was started on another `basis` is of no use.
fn server<K: Kind>(name: &str, basis: &str, install: impl FnOnce(&K, &mut Launcher) -> Result<(), Error>) -> Result<K, Error> {
    let run = Run::join()?;
    let _only_one_starts_it = run.lock(name)?;
    let record = Record::at(run.directory(), name);
    if let Some(address) = find(&record, basis)? {
        return Ok(address);
    }
    record.clear()?;
    start(&record, basis, install)
}

/// A server whose processes live is given time to answer: killing it would end it under other tests.
fn find<K: Kind>(record: &Record, basis: &str) -> Result<Option<K>, Error> {
    let Some(ports) = record.read(basis) else { return Ok(None) };
    let address = K::at(record.directory(), ports);
    if wait::until(BUSY_MAX, || !record.all_alive() || address.answers()) {
        return Ok(record.all_alive().then_some(address));
    }
    let log = format!("its processes are alive, but it does not answer; see {}", record.directory().display());
    Err(Error::NotReady { server: K::NAME.to_owned(), waited: BUSY_MAX, log })
}

fn start<K: Kind>(record: &Record, basis: &str, install: impl FnOnce(&K, &mut Launcher) -> Result<(), Error>) -> Result<K, Error> {
    let directory = record.directory();
    make_directory(&directory)?;
    let reserved = port::reserve(K::PORTS)?;
    let ports: Vec<u16> = reserved.iter().map(|port| port.number).collect();
    let address = K::at(directory.clone(), ports.clone());
    let mut launcher = Launcher::shared(K::NAME, &directory, record.pids_path());
    install(&address, &mut launcher)?;
    record.write(basis, &ports)?;
    launcher.finish();
    Ok(address)
}

fn make_directory(directory: &Path) -> Result<(), Error> {
    fs::create_dir_all(directory).map_err(doing(format!("make {}", directory.display())))
}
