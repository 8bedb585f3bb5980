//! Bits that flip on the disk are found, and what they have spoiled is never given out.

use std::fs;

use crate::harness::{Drive, content, sha256_hex, until_async};

/// A counter of the drive.
pub(crate) async fn counted(drive: &Drive, name: &str) -> u64 {
    let metrics = drive.client().get("/metrics").send().await.expect(200);
    let text = String::from_utf8(metrics.body).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap_or("0");
    line.parse().unwrap()
}

#[tokio::test]
async fn a_hundred_flipped_bits_are_a_hundred_damaged_files() {
    let drive = Drive::with(&[("CAIRN_UPKEEP__SCRUB_PERIOD_SECONDS", "3")]);
    let user = drive.user().await;
    let contents: Vec<Vec<u8>> = (0..110).map(|seed| content(seed, 2_000)).collect();
    for bytes in &contents {
        user.upload(&sha256_hex(bytes), bytes).await;
    }
    let (spoiled, sound) = contents.split_at(100);
    for (bit, bytes) in spoiled.iter().enumerate() {
        let name = sha256_hex(bytes);
        let path = drive.files_in("blobs").into_iter().find(|path| path.to_string_lossy().ends_with(&name[4..])).unwrap();
        let mut bytes = bytes.clone();
        bytes[bit] ^= 1 << (bit % 8);
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        #[expect(clippy::permissions_set_readonly_false, reason = "the file is the test's own")]
        permissions.set_readonly(false);
        fs::set_permissions(&path, permissions).unwrap();
        fs::write(&path, bytes).unwrap();
    }
    until_async("all are found", async || (counted(&drive, "cairn_damaged_copies_total").await == 100).then_some(())).await;
    for file in user.list("limit=1000").await {
        let answer = user.get("/file/download").query("id", &file.id).try_send().await.unwrap();
        if sound.iter().any(|bytes| sha256_hex(bytes) == file.sha256) {
            assert_eq!(sha256_hex(&answer.expect(200).body), file.sha256);
        } else {
            answer.problem(500, "content_damaged");
        }
    }
    // Whoever has the bytes can heal a content.
    let healed = user.upload("healed.bin", &spoiled[0]).await;
    assert_eq!(user.download(&healed.id).await, spoiled[0]);
    let damaged = drive.events().iter().filter(|event| event["type"] == "BlobDamaged").count();
    assert_eq!(damaged, 100);
}

#[tokio::test]
async fn a_disk_that_goes_away_is_no_damage() {
    let drive = Drive::with(&[("CAIRN_UPKEEP__SCRUB_PERIOD_SECONDS", "1")]);
    let user = drive.user().await;
    let bytes = content(1, 2_000);
    let file = user.upload("a.bin", &bytes).await;
    // As when the mount goes.
    let (blobs, elsewhere) = (drive.data().join("blobs"), drive.data().join("elsewhere"));
    fs::rename(&blobs, &elsewhere).unwrap();
    fs::create_dir(&blobs).unwrap();
    let rounds = counted(&drive, "cairn_scrubbed_copies_total").await;
    for _ in 0..10 {
        let answer = user.get("/file/download").query("id", &file.id).try_send().await.unwrap();
        answer.problem(503, "unavailable");
    }
    fs::remove_dir(&blobs).unwrap();
    fs::rename(&elsewhere, &blobs).unwrap();
    assert!(user.download(&file.id).await == bytes);
    let read_again = async || (counted(&drive, "cairn_scrubbed_copies_total").await > rounds).then_some(());
    until_async("it is read again", read_again).await;
    assert!(!drive.events().iter().any(|event| event["type"] == "BlobDamaged"));
}
