//! Which files came in one piece and wait to become blobs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{fs, io};

use cairn_domain::{Sha256, UploadId};

use super::names;
use crate::fs::durable::{create_directory, remove_unfinished, sync_directory};

/// The directories of the files that came in one piece: 256, each made at the start.
///
/// Not one, because a file system that has to make a directory durable waits for everything that happened in it: with 32 senders at once
/// each sync of a common directory waited for the files of the others.
pub(super) struct Shelves {
    root: PathBuf,
}

impl Shelves {
    /// Makes the directories and removes what a predecessor left unfinished in them.
    pub(super) fn open(root: PathBuf) -> io::Result<Self> {
        for number in 0..=u8::MAX {
            let shelf = root.join(names::shelf(number));
            if !create_directory(&shelf)? {
                remove_unfinished(&shelf)?;
            }
        }
        sync_directory(&root)?;
        Ok(Self { root })
    }

    /// The directory of an upload's file.
    pub(super) fn of(&self, upload: UploadId) -> PathBuf {
        // The first bytes of an id that was made of the time are those of all its neighbours.
        let [.., last] = *upload.0.as_bytes();
        self.root.join(names::shelf(last))
    }

    pub(super) fn path(&self, upload: UploadId, sha256: Sha256) -> PathBuf {
        self.of(upload).join(names::whole(upload, sha256))
    }

    fn all(&self) -> impl Iterator<Item = PathBuf> {
        (0..=u8::MAX).map(|number| self.root.join(names::shelf(number)))
    }
}

/// An index of the names, so that an upload's files are found without reading the whole directory.
#[derive(Default)]
pub(super) struct Wholes(Mutex<HashMap<UploadId, Vec<Sha256>>>);

impl Wholes {
    pub(super) fn load(shelves: &Shelves) -> io::Result<Self> {
        let wholes = Self::default();
        for shelf in shelves.all() {
            wholes.load_shelf(&shelf)?;
        }
        Ok(wholes)
    }

    fn load_shelf(&self, shelf: &Path) -> io::Result<()> {
        for entry in fs::read_dir(shelf)? {
            if let Some((upload, sha256)) = names::parse_whole(&entry?.file_name().to_string_lossy()) {
                self.add(upload, sha256);
            }
        }
        Ok(())
    }

    pub(super) fn add(&self, upload: UploadId, sha256: Sha256) {
        let mut index = self.index();
        let contents = index.entry(upload).or_default();
        if !contents.contains(&sha256) {
            contents.push(sha256);
        }
    }

    pub(super) fn remove(&self, upload: UploadId, sha256: Sha256) {
        let mut index = self.index();
        if let Some(contents) = index.get_mut(&upload) {
            contents.retain(|content| *content != sha256);
            if contents.is_empty() {
                index.remove(&upload);
            }
        }
    }

    pub(super) fn holds(&self, upload: UploadId, sha256: Sha256) -> bool {
        self.index().get(&upload).is_some_and(|contents| contents.contains(&sha256))
    }

    pub(super) fn of(&self, upload: UploadId) -> Vec<Sha256> {
        self.index().get(&upload).cloned().unwrap_or_default()
    }

    pub(super) fn uploads(&self) -> Vec<UploadId> {
        self.index().keys().copied().collect()
    }

    fn index(&self) -> MutexGuard<'_, HashMap<UploadId, Vec<Sha256>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
