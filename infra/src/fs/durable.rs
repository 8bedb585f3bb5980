//! The few ways in which something becomes durable, and what to say when it does not.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use cairn_commands::ports::staging::StagingError;
use rustix::fs::{CWD, FallocateFlags, RenameFlags};
use rustix::io::Errno;

/// Makes the names in a directory durable: a file's own sync says nothing about the entry that leads to it (fsync(2), Notes).
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Makes the names in one directory durable for many at once: whoever comes while a sync is under way shares the next.
pub(super) struct SharedSync {
    path: PathBuf,
    state: Mutex<SyncState>,
    ended: Condvar,
}

#[derive(Default)]
struct SyncState {
    begun: u64,
    succeeded: u64,
    running: bool,
}

impl SharedSync {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, state: Mutex::default(), ended: Condvar::new() }
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        let mut state = self.lock();
        // One that is under way may have missed the caller's name.
        let wanted = state.begun + 1;
        while state.succeeded < wanted {
            if state.running {
                state = self.ended.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.running = true;
            state.begun += 1;
            let number = state.begun;
            drop(state);
            let result = sync_directory(&self.path);
            state = self.lock();
            state.running = false;
            self.ended.notify_all();
            // Whoever waited for it tries again and gets an error of their own.
            result?;
            state.succeeded = number;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, SyncState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Creates a directory that only the owner may enter; one that is there already is no error. True when it is new.
pub(super) fn create_directory(path: &Path) -> io::Result<bool> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives a new name, unless it is taken; false when it is, or when the file system can't tell.
pub(super) fn rename_to_new(from: &Path, to: &Path) -> io::Result<bool> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST | Errno::INVAL | Errno::NOSYS) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Reserves the bytes up to `size` and makes the file that long.
///
/// Where the file system can't reserve, the free space is compared and the file is made sparse: better than to find
/// out at the last byte, though another writer may still take the space.
pub(super) fn reserve(file: &File, size: u64) -> io::Result<()> {
    if size == 0 {
        return Ok(());
    }
    loop {
        match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, size) {
            Ok(()) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => return reserve_sparse(file, size),
            Err(error) => return Err(error.into()),
        }
    }
}

fn reserve_sparse(file: &File, size: u64) -> io::Result<()> {
    let room = rustix::fs::fstatvfs(file)?;
    if room.f_bavail.saturating_mul(room.f_frsize) < size {
        return Err(io::ErrorKind::StorageFull.into());
    }
    file.set_len(size)
}

/// A file that is removed again unless it is given a name to stay.
pub(super) struct Unfinished {
    path: Option<PathBuf>,
    file: File,
}

/// The ending of names that mean nothing after a restart.
pub(super) const UNFINISHED: &str = ".tmp";

static UNFINISHED_FILES: AtomicU64 = AtomicU64::new(0);

impl Unfinished {
    /// Creates a file of that mode in the directory, open for reading and writing whatever the mode says.
    pub(super) fn create(directory: &Path, mode: u32) -> io::Result<Self> {
        loop {
            let number = UNFINISHED_FILES.fetch_add(1, Ordering::Relaxed);
            let path = directory.join(format!("{number}{UNFINISHED}"));
            match OpenOptions::new().read(true).write(true).create_new(true).mode(mode).open(&path) {
                Ok(file) => return Ok(Self { path: Some(path), file }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Gives the file its name to stay, in place of whatever has it; the file's bytes must be durable by now.
    pub(super) fn rename(mut self, to: &Path) -> io::Result<()> {
        if let Some(path) = &self.path {
            fs::rename(path, to)?;
            self.path = None;
        }
        Ok(())
    }

    /// Tries the name before the bytes are durable, which on a journalling file system makes both durable by one commit. Until
    /// [`keep`](Self::keep), a failure takes the name away again.
    pub(super) fn try_name(&mut self, to: &Path) -> io::Result<bool> {
        let Some(path) = &self.path else { return Ok(false) };
        let named = rename_to_new(path, to)?;
        if named {
            self.path = Some(to.to_owned());
        }
        Ok(named)
    }

    /// The name that the file has stays.
    pub(super) fn keep(mut self) {
        self.path = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = &self.path
            && let Err(error) = fs::remove_file(path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, path = %path.display(), "an unfinished file could not be removed; the next start does it");
        }
    }
}

/// Removes whatever a predecessor left unfinished in the directory.
pub(super) fn remove_unfinished(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().ends_with(UNFINISHED) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Removes a file; one that is not there is no error.
pub(super) fn remove_file(path: &Path) -> io::Result<()> {
    ignore_absent(fs::remove_file(path))
}

/// Removes a directory with everything in it; one that is not there is no error.
pub(super) fn remove_directory(path: &Path) -> io::Result<()> {
    loop {
        match fs::remove_dir_all(path) {
            // Somebody who had not heard of the end yet put something in: once more.
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            result => return ignore_absent(result),
        }
    }
}

fn ignore_absent(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// A full disk, a used-up quota and a file larger than the file system takes are all want of room; the rest is unknown.
pub(super) fn trouble(error: io::Error) -> StagingError {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    match error.kind() {
        StorageFull | QuotaExceeded | FileTooLarge => StagingError::Full,
        _ => StagingError::Unavailable(error.into()),
    }
}
