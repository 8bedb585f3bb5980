//! Bits that flip on the disk are found, and what they have spoiled is never given out.

use std::fs;

use crate::harness::{Drive, File, User, content, sha256_hex, until_async};

/// A counter of the drive.
pub(crate) async fn counted(drive: &Drive, name: &str) -> u64 {
    let metrics = drive.client().get("/metrics").send().await.expect(200);
    let text = String::from_utf8(metrics.body).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap_or("0");
    line.parse().unwrap()
}

/// Writes a copy with one bit flipped over the one on the disk.
fn flip(drive: &Drive, content: &[u8], bit: usize) {
    let name = sha256_hex(content);
    let path = drive.files_in("blobs").into_iter().find(|path| path.to_string_lossy().ends_with(&name[4..])).unwrap();
    let mut flipped = content.to_vec();
    flipped[bit] ^= 1 << (bit % 8);
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    #[expect(clippy::permissions_set_readonly_false, reason = "the file is the test's own")]
    permissions.set_readonly(false);
    fs::set_permissions(&path, permissions).unwrap();
    fs::write(&path, flipped).unwrap();
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
        flip(&drive, bytes, bit);
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

/// What a client has of a file when its connection ends, and whether that was the end of the file. None when it is refused.
async fn download(user: &User, file: &File, range: Option<&str>) -> Option<(Vec<u8>, bool)> {
    let mut call = user.get("/file/download").query("id", &file.id);
    if let Some(range) = range {
        call = call.header("range", range);
    }
    let mut answer = call.open().await;
    // Either it is known, or somebody has found so and the copies are being looked at.
    if let Some(code) = match answer.status().as_u16() {
        500 => Some("content_damaged"),
        503 => Some("unavailable"),
        _ => None,
    } {
        assert!(answer.text().await.unwrap().contains(code));
        return None;
    }
    assert!(answer.status().is_success(), "{answer:?}");
    let mut bytes = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(piece)) => bytes.extend_from_slice(&piece),
            Ok(None) => return Some((bytes, true)),
            Err(_) => return Some((bytes, false)),
        }
    }
}

#[tokio::test]
async fn the_first_download_of_a_damaged_file_fails_loudly_before_anybody_has_looked_for_damage() {
    let drive = Drive::with(&[("CAIRN_UPKEEP__SCRUB_PERIOD_SECONDS", "0")]);
    let user = drive.user().await;
    // Every tenth is too large to be looked at before it goes out.
    let size = |seed: u64| if seed.is_multiple_of(10) { 1_000_000 } else { 2_000 };
    let contents: Vec<Vec<u8>> = (0..100).map(|seed| content(seed, size(seed))).collect();
    let mut files = Vec::new();
    for (number, bytes) in contents.iter().enumerate() {
        let file = user.upload(&format!("{number}.bin"), bytes).await;
        // That some were right a moment ago helps nobody.
        if number % 20 == 0 {
            assert!(user.download(&file.id).await == *bytes);
        }
        files.push(file);
    }
    for (bit, bytes) in contents.iter().enumerate() {
        flip(&drive, bytes, bit);
    }
    for (file, bytes) in files.iter().zip(&contents) {
        let Some((got, whole)) = download(&user, file, None).await else { continue };
        assert!(bytes.len() > 2_000 && !whole && got.len() < bytes.len(), "{file:?} ended after {} bytes", got.len());
        // Whoever goes on where it broke off gets no further.
        assert_eq!(download(&user, file, Some(&format!("bytes={}-", got.len()))).await, None);
    }
    until_async("all are on the log", async || (counted(&drive, "cairn_damaged_copies_total").await == 100).then_some(())).await;
    assert_eq!(drive.events().iter().filter(|event| event["type"] == "BlobDamaged").count(), 100);
    for file in &files {
        assert_eq!(download(&user, file, None).await, None);
    }
    let healed = user.upload("healed.bin", &contents[0]).await;
    assert!(user.download(&healed.id).await == contents[0] && user.download(&files[0].id).await == contents[0]);
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
