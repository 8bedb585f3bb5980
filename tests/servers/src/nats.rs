//! NATS with JetStream. Debian's 2.9 has no `sync_interval`: an acknowledgement does not mean that the data is on the disk, only
//! that it outlives the process.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::command::program;
use crate::error::{Error, doing};
use crate::http;
use crate::launcher::Launcher;
use crate::server::{Kind, Server};

const READY_MAX: Duration = Duration::from_secs(30);

/// A private NATS.
pub type Nats = Server<NatsAddress>;

/// How to reach a NATS.
#[derive(Clone, Debug)]
pub struct NatsAddress {
    directory: PathBuf,
    port: u16,
    monitoring_port: u16,
}

reachable!(NatsAddress, port);

impl NatsAddress {
    /// `nats://host:port`; there are no credentials.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Where `/healthz`, `/varz`, `/connz` and `/jsz` are.
    pub fn monitoring_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.monitoring_port)
    }

    fn settings(&self) -> String {
        let Self { directory, port, monitoring_port } = self;
        let store = directory.join("jetstream");
        format!(
            "listen: 127.0.0.1:{port}\nhttp: 127.0.0.1:{monitoring_port}\n\
             jetstream {{ store_dir: \"{}\", max_mem: 256M, max_file: 2G }}\n",
            store.display()
        )
    }
}

impl Kind for NatsAddress {
    const NAME: &'static str = "nats";
    const PORTS: usize = 2;

    fn at(directory: PathBuf, ports: Vec<u16>) -> Self {
        Self { directory, port: ports[0], monitoring_port: ports[1] }
    }

    fn install(&self, launcher: &mut Launcher) -> Result<(), Error> {
        fs::write(self.directory.join("nats.conf"), self.settings()).map_err(doing("write nats.conf"))?;
        self.launch(launcher)
    }

    fn launch(&self, launcher: &mut Launcher) -> Result<(), Error> {
        let mut server = program("nats-server", "nats-server")?;
        server.arg("--config").arg(self.directory.join("nats.conf"));
        launcher.start("nats-server", &server)?;
        launcher.until_ready(READY_MAX, || self.answers())
    }

    fn answers(&self) -> bool {
        http::is_ok(self.monitoring_port, "/healthz?js-enabled=true")
    }
}
