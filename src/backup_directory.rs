//! What a backup is on the disk.

use std::fs::{self, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use cairn_commands::archive::Manifest;
use cairn_commands::backup::Copied;
use cairn_commands::log_digest::LogDigest;
use cairn_commands::ports::blobs::BlobStore;
use cairn_domain::{Position, Sha256};
use serde::{Deserialize, Serialize};

use crate::data::{DataDirectory, keep_file, take};
use crate::wiring::directory_of_blobs;

/// The log in `events.ndjson.zst`, the contents in `blobs`, the drive's secret if it is not configured, and a note that is written last: with it, the
/// backup is whole.
#[derive(Debug)]
pub(crate) struct BackupDirectory {
    path: PathBuf,
    /// Held while a backup is made: two at once would write one log into the other.
    _alone: Option<File>,
}

/// The number of the form that is written here.
const FORMAT: u32 = 1;

/// What a whole backup has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    format: u32,
    pub(crate) events: u64,
    last: Option<Position>,
    digest: LogDigest,
    contents: u64,
    bytes: u64,
    /// Contents that the drive itself did not have any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) missing: Vec<Sha256>,
}

impl BackupDirectory {
    /// Makes it if it is not there, readable to its owner only; not inside of what it is to hold.
    pub(crate) fn create(path: &Path, data: &DataDirectory) -> anyhow::Result<Self> {
        if data.holds(path)? {
            bail!("{} would be in the data directory, which is the drive's own", path.display());
        }
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(path).with_context(|| format!("the directory {} can't be made", path.display()))?;
        let there = Self { path: path.to_owned(), _alone: Some(alone(path)?) };
        if !there.events().exists() && fs::read_dir(path)?.next().is_some() {
            bail!("{} has something in it that is no backup: take an empty directory", path.display());
        }
        Ok(there)
    }

    /// One that is there.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let there = Self { path: path.to_owned(), _alone: None };
        if !there.note().is_file() {
            bail!("there is no whole backup in {} (no backup.json)", path.display());
        }
        Ok(there)
    }

    pub(crate) fn events(&self) -> PathBuf {
        self.path.join("events.ndjson.zst")
    }

    fn note(&self) -> PathBuf {
        self.path.join("backup.json")
    }

    fn secret(&self) -> PathBuf {
        self.path.join("secret")
    }

    pub(crate) fn blobs(&self) -> anyhow::Result<Arc<dyn BlobStore>> {
        directory_of_blobs(&self.path)
    }

    /// Takes the drive's own secret along. One that is configured is where it is configured.
    pub(crate) fn keep_secret(&self, data: &DataDirectory) -> anyhow::Result<()> {
        match fs::read(data.secret_file()) {
            Ok(secret) => keep_file(&self.secret(), &secret),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error).context("the drive's secret can't be read"),
        }
    }

    /// Gives it to a drive that has none.
    pub(crate) fn give_secret(&self, data: &DataDirectory) -> anyhow::Result<()> {
        if data.secret_file().exists() || !self.secret().exists() {
            return Ok(());
        }
        let secret = fs::read(self.secret()).context("the secret of the backup can't be read")?;
        keep_file(&data.secret_file(), &secret)
    }

    pub(crate) fn write(&self, note: &Note) -> anyhow::Result<()> {
        keep_file(&self.note(), serde_json::to_string_pretty(note)?.as_bytes())
    }

    pub(crate) fn read(&self) -> anyhow::Result<Note> {
        let text = fs::read(self.note()).with_context(|| format!("{} can't be read", self.note().display()))?;
        let note: Note = serde_json::from_slice(&text).with_context(|| format!("{} is damaged", self.note().display()))?;
        if note.format > FORMAT {
            bail!("the backup has format {}, newer than the {FORMAT} of this program", note.format);
        }
        Ok(note)
    }
}

fn alone(path: &Path) -> anyhow::Result<File> {
    let directory = File::open(path).with_context(|| format!("the directory {} can't be opened", path.display()))?;
    if !take(&directory).with_context(|| format!("the directory {} can't be locked", path.display()))? {
        bail!("another backup into {} is under way: let it come to its end", path.display());
    }
    Ok(directory)
}

impl Note {
    pub(crate) fn of(manifest: &Manifest, copied: &Copied) -> Self {
        let Manifest { events, last, digest, .. } = *manifest;
        let missing = copied.missing.iter().map(|(sha256, _)| *sha256).collect();
        Self { format: FORMAT, events, last, digest, contents: copied.contents, bytes: copied.bytes, missing }
    }

    /// Whether it was written for this log, of which its events were read. A later backup that was not finished may have put more behind them.
    pub(crate) fn check(&self, manifest: &Manifest) -> anyhow::Result<()> {
        let Manifest { events, last, digest, .. } = *manifest;
        if (self.events, self.last, self.digest) != (events, last, digest) {
            bail!("backup.json speaks of {} events with another digest than the first {events} of the log beside it", self.events);
        }
        Ok(())
    }
}
