//! The files themselves. What blocks runs where blocking is allowed.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

/// Where the tables of a rebuild are made: `views.rebuild.db` for `views.db`.
pub(super) fn draft_of(path: &Path) -> PathBuf {
    let name = path.file_stem().unwrap_or_else(|| OsStr::new("views")).to_owned();
    let mut name = name;
    name.push(".rebuild.db");
    path.with_file_name(name)
}

/// Where the file of a replay is made: `then.db.unfinished` for `then.db`.
pub(super) fn unfinished(target: &Path) -> PathBuf {
    beside(target, ".unfinished")
}

/// Removes a database with what SQLite puts beside it. One that is not there is no error.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        absent_is_fine(std::fs::remove_file(beside(path, suffix)))?;
    }
    Ok(())
}

/// Puts a closed database in the place of another closed one, durably. The files beside the old one go first: they would be taken for
/// those of the new.
pub(super) async fn replace(new: PathBuf, old: PathBuf) -> io::Result<()> {
    let work = move || {
        std::fs::File::open(&new)?.sync_all()?;
        for suffix in ["-wal", "-shm", "-journal"] {
            absent_is_fine(std::fs::remove_file(beside(&old, suffix)))?;
        }
        std::fs::rename(&new, &old)?;
        std::fs::File::open(directory_of(&old))?.sync_all()
    };
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn absent_is_fine(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
