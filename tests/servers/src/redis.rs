//! Redis with an append-only file.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::time::Duration;

use crate::command::program;
use crate::error::Error;
use crate::http::connect;
use crate::launcher::Launcher;
use crate::server::{Kind, Server};

const READY_MAX: Duration = Duration::from_secs(30);

/// A private Redis.
pub type Redis = Server<RedisAddress>;

/// How to reach a Redis.
#[derive(Clone, Debug)]
pub struct RedisAddress {
    directory: PathBuf,
    port: u16,
}

reachable!(RedisAddress, port);

impl RedisAddress {
    /// `redis://host:port`; there are no credentials.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn ping(&self) -> io::Result<bool> {
        let mut stream = connect(self.port)?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = [0; 7];
        stream.read_exact(&mut answer)?;
        Ok(&answer == b"+PONG\r\n")
    }
}

impl Kind for RedisAddress {
    const NAME: &'static str = "redis";
    const PORTS: usize = 1;

    fn at(directory: PathBuf, ports: Vec<u16>) -> Self {
        Self { directory, port: ports[0] }
    }

    fn install(&self, launcher: &mut Launcher) -> Result<(), Error> {
        self.launch(launcher)
    }

    fn launch(&self, launcher: &mut Launcher) -> Result<(), Error> {
        let mut server = program("redis-server", "redis-server")?;
        server.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--daemonize", "no"]);
        server.args(["--port", &self.port.to_string(), "--dir"]).arg(&self.directory);
        launcher.start("redis-server", &server)?;
        launcher.until_ready(READY_MAX, || self.answers())
    }

    /// While it still reads its file, it answers LOADING instead.
    fn answers(&self) -> bool {
        self.ping().unwrap_or(false)
    }
}
