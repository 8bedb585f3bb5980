//! The file in which the whole-file hashes survive a restart.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use super::names;
use crate::prefix::{Prefix, RECORD_BYTES};

/// The file in which the state survives a restart.
///
/// It is written over in place: a killed process can't tear 196 bytes, a power cut can, and then the checksum tells.
pub(super) struct Record(File);

impl Record {
    /// Makes the file, empty. Its name becomes durable together with the upload's directory.
    pub(super) fn create(directory: &Path) -> io::Result<()> {
        Self::open(directory).map(|_| ())
    }

    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        let path = directory.join(names::PREFIX);
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path).map(Self)
    }

    /// What was saved last; nothing hashed when that is lost.
    pub(super) fn load(&self) -> Prefix {
        let mut record = [0; RECORD_BYTES];
        let read = self.0.read_exact_at(&mut record, 0);
        read.ok().and_then(|()| Prefix::from_record(&record)).unwrap_or_default()
    }

    /// Saves the state; whether it survives a power cut is a matter of luck, and of speed only.
    pub(super) fn save(&self, prefix: &Prefix) -> io::Result<()> {
        self.0.write_all_at(&prefix.to_record(), 0)
    }

    /// Makes durable what was saved.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    /// Forgets the state durably: before bytes are changed that it covers.
    pub(super) fn forget(&self) -> io::Result<()> {
        self.0.set_len(0)?;
        self.0.sync_data()
    }
}
