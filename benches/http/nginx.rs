//! nginx over the very files of the drive, as its own documentation would have it for large files.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::client::Target;

pub(crate) struct Nginx {
    child: Child,
    address: SocketAddr,
    _place: TempDir,
}

const START_SECONDS_MAX: u64 = 10;

impl Nginx {
    /// The reason why not, where it can't be started.
    pub(crate) fn start(place: &Path, root: &Path) -> Result<Self, String> {
        let place = tempfile::tempdir_in(place).unwrap();
        let address = free_address();
        let settings = place.path().join("nginx.conf");
        fs::write(&settings, configuration(place.path(), root, address)).unwrap();
        let child = Command::new("nginx").arg("-c").arg(&settings).arg("-p").arg(place.path()).stderr(Stdio::null()).spawn();
        let child = child.map_err(|error| error.to_string())?;
        let mut nginx = Self { child, address, _place: place };
        nginx.wait().map(|()| nginx)
    }

    fn wait(&mut self) -> Result<(), String> {
        let started = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Err(format!("it ended with {status}"));
            }
            if started.elapsed() > Duration::from_secs(START_SECONDS_MAX) {
                return Err("it does not listen".to_owned());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// A file below the root.
    pub(crate) fn file(&self, path: &Path) -> Target {
        Target { address: self.address, path: format!("/{}", path.display()), fields: String::new() }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // SIGQUIT would wait for connections, SIGKILL would leave the workers alone.
        if kill_process(Pid::from_child(&self.child), Signal::TERM).is_ok() {
            let _ = self.child.wait();
        }
    }
}

fn configuration(place: &Path, root: &Path, address: SocketAddr) -> String {
    let (place, root) = (place.display(), root.display());
    format!(
        "daemon off;
        # The files are readable to their owner only; whoever is not root gets a warning and stays who they are.
        user root;
        worker_processes auto;
        pid {place}/pid;
        error_log {place}/error.log;
        events {{ worker_connections 64; }}
        http {{
            access_log off;
            sendfile on;
            tcp_nopush on;
            client_body_temp_path {place}/body;
            proxy_temp_path {place}/proxy;
            fastcgi_temp_path {place}/fastcgi;
            uwsgi_temp_path {place}/uwsgi;
            scgi_temp_path {place}/scgi;
            server {{
                listen {address};
                root {root};
                default_type application/octet-stream;
            }}
        }}"
    )
}

/// An address that was free a moment ago.
fn free_address() -> SocketAddr {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap()
}
