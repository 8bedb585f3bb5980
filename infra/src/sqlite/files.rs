//! The files of databases. What blocks runs where blocking is allowed.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags};
use sqlx::{Connection, SqliteConnection};

/// A database beside another one: `views.rebuild.db` for `views.db`.
pub(super) fn sibling(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_else(|| OsStr::new("database")).to_owned();
    name.push(ending);
    path.with_file_name(name)
}

/// Where the file of a replay is made: `then.db.unfinished` for `then.db`.
pub(super) fn unfinished(target: &Path) -> PathBuf {
    beside(target, ".unfinished")
}

/// Becomes a file of the journal mode of live databases while it is nobody's. Opening it would do that otherwise, by way of a rollback journal: a
/// crash then leaves a file in the place of the live one which nobody can read before somebody has written to it.
pub(super) async fn close_ready_to_be_opened(mut connection: SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query("PRAGMA journal_mode = OFF").execute(&mut connection).await?;
    sqlx::query("PRAGMA journal_mode = WAL").execute(&mut connection).await?;
    connection.close().await
}

/// Removes a database with what SQLite puts beside it. One that is not there is no error.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    absent_is_fine(std::fs::remove_file(path))?;
    remove_beside(path)
}

/// Puts a closed database in the place of another closed one, durably. The files beside the old one go first: they would be taken for
/// those of the new.
pub(super) async fn replace(new: PathBuf, old: PathBuf) -> io::Result<()> {
    blocking(move || move_durably(&new, &old)).await
}

/// The same, and the old one stays under another name.
pub(super) async fn replace_keeping(new: PathBuf, old: PathBuf, kept: PathBuf) -> io::Result<()> {
    blocking(move || {
        remove(&kept)?;
        // There is none yet where the tables were lost.
        absent_is_fine(std::fs::hard_link(&old, &kept))?;
        move_durably(&new, &old)
    })
    .await
}

/// Exchanges two closed databases, all at once.
pub(super) async fn exchange(one: PathBuf, other: PathBuf) -> io::Result<()> {
    blocking(move || {
        for path in [&one, &other] {
            remove_beside(path)?;
        }
        rustix::fs::renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE)?;
        std::fs::File::open(directory_of(&one))?.sync_all()
    })
    .await
}

fn move_durably(new: &Path, old: &Path) -> io::Result<()> {
    std::fs::File::open(new)?.sync_all()?;
    remove_beside(old)?;
    std::fs::rename(new, old)?;
    std::fs::File::open(directory_of(old))?.sync_all()
}

fn remove_beside(path: &Path) -> io::Result<()> {
    for suffix in ["-wal", "-shm", "-journal"] {
        absent_is_fine(std::fs::remove_file(beside(path, suffix)))?;
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
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
