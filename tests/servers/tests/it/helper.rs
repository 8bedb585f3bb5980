//! Other processes: this test binary again, running one of the two tests below, which do nothing unless they are asked to.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use cairn_servers::{Ceph, Kind, MariaDb, Nats, RabbitMq, Redis, Server, shared};

const SERVER: &str = "CAIRN_SERVERS_TEST_SERVER";

/// What a helper says when it has its server begins with this; libtest writes other lines.
const ANSWER: &str = "it is ";

/// A process that uses a server until this is dropped, which kills it.
pub(crate) struct Helper {
    process: Child,
    /// Kept open, because libtest ends when it can't write.
    _output: BufReader<ChildStdout>,
    /// The URL of a shared server, the directory of a private one.
    pub(crate) answer: String,
}

impl Helper {
    /// Asks for a shared server of the run in that directory, which nobody may use for a second before it ends.
    pub(crate) fn with_shared(server: &str, run: &Path) -> Self {
        Self::of(ask_for_shared(server, run))
    }

    /// Has a server of its own, below that directory.
    pub(crate) fn with_private(server: &str, below: &Path) -> Self {
        Self::of(begin("helper::has_a_private_server", server, &[("CAIRN_TEST_DIR", below.as_os_str())]))
    }

    /// Waits until the process has its server.
    fn of(mut process: Child) -> Self {
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let lines = output.by_ref().lines().map_while(Result::ok);
        let answer = lines.map(|line| line.split_once(ANSWER).map(|(_, answer)| answer.to_owned())).find_map(|answer| answer);
        Self { process, _output: output, answer: answer.expect("the helper gets its server") }
    }

    /// Kills the process with SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub(crate) fn directory(&self) -> PathBuf {
        PathBuf::from(&self.answer)
    }
}

/// Begins a process that asks for a shared server, without waiting for it.
pub(crate) fn ask_for_shared(server: &str, run: &Path) -> Child {
    let settings = [("CAIRN_TEST_RUN", run.as_os_str()), ("CAIRN_TEST_IDLE_SECONDS", OsStr::new("1"))];
    begin("helper::uses_a_shared_server", server, &settings)
}

fn begin(test: &str, server: &str, settings: &[(&str, &OsStr)]) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.env(SERVER, server).envs(settings.iter().copied()).spawn().unwrap()
}

impl Drop for Helper {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Says what the test waits for, and stays until it is killed or the test is gone.
fn say_and_stay(answer: &str) {
    println!("{ANSWER}{answer}");
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[test]
#[ignore = "other tests run this in a process of its own"]
fn uses_a_shared_server() {
    let Ok(server) = std::env::var(SERVER) else { return };
    let url = match server.as_str() {
        "mariadb" => shared::mariadb().unwrap().url(),
        "mariadb-replica" => shared::mariadb_replica().unwrap().url(),
        "nats" => shared::nats().unwrap().url(),
        "redis" => shared::redis().unwrap().url(),
        "rabbitmq" => shared::rabbitmq().unwrap().url(),
        "ceph" => shared::ceph().unwrap().url(),
        other => panic!("there is no shared {other}"),
    };
    say_and_stay(&url);
}

#[test]
#[ignore = "other tests run this in a process of its own"]
fn has_a_private_server() {
    let Ok(server) = std::env::var(SERVER) else { return };
    match server.as_str() {
        "ceph" => hold(&Ceph::start().unwrap()),
        "mariadb" => hold(&MariaDb::start().unwrap()),
        "nats" => hold(&Nats::start().unwrap()),
        "rabbitmq" => hold(&RabbitMq::start().unwrap()),
        "redis" => hold(&Redis::start().unwrap()),
        other => panic!("there is no {other}"),
    }
}

fn hold<K: Kind>(server: &Server<K>) {
    say_and_stay(server.directory().to_str().unwrap());
}
