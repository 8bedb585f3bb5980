//! File systems of their own for tests that fill or break one. They need root.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A small file system in memory.
pub(crate) struct Tmpfs(Mount);

/// An ext4 file system in a file.
pub(crate) struct Ext4Image(Mount);

struct Mount {
    place: TempDir,
    point: PathBuf,
}

impl Tmpfs {
    /// None, with the reason, where it can't be mounted.
    pub(crate) fn new(bytes: u64) -> Result<Self, String> {
        let mount = Mount::place();
        run("mount", &["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs", text(&mount.point)])?;
        Ok(Self(mount))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0.point
    }
}

impl Ext4Image {
    /// None, with the reason, where it can't be made or mounted.
    pub(crate) fn new(bytes: u64) -> Result<Self, String> {
        let mount = Mount::place();
        File::create(mount.image()).and_then(|file| file.set_len(bytes)).map_err(|error| error.to_string())?;
        run("mkfs.ext4", &["-q", "-F", text(&mount.image())])?;
        let image = Self(mount);
        image.mount()?;
        Ok(image)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0.point
    }

    /// Stops the file system at once, its journal not flushed: what was not synced is lost, as in a power cut.
    pub(crate) fn cut_the_power(&self) -> Result<(), String> {
        // EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH (linux/fs/ext4/ext4.h).
        let program = "import fcntl, os, struct, sys\n\
                       fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))";
        run("python3", &["-c", program, text(&self.0.point)])
    }

    /// Mounts it again as after a restart: the journal is replayed.
    pub(crate) fn power_on(&self) -> Result<(), String> {
        run("umount", &[text(&self.0.point)])?;
        self.mount()
    }

    fn mount(&self) -> Result<(), String> {
        run("mount", &["-o", "loop", text(&self.0.image()), text(&self.0.point)])
    }
}

impl Mount {
    fn place() -> Self {
        let place = tempfile::tempdir().expect("a directory");
        let point = place.path().join("mount");
        std::fs::create_dir(&point).expect("a directory");
        Self { place, point }
    }

    fn image(&self) -> PathBuf {
        self.place.path().join("image")
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Not mounted is as good.
        let _ = run("umount", &["--lazy", text(&self.point)]);
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let ran = Command::new(program).args(arguments).stdin(Stdio::null()).output().map_err(|error| format!("{program}: {error}"))?;
    if ran.status.success() { Ok(()) } else { Err(format!("{program}: {}", String::from_utf8_lossy(&ran.stderr).trim())) }
}
