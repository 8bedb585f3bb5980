//! RabbitMQ with an epmd of its own.
//!
//! Ready after 7 to 23 s, so that most tests want the shared one. Making a virtual host takes seconds more; tests rather use
//! queues with names of their own. Seen on 3.10: a quorum queue that is killed within 2 s of its declaration loses confirmed
//! messages; a durable classic one loses none.

mod login;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::command::program;
use crate::error::{Error, doing};
use crate::launcher::Launcher;
use crate::server::{Kind, Server};

const READY_MAX: Duration = Duration::from_mins(2);

const USER: &str = "app";
const PASSWORD: &str = "app";

/// Debian's /usr/sbin/rabbitmq-server would change the user.
const SCRIPT: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// A private RabbitMQ.
pub type RabbitMq = Server<RabbitMqAddress>;

/// How to reach a RabbitMQ.
#[derive(Clone, Debug)]
pub struct RabbitMqAddress {
    directory: PathBuf,
    port: u16,
    distribution_port: u16,
    epmd_port: u16,
}

impl RabbitMq {
    /// Starts a new one with these lines more in its rabbitmq.conf.
    pub fn start_with(settings: &str) -> Result<Self, Error> {
        Self::start_by(|server, launcher| server.install_with(settings, launcher))
    }
}

reachable!(RabbitMqAddress, port);

impl RabbitMqAddress {
    /// `amqp://user:password@host:port`, for the virtual host `/`.
    pub fn url(&self) -> String {
        format!("amqp://{USER}:{PASSWORD}@127.0.0.1:{}", self.port)
    }

    pub fn user(&self) -> &'static str {
        USER
    }

    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    fn settings(&self) -> String {
        let Self { directory, port, .. } = self;
        format!(
            "listeners.tcp.local = 127.0.0.1:{port}
default_user = {USER}
default_pass = {PASSWORD}
loopback_users = none
log.console = false
log.file = {}/rabbitmq.log
vm_memory_high_watermark.absolute = 512MB
disk_free_limit.absolute = 50MB
",
            directory.display()
        )
    }

    /// Finds the broker's distribution port for its name. The system's own epmd would outlive the broker.
    fn epmd(&self) -> Result<Command, Error> {
        let mut epmd = program("epmd", "rabbitmq-server")?;
        epmd.args(["-port", &self.epmd_port.to_string(), "-address", "127.0.0.1", "-relaxed_command_check"]);
        Ok(epmd)
    }

    /// The broker with nothing of this process's environment, which could hold settings of RabbitMQ.
    fn broker(&self) -> Result<Command, Error> {
        if !Path::new(SCRIPT).is_file() {
            return Err(Error::Missing { program: SCRIPT.to_owned(), package: "rabbitmq-server" });
        }
        let mut broker = program("env", "coreutils")?;
        broker.arg("-i").args(self.environment().map(|(name, value)| format!("{name}={value}"))).arg(SCRIPT);
        Ok(broker)
    }

    fn environment(&self) -> [(&'static str, String); 18] {
        let within = |name: &str| self.directory.join(name).display().to_string();
        [
            ("PATH", "/usr/bin:/bin:/usr/sbin".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("HOME", within("home")),
            ("ERL_EPMD_PORT", self.epmd_port.to_string()),
            ("ERL_EPMD_ADDRESS", "127.0.0.1".to_owned()),
            ("RABBITMQ_NODENAME", format!("cairn{}@localhost", self.port)),
            ("RABBITMQ_DIST_PORT", self.distribution_port.to_string()),
            ("RABBITMQ_MNESIA_BASE", within("mnesia")),
            ("RABBITMQ_LOG_BASE", within("log")),
            ("RABBITMQ_SCHEMA_DIR", within("schema")),
            ("RABBITMQ_GENERATED_CONFIG_DIR", within("generated")),
            ("RABBITMQ_CONFIG_FILE", within("rabbitmq.conf")),
            ("RABBITMQ_ADVANCED_CONFIG_FILE", within("none.config")),
            ("RABBITMQ_CONF_ENV_FILE", "/dev/null".to_owned()),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", within("enabled_plugins")),
            ("RABBITMQ_PID_FILE", within("rabbitmq.pid")),
            ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", ERLANG_ARGUMENTS.to_owned()),
            // Makes the script become the broker instead of waiting for it, so that its pid is the broker's.
            ("RUNNING_UNDER_SYSTEMD", "1".to_owned()),
        ]
    }

    fn install_with(&self, more_settings: &str, launcher: &mut Launcher) -> Result<(), Error> {
        for name in ["home", "mnesia", "log"] {
            fs::create_dir(self.directory.join(name)).map_err(doing(format!("make a directory {name}")))?;
        }
        self.write("enabled_plugins", "[].")?;
        self.write("rabbitmq.conf", &(self.settings() + more_settings))?;
        let cookie = self.write("home/.erlang.cookie", &format!("cairn{}", self.port))?;
        fs::set_permissions(cookie, Permissions::from_mode(0o400)).map_err(doing("protect the Erlang cookie"))?;
        self.launch(launcher)
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf, Error> {
        let path = self.directory.join(name);
        fs::write(&path, text).map_err(doing(format!("write {}", path.display())))?;
        Ok(path)
    }
}

/// Listening on this machine only, without schedulers that burn the processor while they wait.
const ERLANG_ARGUMENTS: &str = "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none +S 2:2";

impl Kind for RabbitMqAddress {
    const NAME: &'static str = "rabbitmq";
    const PORTS: usize = 3;

    fn at(directory: PathBuf, ports: Vec<u16>) -> Self {
        Self { directory, port: ports[0], distribution_port: ports[1], epmd_port: ports[2] }
    }

    fn install(&self, launcher: &mut Launcher) -> Result<(), Error> {
        self.install_with("", launcher)
    }

    fn launch(&self, launcher: &mut Launcher) -> Result<(), Error> {
        launcher.start("epmd", &self.epmd()?)?;
        launcher.start("broker", &self.broker()?)?;
        launcher.until_ready(READY_MAX, || self.answers())
    }

    /// The port opens seconds before anybody can log in.
    fn answers(&self) -> bool {
        login::log_in(self.port, USER, PASSWORD).is_ok()
    }
}
