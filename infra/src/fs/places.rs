//! Where each copy lies, and how a file gets there durably.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use cairn_domain::blob::BlobKey;

use super::durable::{create_directory, sync_directory};

/// Blobs are read-only.
pub(super) const BLOB_MODE: u32 = 0o444;

/// The directory of the blobs: 256 directories, each made at the start, so that none of them grows large and a new blob needs none.
pub(super) struct Places {
    root: PathBuf,
}

impl Places {
    /// Makes the directories, durably. Whatever is there stays.
    pub(super) fn create(root: PathBuf) -> io::Result<Self> {
        create_directory(&root)?;
        for byte in 0..=u8::MAX {
            create_directory(&root.join(format!("{byte:02x}")))?;
        }
        sync_directory(&root)?;
        Ok(Self { root })
    }

    /// Moves a durable file to its place; the new name is not durable yet. A copy that is there may be damaged: the file stands in its
    /// place afterwards.
    pub(super) fn put(&self, file: &Path, key: BlobKey) -> io::Result<()> {
        let place = path(&self.root, key);
        match fs::rename(file, &place) {
            // Moved by a call that failed after it.
            Err(error) if error.kind() == io::ErrorKind::NotFound && size_of(&place)?.is_some() => self.sync(key),
            renamed => renamed,
        }
    }

    /// As blobs are: whoever comes by can't change it.
    pub(super) fn protect(&self, key: BlobKey) -> io::Result<()> {
        fs::set_permissions(path(&self.root, key), Permissions::from_mode(BLOB_MODE))
    }

    /// Makes the copy's name durable.
    pub(super) fn sync(&self, key: BlobKey) -> io::Result<()> {
        sync_directory(&directory(&self.root, key))
    }

    /// The copy's size in bytes if it is there, in which case it is durably so.
    pub(super) fn settled(&self, key: BlobKey) -> io::Result<Option<u64>> {
        let size = size_of(&path(&self.root, key))?;
        if size.is_some() {
            self.sync(key)?;
        }
        Ok(size)
    }
}

/// Opens a copy's file below the root of the blobs.
pub(super) fn open(root: &Path, key: BlobKey) -> io::Result<File> {
    File::open(path(root, key))
}

pub(super) fn path(root: &Path, key: BlobKey) -> PathBuf {
    directory(root, key).join(key.to_string())
}

pub(super) fn directory(root: &Path, key: BlobKey) -> PathBuf {
    root.join(format!("{:02x}", key.sha256.0[0]))
}

fn size_of(path: &Path) -> io::Result<Option<u64>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
