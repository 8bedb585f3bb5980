//! MariaDB as a primary or as a replica of one, with GTIDs.

mod template;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::command::{copy_directory, program, run};
use crate::error::{Error, doing};
use crate::launcher::Launcher;
use crate::server::{Kind, Server};

const READY_MAX: Duration = Duration::from_mins(1);

/// How long a replica may lag behind in a test.
const LAG_MAX_SECONDS: u32 = 30;

/// The one with all rights on all databases, but none on the server: a replica refuses its writes.
const USER: &str = "app";
const PASSWORD: &str = "app";

/// A private MariaDB.
pub type MariaDb = Server<MariaDbAddress>;

/// How to reach a MariaDB.
#[derive(Clone, Debug)]
pub struct MariaDbAddress {
    directory: PathBuf,
    port: u16,
}

impl MariaDb {
    /// Starts a replica that follows this primary. It is read-only but for root, and may lag behind: see
    /// [`MariaDbAddress::wait_for`].
    pub fn start_replica_of(primary: &MariaDbAddress) -> Result<Self, Error> {
        Self::start_by(|replica, launcher| replica.install_replica(launcher, primary.port))
    }
}

reachable!(MariaDbAddress, port);

impl MariaDbAddress {
    /// `mysql://user:password@host:port`, without a database.
    pub fn url(&self) -> String {
        format!("mysql://{USER}:{PASSWORD}@127.0.0.1:{}", self.port)
    }

    /// The same with a database.
    pub fn url_of(&self, database: &str) -> String {
        format!("{}/{database}", self.url())
    }

    /// Who may do everything on every database, but nothing to the server.
    pub fn user(&self) -> &'static str {
        USER
    }

    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// Makes an empty database, in the place of an older one of that name, and gives its URL. On a primary, its replicas follow:
    /// theirs is [`MariaDbAddress::url_of`].
    pub fn create_database(&self, name: &str) -> Result<String, Error> {
        self.sql(&format!("CREATE OR REPLACE DATABASE `{}`", name.replace('`', "``")))?;
        Ok(self.url_of(name))
    }

    /// Runs statements as root. Gives the rows, one on each line, their columns split by tabs, without headings.
    pub fn sql(&self, text: &str) -> Result<String, Error> {
        let mut client = program("mariadb", "mariadb-server")?;
        client.args(["--no-defaults", "--protocol=tcp", "--host=127.0.0.1", "--user=root", "--connect-timeout=3"]);
        client.args(["--batch", "--skip-column-names", "--default-character-set=utf8mb4"]);
        run(client.arg(format!("--port={}", self.port)).arg(format!("--execute={text}")))
    }

    /// Waits until this replica has done all that the primary has done so far; fails after 30 s.
    pub fn wait_for(&self, primary: &MariaDbAddress) -> Result<(), Error> {
        let position = primary.sql("SELECT @@gtid_binlog_pos")?;
        let command = format!("SELECT MASTER_GTID_WAIT('{}', {LAG_MAX_SECONDS})", position.trim());
        match self.sql(&command)?.trim() {
            "0" => Ok(()),
            _ => Err(Error::Failed { command, output: self.sql("SHOW REPLICA STATUS\\G")? }),
        }
    }

    /// Makes this replica lag: it still receives what the primary does, but does none of it.
    pub fn stop_sql_thread(&self) -> Result<(), Error> {
        self.sql("STOP REPLICA SQL_THREAD").map(drop)
    }

    /// Lets this replica catch up.
    pub fn start_sql_thread(&self) -> Result<(), Error> {
        self.sql("START REPLICA SQL_THREAD").map(drop)
    }

    pub(crate) fn install_replica(&self, launcher: &mut Launcher, primary_port: u16) -> Result<(), Error> {
        self.prepare("read-only = ON\nrelay-log = relay\nslave-net-timeout = 10\n")?;
        self.launch(launcher)?;
        self.sql(&format!(
            "SET GLOBAL gtid_slave_pos = '';
             CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {primary_port}, MASTER_USER = 'replication',
                 MASTER_PASSWORD = 'replication', MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1;
             START REPLICA;"
        ))
        .map(drop)
    }

    /// The data of a new server and its settings.
    fn prepare(&self, more_settings: &str) -> Result<(), Error> {
        copy_directory(&template::data_directory()?, &self.directory.join("data"))?;
        let path = self.settings_path();
        let settings = settings(&self.directory, self.port) + more_settings;
        fs::write(&path, settings).map_err(doing(format!("write {}", path.display())))
    }

    fn settings_path(&self) -> PathBuf {
        self.directory.join("my.cnf")
    }
}

impl Kind for MariaDbAddress {
    const NAME: &'static str = "mariadb";
    const PORTS: usize = 1;

    fn at(directory: PathBuf, ports: Vec<u16>) -> Self {
        Self { directory, port: ports[0] }
    }

    fn install(&self, launcher: &mut Launcher) -> Result<(), Error> {
        self.prepare("")?;
        self.launch(launcher)?;
        self.sql(&format!(
            "CREATE USER {USER}@'%' IDENTIFIED BY '{PASSWORD}'; GRANT ALL ON `%`.* TO {USER}@'%';
             CREATE USER replication@'%' IDENTIFIED BY 'replication'; GRANT REPLICATION SLAVE ON *.* TO replication@'%';"
        ))
        .map(drop)
    }

    fn launch(&self, launcher: &mut Launcher) -> Result<(), Error> {
        let mut server = program("mariadbd", "mariadb-server")?;
        // The server reads this option only where it comes first.
        server.arg(format!("--defaults-file={}", self.settings_path().display()));
        server.args(template::user_option());
        launcher.start("mariadbd", &server)?;
        launcher.until_ready(READY_MAX, || self.answers())
    }

    fn answers(&self) -> bool {
        self.sql("SELECT 1").is_ok_and(|answer| answer.trim() == "1")
    }
}

/// Durable as in production, small as befits a test. The port makes a server id that no other server here has; the socket's
/// path is relative to the data, because a socket's absolute path may not be longer than 107 bytes.
fn settings(directory: &Path, port: u16) -> String {
    let directory = directory.display();
    format!(
        "[mariadbd]
datadir = {directory}/data
tmpdir = {directory}
log-error = {directory}/mariadbd.log
pid-file = {directory}/mariadbd.pid
socket = mariadbd.sock
bind-address = 127.0.0.1
port = {port}
server-id = {port}
skip-name-resolve
character-set-server = utf8mb4
collation-server = utf8mb4_bin
performance-schema = OFF
max-connections = 1000
innodb-buffer-pool-size = 64M
innodb-flush-log-at-trx-commit = 1
sync-binlog = 1
log-bin = binlog
binlog-format = ROW
log-slave-updates = ON
gtid-domain-id = 1
gtid-strict-mode = ON
{}\n",
        template::SETTINGS.join("\n")
    )
}
