//! A full disk: 507, nothing changed, and everything works again when there is room.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::harness::{Drive, Tmpfs, content, not_mounted, sha256_hex};

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn a_full_disk_stores_nothing_and_is_no_end() {
    let disk = match Tmpfs::new(24 * MIB as u64) {
        Ok(disk) => disk,
        Err(why) => return not_mounted("the full disk", &why),
    };
    let drive = Drive::on(&disk.path().join("data"), &[]);
    let user = drive.user().await;
    let kept = user.upload("kept.bin", &content(91, MIB)).await;
    let open = user.init(&json!({ "name": "open.bin", "size": 2 * MIB, "part_size": MIB })).await;
    let events = drive.events();

    let large = content(92, 30 * MIB);
    for _ in 0..3 {
        let answer = user.raw_upload("large.bin", large.clone()).try_send().await.unwrap();
        answer.problem(507, "storage_full");
    }
    let wish = json!({ "name": "large.bin", "size": 30 * MIB });
    user.post("/file/mpupload/init").json(&wish).try_send().await.unwrap().problem(507, "storage_full");
    assert_eq!(drive.events(), events);
    assert_eq!(user.list("").await, std::slice::from_ref(&kept));
    assert_eq!(user.open_uploads().await.len(), 1);
    assert_eq!((drive.files_in("blobs").len(), user.info().await["used_bytes"].as_u64()), (1, Some(MIB as u64)));
    assert_eq!(sha256_hex(&user.download(&kept.id).await), kept.sha256);

    // Room that was promised to an upload in parts stays its own when the rest is gone.
    let filler = fill(disk.path());
    for index in 1..=2 {
        let answer = user.part(&open.upload_id, index, vec![7; MIB]).try_send().await.unwrap();
        if answer.status != 200 {
            answer.problem(507, "storage_full");
        }
    }
    let answer = user.raw_upload("small.bin", content(93, MIB)).try_send().await.unwrap();
    answer.problem(507, "storage_full");
    fs::remove_file(filler).unwrap();
    let small = user.upload("small.bin", &content(93, MIB)).await;
    assert_eq!(user.list("").await, [small, kept]);
    for index in 1..=2 {
        user.part(&open.upload_id, index, vec![7; MIB]).send().await.expect(200);
    }
    user.complete(&open.upload_id).await.expect(201);
    assert_eq!(user.list("").await.len(), 3);
}

/// Takes all the room that is left.
fn fill(disk: &Path) -> std::path::PathBuf {
    use std::io::Write;
    let path = disk.join("filler");
    let mut file = fs::File::create(&path).unwrap();
    for size in [MIB, 4_096, 1] {
        let piece = vec![0; size];
        while file.write_all(&piece).is_ok() {}
    }
    path
}
