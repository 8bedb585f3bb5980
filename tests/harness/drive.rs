//! The drive as a process of its own.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::client::Client;
use super::over;
use super::process::{Output, command};
use super::wait::until;

/// A drive with a data directory. Both are gone when it is dropped.
pub(crate) struct Drive {
    child: Option<Child>,
    address: SocketAddr,
    data: PathBuf,
    environment: Vec<(String, String)>,
    place: TempDir,
    starts: u32,
}

impl Drive {
    /// A drive on an empty directory, ready.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// The same with settings, as variables of the environment.
    pub(crate) fn with(environment: &[(&str, &str)]) -> Self {
        let place = tempfile::tempdir().expect("a directory");
        let data = place.path().join("data");
        Self::start_at(place, data, environment)
    }

    /// A drive on a data directory that stays when the drive goes.
    pub(crate) fn on(data: &Path, environment: &[(&str, &str)]) -> Self {
        Self::start_at(tempfile::tempdir().expect("a directory"), data.to_owned(), environment)
    }

    /// The same with its log and its read tables in the data directory, whatever the other drives of the run are over.
    pub(crate) fn embedded_on(data: &Path) -> Self {
        Self::start_in(tempfile::tempdir().expect("a directory"), data.to_owned(), Vec::new())
    }

    fn start_at(place: TempDir, data: PathBuf, environment: &[(&str, &str)]) -> Self {
        let given = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment = over::settings(&data).into_iter().chain(given).collect();
        Self::start_in(place, data, environment)
    }

    fn start_in(place: TempDir, data: PathBuf, environment: Vec<(String, String)>) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut drive = Self { child: None, address, data, environment, place, starts: 0 };
        drive.start_again();
        drive
    }

    /// Starts the stopped drive on the same data, at another port.
    pub(crate) fn start_again(&mut self) {
        assert!(self.child.is_none(), "the drive runs already");
        self.starts += 1;
        let log = File::options().create(true).append(true).open(self.log_path()).expect("a log");
        let said = self.place.path().join(format!("stdout-{}.txt", self.starts));
        let mut command = command();
        command.arg("serve").args(["--listen", "127.0.0.1:0", "--data"]).arg(&self.data);
        command.envs(self.environment.iter().cloned()).current_dir(self.place.path());
        let child = command.stdout(File::create(&said).expect("a file")).stderr(log).spawn().expect("the program starts");
        self.child = Some(child);
        self.address = until("the drive says where it listens", || {
            self.assert_running();
            address_in(&fs::read_to_string(&said).expect("a file"))
        });
        until("the drive is ready", || {
            self.assert_running();
            is_ready(self.address).then_some(())
        });
    }

    /// Asks it to stop, and returns how it ended.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.ask_to_stop();
        self.ended()
    }

    /// Sends SIGTERM and does not wait.
    pub(crate) fn ask_to_stop(&self) {
        let child = self.child.as_ref().expect("a running drive");
        kill_process(Pid::from_child(child), Signal::TERM).expect("a signal");
    }

    /// Waits for the end of a drive that was asked to stop.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("a running drive");
        until("the drive ends", || child.try_wait().expect("a child"))
    }

    /// Stops it where it is (SIGSTOP): its connections stay open, and nothing answers.
    pub(crate) fn freeze(&self) {
        let child = self.child.as_ref().expect("a running drive");
        kill_process(Pid::from_child(child), Signal::STOP).expect("a signal");
    }

    /// Lets it go on after [`Drive::freeze`] (SIGCONT).
    pub(crate) fn thaw(&self) {
        let child = self.child.as_ref().expect("a running drive");
        kill_process(Pid::from_child(child), Signal::CONT).expect("a signal");
    }

    /// Ends it as a crash would (SIGKILL).
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().expect("a running drive");
        child.kill().expect("a signal");
        child.wait().expect("a child");
    }

    /// Somebody without a token.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// A variable of its environment.
    pub(crate) fn setting(&self, name: &str) -> Option<&str> {
        self.environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Its number among the processes of this machine.
    pub(crate) fn process_id(&self) -> u32 {
        self.child.as_ref().expect("a running drive").id()
    }

    /// The state of something that the drive stands on, as a drive tells it that is ready.
    pub(crate) async fn dependency(&self, name: &str) -> String {
        let ready = self.client().get("/readyz").send().await.expect(200).json();
        let dependencies = ready["dependencies"].as_array().unwrap();
        let wanted = dependencies.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("no {name}: {ready}"));
        wanted["state"].as_str().unwrap().to_owned()
    }

    /// What it has logged so far, over all starts.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// The most memory that the running drive has had at once, in KiB (`VmHWM`, proc(5)).
    pub(crate) fn resident_peak_kib(&self) -> u64 {
        let id = self.child.as_ref().expect("a running drive").id();
        let status = fs::read_to_string(format!("/proc/{id}/status")).expect("the drive's status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Everything that is on the log.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.cairn(&["events", "list", "--json"]).json_lines()
    }

    /// Runs another verb of the program over the same data.
    pub(crate) fn cairn(&self, arguments: &[&str]) -> Output {
        Output::of(&mut self.command(arguments))
    }

    /// Another verb of the program over the same data, to be started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command();
        command.envs(self.environment.iter().cloned()).current_dir(self.place.path());
        command.args(arguments).arg("--data").arg(&self.data);
        command
    }

    /// Throws the read tables of the stopped drive away.
    pub(crate) fn remove_views(&self) {
        if over::servers() {
            return over::remove_views(&self.data);
        }
        let all = fs::read_dir(&self.data).expect("a directory").map(|entry| entry.expect("an entry").path());
        let views: Vec<_> = all.filter(|path| path.to_string_lossy().contains("views.db")).collect();
        assert!(!views.is_empty());
        for path in views {
            fs::remove_file(path).expect("removed");
        }
    }

    /// The files below a directory of the data directory.
    pub(crate) fn files_in(&self, directory: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut to_see = vec![self.data.join(directory)];
        while let Some(directory) = to_see.pop() {
            // A directory may go away while it is looked at.
            for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    to_see.push(path);
                } else if path.is_file() {
                    found.push(path);
                }
            }
        }
        found
    }

    fn log_path(&self) -> PathBuf {
        self.place.path().join("log.txt")
    }

    fn assert_running(&mut self) {
        let child = self.child.as_mut().expect("a started drive");
        if let Some(status) = child.try_wait().expect("a child") {
            panic!("the drive ended early ({status}); it logged:\n{}", self.log());
        }
    }

    fn show_log(&self) {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines.len().saturating_sub(60);
        eprintln!("--- the last lines of the drive's log ---\n{}", lines[tail..].join("\n"));
    }
}

