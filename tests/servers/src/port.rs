//! Ports that stay ours while a server is down.

use std::fs::{self, File, TryLockError};
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};
use std::{env, process};

use crate::error::{Error, doing};

/// Below the range that Linux takes ports of outgoing connections from, so that none of these is in the way of a server that
/// starts again on its port.
const PORTS: Range<u16> = 20_000..32_000;

/// A port of 127.0.0.1 that no other test process takes while this lives.
pub(crate) struct Port {
    pub(crate) number: u16,
    _reserved: File,
}

pub(crate) fn reserve(count: usize) -> Result<Vec<Port>, Error> {
    let directory = env::temp_dir().join(format!("cairn-servers-ports-{}", rustix::process::getuid().as_raw()));
    fs::create_dir_all(&directory).map_err(doing(format!("make {}", directory.display())))?;
    (0..count).map(|_| reserve_one(&directory)).collect()
}

fn reserve_one(directory: &Path) -> Result<Port, Error> {
    for _ in PORTS {
        let number = next_number();
        if let Some(reserved) = lock(directory, number)?
            && is_free(number)
        {
            return Ok(Port { number, _reserved: reserved });
        }
    }
    Err(doing("find a free port")(std::io::ErrorKind::AddrInUse.into()))
}

/// Processes begin at different places, so that they seldom try the same port.
fn next_number() -> u16 {
    static TRIED: AtomicU16 = AtomicU16::new(0);
    let place = process::id().wrapping_mul(61).wrapping_add(u32::from(TRIED.fetch_add(1, Ordering::Relaxed)));
    PORTS.start + (place % u32::from(PORTS.end - PORTS.start)) as u16
}

fn lock(directory: &Path, number: u16) -> Result<Option<File>, Error> {
    let path = directory.join(number.to_string());
    let opened = File::options().create(true).append(true).open(&path);
    let file = opened.map_err(doing(format!("open {}", path.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(doing(format!("lock {}", path.display()))(error)),
    }
}

fn is_free(number: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok()
}
