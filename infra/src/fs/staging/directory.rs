//! The directories of uploads in parts: made, read and listed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cairn_commands::ports::staging::StagingError;
use cairn_domain::UploadId;

use super::record::Record;
use super::upload::{PartState, Upload};
use super::{Area, names};
use crate::fs::durable::{create_directory, remove_directory, remove_unfinished, reserve, sync_directory, trouble};

/// Removes what nobody was told of: unfinished files, and directories in which the data never came to stand or has left
/// as a blob.
pub(super) fn remove_unfinished_uploads(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            continue;
        }
        if entry.path().join(names::DATA).try_exists()? {
            remove_unfinished(&entry.path())?;
        } else if entry.file_name().to_string_lossy().parse::<UploadId>().is_ok() {
            remove_directory(&entry.path())?;
        }
    }
    Ok(())
}

impl Area {
    pub(super) fn directory(&self, upload: UploadId) -> PathBuf {
        self.root.join(upload.to_string())
    }

    /// Reserves all the room of an upload. Only for whoever has its turn.
    pub(super) fn open(&self, upload: UploadId, size: u64) -> Result<(), StagingError> {
        match self.load(upload) {
            // Given up, but whoever did so has gone away since: the rest of it is done here.
            Ok(there) if there.state().closed => self.discard(upload)?,
            Ok(there) if there.size == size => return Ok(()),
            Ok(there) => {
                let message = format!("the upload has {} bytes, not {size}", there.size);
                return Err(StagingError::Unavailable(message.into()));
            }
            Err(StagingError::Absent(_)) => {}
            Err(error) => return Err(error),
        }
        let directory = self.directory(upload);
        if let Err(error) = make(&directory, size).and_then(|()| self.root_sync.sync()) {
            remove_directory(&directory).map_err(trouble)?;
            return Err(trouble(error));
        }
        Ok(())
    }

    /// What is known of the upload. Only for whoever has its turn.
    pub(super) fn load(&self, upload: UploadId) -> Result<Arc<Upload>, StagingError> {
        if let Some(loaded) = self.uploads.get(upload) {
            return Ok(loaded);
        }
        match read(upload, self.directory(upload)) {
            Ok(loaded) => {
                let loaded = Arc::new(loaded);
                self.uploads.insert(loaded.clone());
                Ok(loaded)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StagingError::Absent(upload)),
            Err(error) => Err(trouble(error)),
        }
    }

    /// Where the staging area itself is not there, its disk has gone, and nothing is known of what it holds.
    pub(super) fn holds(&self, upload: UploadId) -> io::Result<bool> {
        let there = !self.wholes.of(upload).is_empty() || fs::exists(self.directory(upload))?;
        if !there {
            fs::metadata(&self.root)?;
        }
        Ok(there)
    }

    pub(super) fn list(&self, quiet: Duration) -> io::Result<Vec<UploadId>> {
        let mut uploads: BTreeSet<UploadId> = self.wholes.uploads().into_iter().collect();
        for entry in fs::read_dir(&self.root)? {
            uploads.extend(entry?.file_name().to_string_lossy().parse::<UploadId>());
        }
        if !quiet.is_zero() {
            uploads.retain(|upload| self.is_quiet(*upload, quiet));
        }
        Ok(uploads.into_iter().collect())
    }

    /// Whatever can't be looked at is in somebody's hands.
    fn is_quiet(&self, upload: UploadId, quiet: Duration) -> bool {
        let is_old = |path: PathBuf| {
            let age = fs::metadata(path).and_then(|metadata| metadata.modified()).map(|modified| modified.elapsed());
            matches!(age, Ok(Ok(age)) if age >= quiet)
        };
        let directory = self.directory(upload);
        let parts_are_old = match fs::read_dir(&directory) {
            // A directory that was just made may have nothing in it yet.
            Ok(entries) => is_old(directory) && entries.into_iter().all(|entry| entry.is_ok_and(|entry| is_old(entry.path()))),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        let mut wholes = self.wholes.of(upload).into_iter().map(|sha256| self.shelves.path(upload, sha256));
        parts_are_old && wholes.all(is_old)
    }
}

/// The data gets its name last: a directory without it counts for nothing.
fn make(directory: &Path, size: u64) -> io::Result<()> {
    create_directory(directory)?;
    Record::create(directory)?;
    let data = directory.join(names::DATA);
    let unfinished = directory.join(format!("{}{}", names::DATA, crate::fs::durable::UNFINISHED));
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    reserve(&file, size)?;
    // Not only the data: the room must stay reserved.
    file.sync_all()?;
    fs::rename(&unfinished, &data)?;
    sync_directory(directory)
}

fn read(id: UploadId, directory: PathBuf) -> io::Result<Upload> {
    let size = fs::metadata(directory.join(names::DATA))?.len();
    let mut versions = Vec::new();
    for entry in fs::read_dir(&directory)? {
        let entry = entry?;
        if let Some((offset, sha256)) = names::parse_part(&entry.file_name().to_string_lossy()) {
            let metadata = entry.metadata()?;
            versions.push((metadata.modified()?, offset, metadata.len(), sha256));
        }
    }
    versions.sort_unstable_by_key(|(modified, ..)| *modified);
    let mut parts = BTreeMap::<u64, PartState>::new();
    for (_, offset, length, sha256) in versions {
        let part = parts.entry(offset).or_default();
        part.length = length;
        part.aside.push(sha256);
    }
    let record = Record::open(&directory)?;
    Ok(Upload::new(id, directory, size, record, parts))
}
