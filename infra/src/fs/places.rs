//! Where each content lies, and how a file gets there durably.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use cairn_domain::Sha256;

use super::durable::{create_directory, remove_file, rename_to_new, sync_directory};

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

    /// Moves a durable file to its place; the new name is not durable yet. When its content is there already, durably, the file
    /// goes away instead.
    pub(super) fn put(&self, file: &Path, sha256: Sha256) -> io::Result<()> {
        let place = path(&self.root, sha256);
        match rename_to_new(file, &place) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            // Moved by a call that failed after it.
            Err(error) if error.kind() == io::ErrorKind::NotFound && size_of(&place)?.is_some() => return self.sync(sha256),
            Err(error) => return Err(error),
        }
        if size_of(&place)? == Some(fs::metadata(file)?.len()) {
            // Whoever put it there may not have made it durable.
            self.sync(sha256)?;
            return remove_file(file);
        }
        fs::rename(file, place)
    }

    /// As blobs are: whoever comes by can't change it.
    pub(super) fn protect(&self, sha256: Sha256) -> io::Result<()> {
        fs::set_permissions(path(&self.root, sha256), Permissions::from_mode(BLOB_MODE))
    }

    /// Makes the content's name durable.
    pub(super) fn sync(&self, sha256: Sha256) -> io::Result<()> {
        sync_directory(&directory(&self.root, sha256))
    }

    /// The content's size in bytes if it is there, in which case it is durably so.
    pub(super) fn settled(&self, sha256: Sha256) -> io::Result<Option<u64>> {
        let size = size_of(&path(&self.root, sha256))?;
        if size.is_some() {
            self.sync(sha256)?;
        }
        Ok(size)
    }
}

/// Opens a content's file below the root of the blobs.
pub(super) fn open(root: &Path, sha256: Sha256) -> io::Result<File> {
    File::open(path(root, sha256))
}

fn path(root: &Path, sha256: Sha256) -> PathBuf {
    directory(root, sha256).join(sha256.to_string())
}

fn directory(root: &Path, sha256: Sha256) -> PathBuf {
    root.join(format!("{:02x}", sha256.0[0]))
}

fn size_of(path: &Path) -> io::Result<Option<u64>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
