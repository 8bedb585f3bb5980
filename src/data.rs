//! The data directory: what is in it, and that only one drive uses it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use cairn_commands::drive::Secret;
use cairn_commands::ports::ids::Ids;

/// The paths of a data directory.
#[derive(Debug, Clone)]
pub(crate) struct DataDirectory(PathBuf);

/// Held as long as this process is the one that writes the read tables and the blobs.
pub(crate) struct Lock {
    _file: File,
}

impl DataDirectory {
    /// The directory, made if it is not there, readable to its owner only.
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(path).with_context(|| format!("the data directory {} can't be made", path.display()))?;
        Ok(Self(path.to_owned()))
    }

    /// The directory, which must be there.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let there = Self(path.to_owned());
        if !there.events().is_file() {
            bail!("there is no drive in {} (no events.db); say where it is with --data", path.display());
        }
        Ok(there)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn events(&self) -> PathBuf {
        self.0.join("events.db")
    }

    pub(crate) fn views(&self) -> PathBuf {
        self.0.join("views.db")
    }

    pub(crate) fn lock(&self) -> anyhow::Result<Lock> {
        let path = self.0.join("lock");
        let file = OpenOptions::new().create(true).write(true).truncate(false).mode(0o600).open(&path);
        let file = file.with_context(|| format!("{} can't be opened", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => bail!("a drive is running on {}: stop it first", self.0.display()),
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("{} can't be locked", path.display())),
        }
    }

    /// The drive's secret, made on the first start.
    pub(crate) fn secret(&self, ids: &dyn Ids) -> anyhow::Result<Secret> {
        let path = self.0.join("secret");
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => self.new_secret(&path, ids)?,
            read => read.with_context(|| format!("{} can't be read", path.display()))?,
        };
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.trim(), &mut bytes).with_context(|| format!("{} does not hold 64 hex digits", path.display()))?;
        Ok(Secret(bytes))
    }

    fn new_secret(&self, path: &Path, ids: &dyn Ids) -> anyhow::Result<String> {
        let text = hex::encode(ids.random());
        let draft = path.with_extension("new");
        let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        File::open(&self.0)?.sync_all()?;
        Ok(text)
    }
}
