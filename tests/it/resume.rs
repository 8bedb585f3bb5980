//! A large upload goes on after a crash, and from another device.

use serde_json::json;

use crate::harness::{Drive, File, content, sha256_hex};

const PART: usize = 4 * 1024 * 1024;
const COUNT: u64 = 6;

#[tokio::test]
async fn an_upload_that_a_crash_interrupted_is_resumed() {
    let mut drive = Drive::start();
    let user = drive.user().await;
    let bytes = content(81, 5 * PART + 12_345);
    let part = |index: u64| bytes.chunks(PART).nth(usize::try_from(index).unwrap() - 1).unwrap().to_vec();
    let wish = json!({ "name": "大文件.bin", "size": bytes.len(), "part_size": PART, "sha256": sha256_hex(&bytes) });
    let upload = user.init(&wish).await;
    assert_eq!(upload.part_count, COUNT);
    let id = upload.upload_id.as_str();
    for index in [1, 2, 5] {
        user.part(id, index, part(index)).send().await.expect(200);
    }
    // The next one is on its way when the drive dies.
    let sending = tokio::spawn(user.part(id, 3, part(3)).try_send());
    tokio::task::yield_now().await;
    drive.kill();
    let acknowledged = matches!(sending.await.unwrap(), Ok(answer) if answer.status == 200);
    drive.start_again();

    // Another device of the same person finds the upload by itself.
    let device = user.back_on(&drive).another_session().await;
    let open = device.open_uploads().await;
    assert_eq!(open.len(), 1);
    let there: Vec<u64> = open[0].received.iter().flat_map(|[first, last]| *first..=*last).collect();
    assert!([1, 2, 5].iter().all(|index| there.contains(index)), "{there:?}");
    assert!(!acknowledged || there.contains(&3), "{there:?}");
    assert_eq!((open[0].upload_id.as_str(), open[0].name.as_str()), (id, "大文件.bin"));
    let again: crate::harness::Upload = device.post("/file/mpupload/init").json(&wish).send().await.expect(200).read_as();
    assert_eq!(again.upload_id, id);

    for index in open[0].missing.iter().flat_map(|[first, last]| *first..=*last) {
        device.part(id, index, part(index)).send().await.expect(200);
    }
    let file: File = device.complete(id).await.expect(201).read_as();
    assert_eq!((file.size, &file.sha256), (bytes.len() as u64, &sha256_hex(&bytes)));
    assert_eq!(sha256_hex(&device.download(&file.id).await), sha256_hex(&bytes));
    assert!(drive.files_in("staging").is_empty());
}

/// All parts came in order before the crash, so that the digests of the whole were under way as well.
#[tokio::test]
async fn a_crash_between_the_parts_of_an_upload_in_order_costs_nothing() {
    let mut drive = Drive::start();
    let mut user = drive.user().await;
    let bytes = content(82, 4 * 100_000);
    let upload = user.init(&json!({ "name": "in-order.bin", "size": bytes.len(), "part_size": 100_000 })).await;
    for (part, index) in bytes.chunks(100_000).zip(1..) {
        user.part(&upload.upload_id, index, part.to_vec()).send().await.expect(200);
        drive.kill();
        drive.start_again();
        user = user.back_on(&drive);
    }
    let file: File = user.complete(&upload.upload_id).await.expect(201).read_as();
    assert_eq!(user.download(&file.id).await, bytes);
}
