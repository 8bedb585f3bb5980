//! The drive: the release binary on an empty directory, with one user signed in.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::client::{Client, Target};

pub(crate) struct Drive {
    child: Child,
    place: TempDir,
    address: SocketAddr,
    token: String,
}

/// The longest that one waits for contents to move.
const MOVED_WITHIN: Duration = Duration::from_mins(10);

/// Lines of the log that are shown when something is wrong.
const LAST_WORDS: usize = 20;

impl Drive {
    pub(crate) fn start(runtime: &Runtime, place: &Path) -> Self {
        Self::with(runtime, place, &[])
    }

    /// One that is configured by its environment.
    pub(crate) fn with(runtime: &Runtime, place: &Path, settings: &[(&str, String)]) -> Self {
        let place = tempfile::tempdir_in(place).unwrap();
        let (child, address) = launch(place.path(), settings);
        let mut drive = Self { child, place, address, token: String::new() };
        drive.token = runtime.block_on(drive.sign_in());
        drive
    }

    /// Kills it and starts it with other settings on what it has on the disk.
    pub(crate) fn restart(&mut self, settings: &[(&str, String)]) {
        self.stop();
        (self.child, self.address) = launch(self.place.path(), settings);
    }

    async fn sign_in(&self) -> String {
        let wish = r#"{"username": "bench", "password": "correct horse battery staple"}"#;
        let mut client = Client::connect(&self.target("/user/signup")).await;
        client.call(&self.target("/user/signup"), wish).await;
        field(&client.call(&self.target("/user/signin"), wish).await, "token")
    }

    pub(crate) fn uploads(&self) -> Target {
        self.target("/file/upload?name=bench.bin")
    }

    pub(crate) fn download(&self, id: &str) -> Target {
        self.target(&format!("/file/download?id={id}"))
    }

    /// Stores a file and returns its id.
    pub(crate) async fn store(&self, bytes: u64) -> String {
        let target = self.uploads();
        field(&Client::connect(&target).await.upload(&target, 0, bytes).await, "id")
    }

    /// Where the contents lie.
    pub(crate) fn blobs(&self) -> PathBuf {
        self.place.path().join("data/blobs")
    }

    /// As if somebody had written to them: the drive trusts what it knows of them no more.
    pub(crate) fn touch_contents(&self) {
        for path in files_below(&self.blobs()) {
            fs::set_permissions(&path, fs::metadata(&path).unwrap().permissions()).unwrap();
        }
    }

    /// The path of the one content that is stored, below [`blobs`](Self::blobs).
    pub(crate) fn only_content(&self) -> PathBuf {
        let contents = files_below(&self.blobs());
        assert_eq!(contents.len(), 1);
        contents[0].strip_prefix(self.blobs()).unwrap().to_owned()
    }

    /// How many contents are on the disk.
    pub(crate) fn contents(&self) -> u64 {
        files_below(&self.blobs()).len() as u64
    }

    /// Looks that often until at most so many contents are on the disk, and returns how many are.
    pub(crate) async fn until_left(&self, count: u64, every: Duration) -> u64 {
        let started = Instant::now();
        loop {
            let left = self.contents();
            if left <= count {
                return left;
            }
            assert!(started.elapsed() < MOVED_WITHIN, "{left} contents do not go away:\n{}", self.last_words());
            tokio::time::sleep(every).await;
        }
    }

    /// Kills it. What it has on the disk stays until this value goes.
    pub(crate) fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.place.path().join("log.txt")).unwrap();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LAST_WORDS)..].join("\n")
    }

    /// Gives the space of all contents back, behind the drive's back: it never looks at one of them again.
    pub(crate) fn remove_contents(&self) {
        remove_files(&self.blobs());
    }

    /// The most memory that was resident since the start (`VmHWM`, proc(5)).
    pub(crate) fn largest_resident_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")).unwrap();
        kib.parse::<u64>().unwrap() * 1024
    }

    fn target(&self, path: &str) -> Target {
        let fields = if self.token.is_empty() { String::new() } else { format!("Authorization: Bearer {}\r\n", self.token) };
        Target { address: self.address, path: path.to_owned(), fields }
    }
}

impl Drop for Drive {
    fn drop(&mut self) {
        // It may have ended by itself, and whoever started it has said so by now; or it was stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn launch(place: &Path, settings: &[(&str, String)]) -> (Child, SocketAddr) {
    let log = place.join("log.txt");
    let mut child = Command::new(env!("CARGO_BIN_EXE_cairn"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(place.join("data"))
        .env_clear()
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(&log).unwrap())
        .spawn()
        .unwrap();
    // It says where it listens as soon as it does. It would end if it could not say the rest.
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines().map_while(Result::ok);
    let address = lines.find_map(|line| line.split_once("http://")?.1.trim().parse().ok());
    let address = address.unwrap_or_else(|| panic!("the drive does not start: {}", fs::read_to_string(&log).unwrap()));
    (child, address)
}

fn field(json: &[u8], name: &str) -> String {
    let json: Value = serde_json::from_slice(json).unwrap();
    json[name].as_str().unwrap().to_owned()
}

/// Removes all files below a directory and waits until the disk knows it, so that the next measurement does not pay for it.
pub(crate) fn remove_files(directory: &Path) {
    for file in files_below(directory) {
        fs::remove_file(file).unwrap();
    }
    rustix::fs::syncfs(File::open(directory).unwrap()).unwrap();
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut to_see = vec![directory.to_owned()];
    while let Some(directory) = to_see.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() { to_see.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found
}
