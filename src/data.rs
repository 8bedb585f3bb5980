//! The data directory: what is in it, and that only one drive uses it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use cairn_commands::drive::Secret;
use cairn_commands::ports::ids::Ids;
use cairn_infra::config::{Config, Hidden, LogAdapter};

/// The paths of a data directory.
#[derive(Debug, Clone)]
pub(crate) struct DataDirectory(PathBuf);

/// Held as long as this process is the one that writes the read tables and the blobs.
pub(crate) struct Lock {
    _file: File,
}

/// Takes a file, or a directory, for this process alone until it is closed; false while another one has it.
pub(crate) fn take(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

impl DataDirectory {
    /// The directory, made if it is not there, readable to its owner only.
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(path).with_context(|| format!("the data directory {} can't be made", path.display()))?;
        Ok(Self(path.to_owned()))
    }

    /// The directory of a drive, whose log must be there if it is kept in it.
    pub(crate) fn of(config: &Config) -> anyhow::Result<Self> {
        let path = &config.server.data;
        let there = Self(path.clone());
        if matches!(config.log_adapter()?, LogAdapter::Sqlite) && !there.events().is_file() {
            bail!("there is no drive in {} (no events.db); say where it is with --data", path.display());
        }
        Ok(there)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Whether a path lies in it, also one where nothing is yet.
    pub(crate) fn holds(&self, path: &Path) -> anyhow::Result<bool> {
        let Ok(own) = self.0.canonicalize() else { return Ok(false) };
        let path = std::path::absolute(path).with_context(|| format!("{} is no path", path.display()))?;
        let Some((above, mut real)) = path.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?))) else {
            return Ok(false);
        };
        for part in path.strip_prefix(above).into_iter().flat_map(Path::components) {
            match part {
                Component::ParentDir => _ = real.pop(),
                part => real.push(part),
            }
        }
        Ok(real.starts_with(own))
    }

    pub(crate) fn events(&self) -> PathBuf {
        self.0.join("events.db")
    }

    /// What stands beside a log that is on a server: a file of the schema of the log, whose table of events stays empty.
    #[cfg(feature = "eventstore")]
    pub(crate) fn state(&self) -> PathBuf {
        self.0.join("state.db")
    }

    pub(crate) fn views(&self) -> PathBuf {
        self.0.join("views.db")
    }

    pub(crate) fn lock(&self) -> anyhow::Result<Lock> {
        let taken = || anyhow!("a drive is running on {}: stop it first", self.0.display());
        self.try_lock()?.ok_or_else(taken)
    }

    /// None while another process has it.
    pub(crate) fn try_lock(&self) -> anyhow::Result<Option<Lock>> {
        let path = self.0.join("lock");
        let file = OpenOptions::new().create(true).write(true).truncate(false).mode(0o600).open(&path);
        let file = file.with_context(|| format!("{} can't be opened", path.display()))?;
        let taken = take(&file).with_context(|| format!("{} can't be locked", path.display()))?;
        Ok(taken.then(|| Lock { _file: file }))
    }

    /// The drive's secret: the configured one, or that of the directory, which is made on the first start.
    pub(crate) fn secret(&self, configured: Option<&Hidden>, ids: &dyn Ids) -> anyhow::Result<Secret> {
        let text = configured.map_or_else(|| self.own_secret(ids), |secret| Ok(secret.expose().to_owned()))?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.trim(), &mut bytes).context("the secret does not have 64 hex digits")?;
        Ok(Secret(bytes))
    }

    pub(crate) fn secret_file(&self) -> PathBuf {
        self.0.join("secret")
    }

    fn own_secret(&self, ids: &dyn Ids) -> anyhow::Result<String> {
        self.kept("secret", || hex::encode(ids.random()))
    }

    /// What tells the process on this directory from those on others, also after it was started again.
    #[cfg(feature = "mysql")]
    pub(crate) fn node(&self, ids: &dyn Ids) -> anyhow::Result<String> {
        self.kept("node", || hex::encode(&ids.random()[..8]))
    }

    /// A short text that is made once.
    fn kept(&self, name: &str, make: impl FnOnce() -> String) -> anyhow::Result<String> {
        let path = self.0.join(name);
        match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let text = make();
                keep_file(&path, text.as_bytes()).map(|()| text)
            }
            read => read.map(|text| text.trim().to_owned()).with_context(|| format!("{} can't be read", path.display())),
        }
    }
}

/// Puts a small file in its place, durably, readable to its owner only: after a crash it is whole or as it was.
pub(crate) fn keep_file(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let draft = path.with_extension("new");
    let write = || {
        let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
    };
    write().with_context(|| format!("{} can't be written", path.display()))
}
