//! Which files came in one piece and wait to become blobs.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{fs, io};

use cairn_domain::{Sha256, UploadId};

use super::names;

/// An index of the names, so that an upload's files are found without reading the whole directory.
#[derive(Default)]
pub(super) struct Wholes(Mutex<HashMap<UploadId, Vec<Sha256>>>);

impl Wholes {
    pub(super) fn load(root: &Path) -> io::Result<Self> {
        let wholes = Self::default();
        for entry in fs::read_dir(root)? {
            if let Some((upload, sha256)) = names::parse_whole(&entry?.file_name().to_string_lossy()) {
                wholes.add(upload, sha256);
            }
        }
        Ok(wholes)
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
