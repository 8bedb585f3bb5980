//! A part's first version, straight to its place in `data`.

use std::fs::File;
use std::os::unix::fs::FileExt;

use cairn_commands::ports::staging::StagingError;
use cairn_domain::Sha256;
use sha2::Digest;

use super::claim::InPlaceClaim;
use crate::fs::durable::trouble;
use crate::fs::pour::{Beside, Sink};
use crate::prefix::Prefix;

pub(super) struct InPlaceSink {
    claim: InPlaceClaim,
    expected: Option<Sha256>,
    written: u64,
    /// None before the first bytes.
    data: Option<File>,
}

impl InPlaceSink {
    pub(super) fn new(claim: InPlaceClaim, expected: Option<Sha256>) -> Self {
        Self { claim, expected, written: 0, data: None }
    }

    fn open(&self) -> Result<File, StagingError> {
        if self.claim.rewrites {
            self.claim.upload.record.forget().map_err(trouble)?;
        }
        match self.claim.upload.open_data() {
            Ok(data) => Ok(data),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(StagingError::Absent(self.claim.upload.id)),
            Err(error) => Err(trouble(error)),
        }
    }
}

/// The digest of the part, and the hashes of the whole file when the part is the next one for them.
pub(super) struct Hashes {
    part: sha2::Sha256,
    whole: Option<Prefix>,
}

impl Hashes {
    pub(super) fn new(whole: Option<Prefix>) -> Self {
        Self { part: sha2::Sha256::new(), whole }
    }

    pub(super) fn part(&self) -> Sha256 {
        Sha256(self.part.clone().finalize().into())
    }
}

impl Beside for Hashes {
    fn update(&mut self, bytes: &[u8]) {
        self.part.update(bytes);
        if let Some(whole) = &mut self.whole {
            whole.update(bytes);
        }
    }
}

impl Sink for InPlaceSink {
    type Output = Sha256;
    type Beside = Hashes;

    fn take(&mut self, bytes: &[u8]) -> Result<(), StagingError> {
        let data = match self.data.take() {
            Some(data) => data,
            None => self.open()?,
        };
        let offset = self.claim.part.offset + self.written;
        let written = self.claim.permit.write(|| data.write_all_at(bytes, offset));
        written.ok_or_else(|| self.claim.revoked())?.map_err(trouble)?;
        self.data = Some(data);
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn finish(self, hashes: Hashes) -> Result<Sha256, StagingError> {
        let sha256 = hashes.part();
        check(self.claim.part.length, self.written, self.expected, sha256)?;
        if let Some(data) = self.data {
            // The size was there from the start; fdatasync(2) includes that the reserved room now counts as written.
            data.sync_data().map_err(trouble)?;
        }
        self.claim.finish(sha256, hashes.whole)?;
        Ok(sha256)
    }
}

/// Whether these are the bytes that were planned and announced. More than planned never get here.
pub(super) fn check(planned: u64, actual: u64, expected: Option<Sha256>, sha256: Sha256) -> Result<(), StagingError> {
    if actual != planned {
        return Err(StagingError::TooShort { expected: planned, actual });
    }
    match expected {
        Some(expected) if expected != sha256 => Err(StagingError::DigestMismatch { actual: sha256 }),
        _ => Ok(()),
    }
}
