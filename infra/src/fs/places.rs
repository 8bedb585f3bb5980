//! Where each content lies, and how a file gets there durably.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use cairn_domain::Sha256;

use super::durable::{create_directory, remove_file, sync_directory};

/// Blobs are read-only.
pub(super) const BLOB_MODE: u32 = 0o444;

/// The directory of the blobs: two levels of 256 directories, so that none of them grows large.
pub(super) struct Places {
    root: PathBuf,
    /// One bit for each directory of the second level: known to be there, durably.
    known: Vec<AtomicU64>,
}

impl Places {
    /// Makes the directory and its first level. Whatever is there stays.
    pub(super) fn create(root: PathBuf) -> io::Result<Self> {
        create_directory(&root)?;
        for byte in 0..=u8::MAX {
            create_directory(&root.join(format!("{byte:02x}")))?;
        }
        sync_directory(&root)?;
        Ok(Self { root, known: (0..1024).map(|_| AtomicU64::new(0)).collect() })
    }

    pub(super) fn path(&self, sha256: Sha256) -> PathBuf {
        self.directory(sha256).join(sha256.to_string())
    }

    /// Moves a durable file to its place. When its content is there already, the file goes away instead.
    pub(super) fn put(&self, file: &Path, size: u64, sha256: Sha256) -> io::Result<()> {
        let place = self.path(sha256);
        if size_of(&place)? == Some(size) {
            // Whoever put it there may not have got as far as making it durable.
            self.settle(sha256)?;
            return remove_file(file);
        }
        if !self.knows(sha256) {
            create_directory(&self.directory(sha256))?;
        }
        fs::rename(file, &place)?;
        fs::set_permissions(&place, Permissions::from_mode(BLOB_MODE))?;
        self.settle(sha256)
    }

    /// The content's size in bytes if it is there, in which case it is durably so.
    pub(super) fn settled(&self, sha256: Sha256) -> io::Result<Option<u64>> {
        let size = size_of(&self.path(sha256))?;
        if size.is_some() {
            self.settle(sha256)?;
        }
        Ok(size)
    }

    /// Makes the name durable, and the directory's own name.
    ///
    /// The order does not matter: only a journal makes a rename from one directory to another safe, and a journal
    /// keeps the making of the directory before it.
    fn settle(&self, sha256: Sha256) -> io::Result<()> {
        let directory = self.directory(sha256);
        sync_directory(&directory)?;
        if !self.knows(sha256) {
            sync_directory(directory.parent().unwrap_or(&self.root))?;
            let (word, bit) = self.known_bit(sha256);
            word.fetch_or(bit, Ordering::AcqRel);
        }
        Ok(())
    }

    fn knows(&self, sha256: Sha256) -> bool {
        let (word, bit) = self.known_bit(sha256);
        word.load(Ordering::Acquire) & bit != 0
    }

    fn known_bit(&self, sha256: Sha256) -> (&AtomicU64, u64) {
        let number = usize::from(sha256.0[0]) << 8 | usize::from(sha256.0[1]);
        (&self.known[number / 64], 1 << (number % 64))
    }

    fn directory(&self, sha256: Sha256) -> PathBuf {
        let [first, second, ..] = sha256.0;
        self.root.join(format!("{first:02x}/{second:02x}"))
    }
}

/// Opens a content's file below the root of the blobs.
pub(super) fn open(root: &Path, sha256: Sha256) -> io::Result<File> {
    let [first, second, ..] = sha256.0;
    File::open(root.join(format!("{first:02x}/{second:02x}/{sha256}")))
}

fn size_of(path: &Path) -> io::Result<Option<u64>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
