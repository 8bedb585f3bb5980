use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{Access, access, statvfs};

use super::Seen;

/// Below that, uploads will soon be refused.
const FREE_BYTES_MIN: u64 = 256 * 1024 * 1024;
const FREE_BYTES_FEW: u64 = 2 * 1024 * 1024 * 1024;

const MIB: u64 = 1024 * 1024;

/// The data directory: whether it can be used, and by whom.
pub(super) fn permissions(data: &Path) -> Seen {
    let (what, name) = ("data directory", data.display());
    let mode = match fs::metadata(data) {
        Ok(there) if there.is_dir() => there.permissions().mode() & 0o777,
        Ok(_) => return Seen::ill(what, format!("{name} is no directory"), "say where the drive is with --data"),
        Err(error) => {
            return Seen::ill(
                what,
                format!("{name}: {error}"),
                "say where the drive is with --data, or start it: it makes the directory",
            );
        }
    };
    if access(data, Access::WRITE_OK).is_err() {
        return Seen::ill(what, format!("{name} can't be written by this user"), "run cairn as the user to whom it belongs");
    }
    if mode & 0o077 != 0 {
        return Seen::mind(what, format!("{name} is open to others (mode {mode:03o})"), format!("chmod 700 {name}"));
    }
    Seen::well(what, name.to_string())
}

/// How much room there is.
pub(super) fn room(data: &Path) -> Seen {
    let what = "room on disk";
    let Ok(disk) = statvfs(data) else {
        return Seen::mind(what, "it can't be asked", "look at the file system of the data directory");
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    judge_room(what, free)
}

fn judge_room(what: &str, free: u64) -> Seen {
    let said = format!("{} MiB are free", free / MIB);
    let advice = "make room: see \"When the disk is full\" in docs/operations.md";
    if free < FREE_BYTES_MIN {
        Seen::ill(what, said, advice)
    } else if free < FREE_BYTES_FEW {
        Seen::mind(what, said, advice)
    } else {
        Seen::well(what, said)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Health;
    use super::*;

    #[test]
    fn room_runs_out_by_degrees() {
        let health = |mib: u64| judge_room("room", mib * MIB).health;
        assert_eq!([10, 255, 256, 2047, 2048].map(health), [Health::Ill, Health::Ill, Health::Mind, Health::Mind, Health::Well]);
    }

    #[test]
    fn a_directory_is_there_and_for_nobody_else() {
        let directory = tempfile::tempdir().expect("a directory");
        let mode = |mode| fs::set_permissions(directory.path(), fs::Permissions::from_mode(mode)).expect("changed");
        mode(0o700);
        assert_eq!(permissions(directory.path()).health, Health::Well);
        mode(0o755);
        let open = permissions(directory.path());
        assert!(open.health == Health::Mind && open.advice.is_some_and(|advice| advice.starts_with("chmod 700")));
        assert_eq!(permissions(&directory.path().join("absent")).health, Health::Ill);
    }
}
