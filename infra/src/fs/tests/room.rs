//! A disk that is full, made of a small file system in memory.

use std::process::Command;
use std::time::Duration;

use cairn_commands::ports::blobs::BlobError;

use super::*;

const DISK_BYTES: usize = 4 * 1024 * 1024;

struct SmallDisk(TempDir);

impl SmallDisk {
    /// None where mounting is not permitted.
    fn mount() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let options = format!("size={DISK_BYTES}");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(directory.path()).output();
        if mount.is_ok_and(|output| output.status.success()) {
            return Some(Self(directory));
        }
        eprintln!("SKIPPED: a full disk can't be tried, since mounting a small tmpfs is not permitted here");
        None
    }

    fn scene(&self) -> (FsStaging, FsBlobs) {
        open(&self.0.path().join("data"))
    }

    fn free_bytes(&self) -> u64 {
        let room = rustix::fs::statvfs(self.0.path()).unwrap();
        room.f_bavail * room.f_frsize
    }

    /// Takes all the room but that much.
    fn fill(&self, leave_bytes: u64) {
        let length = self.free_bytes() - leave_bytes;
        std::fs::write(self.0.path().join("filling"), vec![1; length as usize]).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").arg("--lazy").arg(self.0.path()).status().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_can_not_fit_is_not_opened() {
    let Some(disk) = SmallDisk::mount() else { return };
    let (staging, _) = disk.scene();
    let before = disk.free_bytes();
    for size in [DISK_BYTES as u64 * 2, u64::MAX / 2] {
        let refused = staging.open(upload(1), size).await;
        assert!(matches!(refused, Err(StagingError::Full)), "{refused:?}");
        assert_eq!(staging.list(Duration::ZERO).await.unwrap(), []);
        assert_eq!(disk.free_bytes(), before);
    }
    staging.open(upload(1), DISK_BYTES as u64 / 2).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_does_not_fit_leaves_nothing() {
    let Some(disk) = SmallDisk::mount() else { return };
    let (staging, blobs) = disk.scene();
    let before = disk.free_bytes();
    let refused = staging.receive(upload(1), body(&content(1, 2 * DISK_BYTES)), u64::MAX).await;
    assert!(matches!(refused, Err(StagingError::Full)), "{refused:?}");
    assert_eq!(staging.list(Duration::ZERO).await.unwrap(), []);
    assert_eq!(disk.free_bytes(), before);
    let (copy, bytes) = (content(4, 2 * DISK_BYTES), 2 * DISK_BYTES as u64);
    let refused = blobs.write(key_of(&copy), bytes, body(&copy)).await;
    assert!(matches!(refused, Err(BlobError::Full)), "{refused:?}");
    assert_eq!(disk.free_bytes(), before);

    // What fits is taken, though not so much could be reserved ahead.
    let bytes = content(2, DISK_BYTES - 512 * 1024);
    let whole = staging.receive(upload(2), body(&bytes), u64::MAX).await.unwrap();
    staging.promote(upload(2), BlobKey::first(whole.sha256)).await.unwrap();
    assert_eq!(blobs.size(BlobKey::first(whole.sha256)).await.unwrap(), Some(bytes.len() as u64));

    disk.fill(0);
    let refused = staging.receive(upload(3), body(&content(3, 100)), u64::MAX).await;
    assert!(matches!(refused, Err(StagingError::Full)), "{refused:?}");
    assert_eq!(staging.list(Duration::ZERO).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_upload_has_its_room() {
    let Some(disk) = SmallDisk::mount() else { return };
    let (staging, blobs) = disk.scene();
    let bytes = content(1, 1_000_000);
    let other = content(2, 1_000_000);
    staging.open(upload(1), 1_000_000).await.unwrap();
    // The first save of the hashes needs one page.
    disk.fill(64 * 1024);
    let plan = plan(&bytes, 500_000);
    let mut parts = Vec::new();
    for part in &plan {
        let sha256 = staging.write_part(upload(1), *part, body(&range(&bytes, *part)), None, None).await.unwrap();
        parts.push((*part, sha256));
    }
    // Another version of a part needs room that is not there, and changes nothing.
    let refused = staging.write_part(upload(1), plan[0], body(&range(&other, plan[0])), None, Some(parts[0].1)).await;
    assert!(matches!(refused, Err(StagingError::Full)), "{refused:?}");
    assert_eq!(names(&disk.0.path().join(format!("data/staging/{}", upload(1)))), ["data", "prefix"]);
    assert_eq!(staging.seal(upload(1), &parts).await.unwrap(), whole_of(&bytes));
    staging.promote(upload(1), key_of(&bytes)).await.unwrap();
    assert_eq!(blobs.size(key_of(&bytes)).await.unwrap(), Some(1_000_000));
}
