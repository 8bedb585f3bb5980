//! A file that comes in one piece.

use std::os::unix::fs::FileExt;
use std::sync::Arc;

use cairn_commands::ports::staging::{StagingError, Whole};
use cairn_digest::Hasher;
use cairn_domain::{Sha1, Sha256, UploadId};

use super::Area;
use crate::fs::durable::{Unfinished, reserve, sync_directory, trouble};
use crate::fs::places::BLOB_MODE;
use crate::fs::pour::Sink;

/// The least and the most that is reserved ahead of what has come, in bytes. The size is not known before the end, and what a
/// sender announces is no reason to give away room. Writing into reserved room and syncing it is twice as fast as
/// growing the file (2269 against 1137 MB/s for 1 GiB, measured).
const RESERVE_BYTES: std::ops::RangeInclusive<u64> = 8 * 1024 * 1024..=64 * 1024 * 1024;

/// Writes a whole file; beside it, its bytes are hashed.
pub(super) struct WholeSink {
    area: Arc<Area>,
    upload: UploadId,
    /// None before the first bytes.
    file: Option<Unfinished>,
    written: u64,
    reserved: u64,
}

impl WholeSink {
    pub(super) fn new(area: Arc<Area>, upload: UploadId) -> Self {
        Self { area, upload, file: None, written: 0, reserved: 0 }
    }

    fn file(&mut self) -> Result<&Unfinished, StagingError> {
        if self.file.is_none() {
            self.file = Some(Unfinished::create(&self.area.shelves.of(self.upload), BLOB_MODE).map_err(trouble)?);
        }
        self.file.as_ref().ok_or_else(|| StagingError::Unavailable("the file was not made".into()))
    }

    /// Reserves room for what comes; for the first batch there is no point, it may be all.
    fn reserve_ahead(&mut self, end: u64) -> Result<(), StagingError> {
        if self.written == 0 || end <= self.reserved {
            return Ok(());
        }
        let wanted = end + self.written.clamp(*RESERVE_BYTES.start(), *RESERVE_BYTES.end());
        // When there is no room for so much there may still be enough for what really comes: the writing tells.
        let reserved = reserve(self.file()?.file(), wanted).is_ok();
        self.reserved = if reserved { wanted } else { u64::MAX };
        Ok(())
    }
}

impl Sink for WholeSink {
    type Output = Whole;
    type Beside = Hasher;

    fn take(&mut self, bytes: &[u8]) -> Result<(), StagingError> {
        let offset = self.written;
        self.reserve_ahead(offset + bytes.len() as u64)?;
        self.file()?.file().write_all_at(bytes, offset).map_err(trouble)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn finish(mut self, hasher: Hasher) -> Result<Whole, StagingError> {
        self.file()?;
        let size = self.written;
        let digests = hasher.finish();
        let whole = Whole { size, sha256: Sha256(digests.sha256), sha1: Sha1(digests.sha1) };
        let Some(file) = self.file else { return Ok(whole) };
        if self.reserved > 0 {
            file.file().set_len(size).map_err(trouble)?;
        }
        self.area.keep_whole(file, self.upload, whole.sha256)?;
        Ok(whole)
    }
}

impl Area {
    /// Makes a received file durable under its own name. The name tells the content, so that nothing else can ever be
    /// promoted in its stead.
    fn keep_whole(&self, mut file: Unfinished, upload: UploadId, sha256: Sha256) -> Result<(), StagingError> {
        let name = self.shelves.path(upload, sha256);
        // A name that is new promises nothing to anybody yet, so it may come first: then one commit of the journal makes
        // the bytes and the name durable. Where one stands already, the bytes go first.
        let named = file.try_name(&name).map_err(trouble)?;
        // Enough for a new file too: fdatasync(2) includes the size and whatever else is needed to read the bytes.
        file.file().sync_data().map_err(trouble)?;
        if named {
            sync_directory(&self.shelves.of(upload)).map_err(trouble)?;
            file.keep();
        } else {
            file.rename(&name).map_err(trouble)?;
            sync_directory(&self.shelves.of(upload)).map_err(trouble)?;
        }
        self.wholes.add(upload, sha256);
        Ok(())
    }
}
