//! What operators do with the read tables. Tables in a file belong to one process: while a drive runs, that is the drive, and other verbs ask it by
//! way of a socket in the data directory, whose owner alone may open it.

mod door;
mod orders;
mod visit;

pub(crate) use self::door::open_door;
pub(crate) use self::orders::{Order, Outcome};
pub(crate) use self::visit::Hand;

use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What the drive tells whoever has given it an order, one JSON object a line: any number of steps, and one end.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    Progress { done: u64, head: u64 },
    Done(Outcome),
    Failed(String),
}

/// Orders and answers are longer than this only by mistake, in bytes.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// The socket's path by way of its open directory: the path of a socket may have some hundred bytes only (unix(7)).
fn socket_in(directory: &std::fs::File) -> PathBuf {
    Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join("control.sock")
}
