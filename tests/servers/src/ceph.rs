//! Ceph: a monitor, one OSD and the RADOS Gateway, which speaks S3.
//!
//! Seen on 16.2: a PUT with `If-None-Match: *` is atomic; `CompleteMultipartUpload` ignores that header; chunked uploads with
//! trailing checksums are refused with 411. Told to end right after its start on a busy machine, one of its processes did not, in two of some
//! sixty times.

mod settings;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::command::{program, run};
use crate::error::{Error, doing};
use crate::http;
use crate::launcher::Launcher;
use crate::server::{Kind, Server};

const READY_MAX: Duration = Duration::from_mins(2);

const ACCESS_KEY: &str = "testaccess";
const SECRET_KEY: &str = "testsecret123";

/// A private Ceph.
pub type Ceph = Server<CephAddress>;

/// How to reach the S3 gateway of a Ceph. Callers make their buckets themselves; addresses are of the path style.
#[derive(Clone, Debug)]
pub struct CephAddress {
    directory: PathBuf,
    gateway_port: u16,
    monitor_port: u16,
}

reachable!(CephAddress, gateway_port);

impl CephAddress {
    /// `http://host:port`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.gateway_port)
    }

    /// The same as [`CephAddress::endpoint`].
    pub fn url(&self) -> String {
        self.endpoint()
    }

    pub fn access_key(&self) -> &'static str {
        ACCESS_KEY
    }

    pub fn secret_key(&self) -> &'static str {
        SECRET_KEY
    }

    fn tool(&self, name: &str, package: &'static str) -> Result<Command, Error> {
        let mut tool = program(name, package)?;
        tool.env("CEPH_CONF", self.directory.join("ceph.conf")).current_dir(&self.directory);
        Ok(tool)
    }

    fn write_settings(&self, cluster: &str) -> Result<(), Error> {
        for name in ["mon", "osd", "crash"] {
            fs::create_dir(self.directory.join(name)).map_err(doing(format!("make a directory {name}")))?;
        }
        let settings = settings::settings(&self.directory, cluster, self.monitor_port, self.gateway_port);
        fs::write(self.directory.join("ceph.conf"), settings).map_err(doing("write ceph.conf"))?;
        fs::write(self.directory.join("keyring"), "").map_err(doing("write a keyring"))
    }

    fn make_monitor(&self, cluster: &str) -> Result<(), Error> {
        let address = format!("[v2:127.0.0.1:{}]", self.monitor_port);
        let mut map = self.tool("monmaptool", "ceph-mon")?;
        run(map.args(["--create", "--clobber", "--fsid", cluster, "--addv", "a", &address, "monmap"]))?;
        run(self.tool("ceph-mon", "ceph-mon")?.args(["-i", "a", "--mkfs", "--monmap", "monmap"])).map(drop)
    }

    fn make_osd(&self, id: &str) -> Result<(), Error> {
        run(self.tool("ceph-osd", "ceph-osd")?.args(["-i", "0", "--mkfs", "--osd-uuid", id, "--no-mon-config"])).map(drop)
    }

    fn make_user(&self) -> Result<(), Error> {
        let mut admin = self.tool("radosgw-admin", "radosgw")?;
        admin.args(["user", "create", "--uid=test", "--display-name=test"]);
        run(admin.args([format!("--access-key={ACCESS_KEY}"), format!("--secret-key={SECRET_KEY}")])).map(drop)
    }

    fn start_monitor(&self, launcher: &mut Launcher) -> Result<(), Error> {
        launcher.start("mon", self.tool("ceph-mon", "ceph-mon")?.args(["-f", "-i", "a"]))
    }

    fn start_osd(&self, launcher: &mut Launcher) -> Result<(), Error> {
        launcher.start("osd", self.tool("ceph-osd", "ceph-osd")?.args(["-f", "-i", "0"]))
    }

    fn start_gateway(&self, launcher: &mut Launcher) -> Result<(), Error> {
        launcher.start("rgw", self.tool("radosgw", "radosgw")?.args(["-f", "-n", "client.rgw"]))?;
        launcher.until_ready(READY_MAX, || self.answers())
    }
}

impl Ceph {
    /// Ends the gateway without a warning (SIGKILL) and starts it again: what it had in its hands is lost, what was stored is not.
    pub fn kill_gateway(&mut self) -> Result<(), Error> {
        self.restart_last(CephAddress::start_gateway)
    }
}

impl Kind for CephAddress {
    const NAME: &'static str = "ceph";
    const PORTS: usize = 2;
    const MAY_HANG: bool = true;

    fn at(directory: PathBuf, ports: Vec<u16>) -> Self {
        Self { directory, gateway_port: ports[0], monitor_port: ports[1] }
    }

    fn install(&self, launcher: &mut Launcher) -> Result<(), Error> {
        program("radosgw", "radosgw")?;
        let (cluster, osd) = (new_id()?, new_id()?);
        self.write_settings(&cluster)?;
        self.make_monitor(&cluster)?;
        self.start_monitor(launcher)?;
        self.make_osd(&osd)?;
        run(self.tool("ceph", "ceph-common")?.args(["osd", "new", &osd, "0"]))?;
        self.start_osd(launcher)?;
        self.make_user()?;
        self.start_gateway(launcher)
    }

    fn launch(&self, launcher: &mut Launcher) -> Result<(), Error> {
        self.start_monitor(launcher)?;
        self.start_osd(launcher)?;
        self.start_gateway(launcher)
    }

    fn answers(&self) -> bool {
        http::is_ok(self.gateway_port, "/")
    }
}

/// Ceph wants UUIDs for the cluster and the OSD; the kernel makes some.
fn new_id() -> Result<String, Error> {
    let id = fs::read_to_string("/proc/sys/kernel/random/uuid").map_err(doing("ask the kernel for a UUID"))?;
    Ok(id.trim().to_owned())
}
