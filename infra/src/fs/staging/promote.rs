//! The end of an upload: it becomes a blob, or it goes.

use std::io;
use std::sync::Arc;

use cairn_commands::ports::staging::StagingError;
use cairn_domain::blob::BlobKey;
use cairn_domain::{Sha256, UploadId};

use super::upload::Upload;
use super::{Area, names};
use crate::fs::durable::{remove_directory, remove_file, trouble};

impl Area {
    /// After a crash at any moment in it, it can be done again: the content stands under one of its two names, and what else
    /// is left of the upload is only in the way. Only for whoever has the upload's turn.
    pub(super) fn promote(&self, upload: UploadId, key: BlobKey) -> Result<(), StagingError> {
        if self.wholes.holds(upload, key.sha256) {
            return self.promote_whole(upload, key).map_err(trouble);
        }
        match self.load(upload) {
            Ok(sealed) if sealed.is_sealed_as(key.sha256) => return self.promote_parts(&sealed, key),
            Ok(_) | Err(StagingError::Absent(_)) => {}
            Err(error) => return Err(error),
        }
        match self.places.settled(key).map_err(trouble)? {
            Some(_) => Ok(()),
            None => Err(StagingError::Absent(upload)),
        }
    }

    fn promote_whole(&self, upload: UploadId, key: BlobKey) -> io::Result<()> {
        let staged = self.shelves.path(upload, key.sha256);
        // Not synced: a power cut finds the file under its old name, which is durable, or under the new one. In the first case the
        // next start lists it again, and whoever cleans up promotes it again.
        self.places.put(&staged, key)?;
        self.wholes.remove(upload, key.sha256);
        Ok(())
    }

    fn promote_parts(&self, upload: &Arc<Upload>, key: BlobKey) -> Result<(), StagingError> {
        // From here on nobody writes to what is about to be a blob.
        upload.close();
        if let Err(error) = self.places.put(&upload.directory.join(names::DATA), key) {
            upload.reopen();
            return Err(trouble(error));
        }
        // Before the directory goes, which nothing would bring back.
        self.places.protect(key).and_then(|()| self.places.sync(key)).map_err(trouble)?;
        self.remove(upload.id)
    }

    /// Only for whoever has the upload's turn.
    pub(super) fn discard(&self, upload: UploadId) -> Result<(), StagingError> {
        for sha256 in self.wholes.of(upload) {
            remove_file(&self.shelves.path(upload, sha256)).map_err(trouble)?;
            self.wholes.remove(upload, sha256);
        }
        // Loaded by somebody who came first; whoever comes now finds nothing.
        if let Some(there) = self.uploads.get(upload) {
            there.close();
        }
        self.remove(upload)
    }

    /// Removes the upload's directory.
    fn remove(&self, upload: UploadId) -> Result<(), StagingError> {
        self.uploads.remove(upload);
        remove_directory(&self.directory(upload)).map_err(trouble)?;
        self.root_sync.sync().map_err(trouble)
    }
}

impl Upload {
    /// True when all bytes stand in place, durably, and have this digest.
    fn is_sealed_as(&self, sha256: Sha256) -> bool {
        let reached = self.state().prefix.reached.clone();
        reached.position() == self.size && reached.whole().sha256 == sha256
    }
}
