//! A further version of a part, into a file of its own.

use std::io::Write;

use cairn_commands::ports::staging::StagingError;
use cairn_domain::Sha256;

use super::claim::AsideClaim;
use super::part_in_place::{Hashes, check};
use super::upload::Upload;
use crate::fs::durable::{Unfinished, remove_file, reserve, sync_directory, trouble};
use crate::fs::pour::Sink;

pub(super) struct AsideSink {
    claim: AsideClaim,
    expected: Option<Sha256>,
    written: u64,
    /// None before the first bytes.
    file: Option<Unfinished>,
}

impl AsideSink {
    pub(super) fn new(claim: AsideClaim, expected: Option<Sha256>) -> Self {
        Self { claim, expected, written: 0, file: None }
    }
}

impl Sink for AsideSink {
    type Output = Sha256;
    type Beside = Hashes;

    fn take(&mut self, bytes: &[u8]) -> Result<(), StagingError> {
        let file = match self.file.take() {
            Some(file) => file,
            None => self.claim.upload.create_unfinished(self.claim.part.length)?,
        };
        file.file().write_all(bytes).map_err(trouble)?;
        self.file = Some(file);
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn finish(self, hashes: Hashes) -> Result<Sha256, StagingError> {
        let sha256 = hashes.part();
        check(self.claim.part.length, self.written, self.expected, sha256)?;
        let Some(file) = self.file else { return Ok(sha256) };
        let (upload, part, taken) = (&self.claim.upload, self.claim.part, self.claim.taken);
        let known = upload.open_state()?.parts.get(&part.offset).is_some_and(|there| there.has(sha256, taken));
        if known {
            drop(file);
            // Whoever brought these bytes before may not have got as far as this.
            sync_directory(&upload.directory).map_err(trouble)?;
        } else {
            upload.keep_aside(file, part.offset, sha256, taken)?;
        }
        Ok(sha256)
    }
}

impl Upload {
    /// A file in the upload's directory that goes away by itself, with room for as many bytes.
    pub(super) fn create_unfinished(&self, bytes: u64) -> Result<Unfinished, StagingError> {
        let file = {
            // Under the lock, so that nothing appears in a directory that is going.
            let _open = self.open_state()?;
            Unfinished::create(&self.directory, 0o600).map_err(trouble)?
        };
        reserve(file.file(), bytes).map_err(trouble)?;
        Ok(file)
    }

    /// Gives a version its name, durably. When there are too many, the oldest go, but not the `kept` one.
    pub(super) fn keep_aside(
        &self,
        file: Unfinished,
        offset: u64,
        sha256: Sha256,
        kept: Option<Sha256>,
    ) -> Result<(), StagingError> {
        file.file().sync_data().map_err(trouble)?;
        {
            let mut state = self.open_state()?;
            file.rename(&self.part_path(offset, sha256)).map_err(trouble)?;
            for old in state.parts.entry(offset).or_default().put_aside(sha256, kept) {
                remove_file(&self.part_path(offset, old)).map_err(trouble)?;
            }
        }
        sync_directory(&self.directory).map_err(trouble)
    }
}