impl Drop for Drive {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // Nothing can be done about an error here, and the child may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            self.show_log();
        }
    }
}

/// A drive that the tests of this process share. It ends with the last test that holds it or one of its clients.
pub(crate) struct SharedDrive(Arc<Drive>);

static SHARED: Mutex<Weak<Drive>> = Mutex::new(Weak::new());

/// The shared drive, started when nobody has it yet. Tests keep to users of their own there.
pub(crate) fn shared() -> SharedDrive {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(drive) = shared.upgrade() {
        return SharedDrive(drive);
    }
    let drive = Arc::new(Drive::start());
    *shared = Arc::downgrade(&drive);
    SharedDrive(drive)
}

impl SharedDrive {
    /// Somebody without a token.
    pub(crate) fn client(&self) -> Client {
        self.0.client().holding(self.0.clone())
    }
}

impl Deref for SharedDrive {
    type Target = Drive;

    fn deref(&self) -> &Drive {
        &self.0
    }
}

impl Drop for SharedDrive {
    fn drop(&mut self) {
        if std::thread::panicking() && Arc::strong_count(&self.0) > 1 {
            self.0.show_log();
        }
    }
}

/// The address in a line like `http://127.0.0.1:8080`.
fn address_in(text: &str) -> Option<SocketAddr> {
    let (_, behind) = text.split_once("http://127.0.0.1:")?;
    // A number that stands at the very end may not be written to its end yet.
    let end = behind.find(|c: char| !c.is_ascii_digit())?;
    behind[..end].parse().ok().map(|port: u16| SocketAddr::from(([127, 0, 0, 1], port)))
}

fn is_ready(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut connection = TcpStream::connect(address)?;
        connection.write_all(b"GET /readyz HTTP/1.1\r\nHost: drive\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}
