//! A power cut, simulated by a file system that is stopped with its journal unflushed: what was acknowledged is there.

use std::fs;

use serde_json::json;

use crate::harness::{Drive, Ext4Image, File, content, not_mounted, sha256_hex};

#[tokio::test]
async fn what_was_acknowledged_survives_a_power_cut() {
    let disk = match Ext4Image::new(256 * 1024 * 1024) {
        Ok(disk) => disk,
        Err(why) => return not_mounted("the power cut", &why),
    };
    let data = disk.path().join("data");
    let mut drive = Drive::on(&data, &[]);
    let mut user = drive.user().await;
    let mut kept: Vec<(File, Vec<u8>)> = Vec::new();
    for round in 0..3_u64 {
        for n in 0..10 {
            let bytes = content(1_000 * round + n, 30_000 * usize::try_from(n).unwrap());
            kept.push((user.upload(&format!("{round}-{n}.bin"), &bytes).await, bytes));
        }
        let bytes = content(2_000 + round, 200_000);
        let wish = json!({ "name": format!("parts-{round}.bin"), "size": bytes.len(), "part_size": 50_000 });
        let upload = user.init(&wish).await.upload_id;
        for index in [4, 1] {
            let start = 50_000 * (usize::try_from(index).unwrap() - 1);
            user.part(&upload, index, bytes[start..start + 50_000].to_vec()).send().await.expect(200);
        }
        // One upload is under way when the power goes.
        let pending = tokio::spawn(user.raw_upload("pending.bin", content(3_000 + round, 5_000_000)).try_send());
        tokio::task::yield_now().await;
        if let Err(why) = disk.cut_the_power() {
            return not_mounted("the power cut", &why);
        }
        drive.kill();
        drop(pending.await);
        disk.power_on().unwrap();
        drive.start_again();
        user = user.back_on(&drive);

        let status = user.status(&upload).await;
        assert_eq!(status.received, [[1, 1], [4, 4]]);
        for index in [2, 3] {
            let start = 50_000 * (usize::try_from(index).unwrap() - 1);
            user.part(&upload, index, bytes[start..start + 50_000].to_vec()).send().await.expect(200);
        }
        kept.push((user.complete(&upload).await.expect(201).read_as(), bytes));
        check(&user, &kept).await;
    }
}

/// The bytes and their name in staging are durable when a file is acknowledged, their way to the blobs need not be: what comes back in
/// staging is promoted again before anybody asks.
#[tokio::test]
async fn acknowledged_files_are_there_although_their_renames_are_undone() {
    let mut drive = Drive::start();
    let user = drive.user().await;
    let mut files = Vec::new();
    for (seed, size) in [(1, 4096), (2, 0), (3, 700_000), (4, 1)] {
        let bytes = content(seed, size);
        files.push((user.upload(&format!("{seed}.bin"), &bytes).await, bytes));
    }
    let again = user.upload("again.bin", &content(1, 4096)).await;
    files.push((again, content(1, 4096)));
    drive.kill();
    for event in drive.events().iter().filter(|event| event["type"] == "FileMerged") {
        let upload = event["stream"].as_str().unwrap().strip_prefix("upload-").unwrap();
        let sha256 = event["data"]["sha256"].as_str().unwrap();
        let blob = drive.data().join("blobs").join(&sha256[..2]).join(sha256);
        // The second of two uploads of one content finds it gone already: its own bytes were not needed.
        if blob.exists() {
            fs::rename(blob, drive.data().join(format!("staging/{}/{upload}-{sha256}.whole", &upload[34..]))).unwrap();
        }
    }
    assert_eq!(drive.files_in("blobs").len(), 0);
    assert_eq!(drive.files_in("staging").len(), 4);

    drive.start_again();
    let user = user.back_on(&drive);
    assert_eq!(drive.files_in("staging").len(), 0);
    for (file, bytes) in &files {
        assert_eq!(sha256_hex(&user.download(&file.id).await), sha256_hex(bytes), "{}", file.name);
    }
}

async fn check(user: &crate::harness::User, kept: &[(File, Vec<u8>)]) {
    let listed = user.list("limit=1000").await;
    for (file, bytes) in kept {
        assert!(listed.contains(file), "{file:?} is gone");
        assert_eq!(sha256_hex(&user.download(&file.id).await), sha256_hex(bytes));
    }
    for file in &listed {
        assert_eq!(sha256_hex(&user.download(&file.id).await), file.sha256, "{file:?} is not whole");
    }
}
