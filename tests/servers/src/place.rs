//! Where things lie on the disk.

use std::env;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::error::{Error, doing};

/// A new directory for one server, below `CAIRN_TEST_DIR` or the system's temporary directory.
pub(crate) fn new_directory(server: &str) -> Result<TempDir, Error> {
    let base = env::var_os("CAIRN_TEST_DIR").map_or_else(env::temp_dir, PathBuf::from);
    let made = tempfile::Builder::new().prefix(&format!("cairn-{server}-")).tempdir_in(&base);
    made.map_err(doing(format!("make a directory in {}", base.display())))
}

/// What outlives a process: cargo's target directory, if this program lies in one, else the system's temporary directory.
pub(crate) fn lasting() -> PathBuf {
    target_directory().unwrap_or_else(env::temp_dir)
}

/// Cargo marks its target directory with a file, and test binaries lie below it.
fn target_directory() -> Option<PathBuf> {
    let program = env::current_exe().ok()?;
    program.ancestors().find(|directory| directory.join("CACHEDIR.TAG").is_file()).map(PathBuf::from)
}
