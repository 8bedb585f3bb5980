//! A copy that comes from another store.

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use cairn_commands::ports::blobs::BlobError;
use cairn_commands::ports::staging::StagingError;
use cairn_domain::Sha256;
use cairn_domain::blob::BlobKey;
use sha2::Digest as _;

use crate::fs::durable::{Unfinished, reserve, sync_directory, trouble};
use crate::fs::places::{self, BLOB_MODE};
use crate::fs::pour::{Beside, Sink};

/// Writes the bytes where a crash's leftovers are removed at the next start, and gives them the copy's name in the end.
pub(super) struct CopySink {
    key: BlobKey,
    size: u64,
    root: PathBuf,
    /// Where unfinished files lie.
    shelf: PathBuf,
    /// None before the first bytes.
    file: Option<Unfinished>,
    written: u64,
}

impl CopySink {
    /// `root` has the blobs, `staging` what is on its way to become one; both on the same file system.
    pub(super) fn new(key: BlobKey, size: u64, root: &Path, staging: &Path) -> Self {
        Self { key, size, root: root.to_owned(), shelf: places::directory(staging, key), file: None, written: 0 }
    }

    fn file(&mut self) -> Result<&Unfinished, StagingError> {
        if self.file.is_none() {
            let file = Unfinished::create(&self.shelf, BLOB_MODE).map_err(trouble)?;
            reserve(file.file(), self.size).map_err(trouble)?;
            self.file = Some(file);
        }
        self.file.as_ref().ok_or_else(|| StagingError::Unavailable("the file was not made".into()))
    }
}

impl Sink for CopySink {
    type Output = ();
    type Beside = Digest;

    fn take(&mut self, bytes: &[u8]) -> Result<(), StagingError> {
        let offset = self.written;
        self.file()?.file().write_all_at(bytes, offset).map_err(trouble)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn finish(mut self, digest: Digest) -> Result<(), StagingError> {
        let actual = Sha256(digest.0.finalize().into());
        if self.written != self.size {
            return Err(StagingError::TooShort { expected: self.size, actual: self.written });
        }
        if actual != self.key.sha256 {
            return Err(StagingError::DigestMismatch { actual });
        }
        self.file()?;
        let Some(file) = self.file else { return Ok(()) };
        // fdatasync(2) includes that the reserved room now counts as written.
        file.file().sync_data().map_err(trouble)?;
        file.rename(&places::path(&self.root, self.key)).map_err(trouble)?;
        sync_directory(&places::directory(&self.root, self.key)).map_err(trouble)
    }
}

/// The SHA-256 alone.
#[derive(Default)]
pub(super) struct Digest(sha2::Sha256);

impl Beside for Digest {
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

/// What it means for a copy.
pub(super) fn explain(error: StagingError, key: BlobKey) -> BlobError {
    match error {
        StagingError::TooLong { .. } | StagingError::TooShort { .. } | StagingError::DigestMismatch { .. } => {
            BlobError::NotTheContent(key)
        }
        StagingError::Body(source) => BlobError::Body(source),
        StagingError::Full => BlobError::Full,
        StagingError::Unavailable(source) => BlobError::Unavailable(source),
        StagingError::Absent(_) | StagingError::Damaged { .. } => BlobError::Unavailable(error.into()),
    }
}
