//! Uploads in parts.

use futures_util::future::{join, join_all};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Drive, File, Upload, User, content, digest_field, sha256_hex, shared, until};

const PART: usize = 50_000;

/// An upload of four parts, the last one short, and its bytes.
async fn four_parts(user: &User, seed: u64) -> (Upload, Vec<u8>) {
    let bytes = content(seed, 3 * PART + 1_234);
    let wish = json!({ "name": format!("{seed}.bin"), "size": bytes.len(), "part_size": PART, "sha256": sha256_hex(&bytes) });
    (user.init(&wish).await, bytes)
}

fn part_of(bytes: &[u8], index: u64) -> Vec<u8> {
    bytes.chunks(PART).nth(usize::try_from(index).unwrap() - 1).unwrap().to_vec()
}

async fn send(user: &User, upload: &Upload, bytes: &[u8], index: u64) {
    user.part(&upload.upload_id, index, part_of(bytes, index)).send().await.expect(200);
}

#[tokio::test]
async fn parts_in_any_order_become_a_file() {
    let user = shared().user().await;
    let (upload, bytes) = four_parts(&user, 41).await;
    assert_eq!((upload.part_size, upload.part_count, upload.state.as_str()), (PART as u64, 4, "open"));
    assert_eq!((upload.received.clone(), upload.missing.clone()), (vec![], vec![[1, 4]]));
    for index in [4, 2] {
        let answer = user.part(&upload.upload_id, index, part_of(&bytes, index)).send().await.expect(200);
        let part = part_of(&bytes, index);
        assert_eq!(answer.json(), json!({ "index": index, "size": part.len(), "sha256": sha256_hex(&part) }));
        assert!(answer.position() > 0);
    }
    let status = user.status(&upload.upload_id).await;
    assert_eq!((status.received, status.missing), (vec![[2, 2], [4, 4]], vec![[1, 1], [3, 3]]));
    let problem = user.complete(&upload.upload_id).await.problem(409, "parts_missing");
    assert_eq!(problem["missing"], json!([[1, 1], [3, 3]]));
    for index in [1, 3] {
        let call = user.call(Method::POST, "/file/mpupload/uppart").query("upload_id", &upload.upload_id).query("index", index);
        let part = part_of(&bytes, index);
        call.header("content-digest", digest_field(&part)).body(part).send().await.expect(200);
    }
    let file: File = user.complete(&upload.upload_id).await.expect(201).read_as();
    assert_eq!((file.size, &file.sha256, file.name.as_str()), (bytes.len() as u64, &sha256_hex(&bytes), "41.bin"));
    assert_eq!(user.complete(&upload.upload_id).await.expect(200).read_as::<File>(), file);
    let status = user.status(&upload.upload_id).await;
    assert_eq!((status.state.as_str(), status.file), ("merged", Some(file.clone())));
    assert_eq!(user.download(&file.id).await, bytes);
}

#[tokio::test]
async fn parts_of_one_upload_may_all_come_at_once() {
    let user = shared().user().await;
    let bytes = content(42, 40 * 10_000 + 5);
    let upload = user.init(&json!({ "name": "parallel.bin", "size": bytes.len(), "part_size": 10_000 })).await;
    let sends = bytes.chunks(10_000).zip(1..).map(|(part, index)| user.part(&upload.upload_id, index, part.to_vec()).send());
    for answer in join_all(sends).await {
        answer.expect(200);
    }
    let file: File = user.complete(&upload.upload_id).await.expect(201).read_as();
    assert_eq!(file.sha256, sha256_hex(&bytes));
    assert_eq!(user.download(&file.id).await, bytes);
}

#[tokio::test]
async fn the_same_file_is_the_same_open_upload() {
    let drive = shared();
    let (user, other) = (drive.user().await, drive.user().await);
    let wish = json!({ "name": "same.bin", "size": 100_000, "sha256": "0".repeat(64) });
    let first = user.init(&wish).await;
    assert_eq!((first.part_size, first.part_count), (8 * 1024 * 1024, 1));
    let again: Upload = user.post("/file/mpupload/init").json(&wish).send().await.expect(200).read_as();
    assert_eq!(again.upload_id, first.upload_id);
    assert_ne!(other.init(&wish).await.upload_id, first.upload_id);
    for different in [json!({ "name": "other.bin" }), json!({ "size": 100_001 }), json!({ "sha256": "1".repeat(64) })] {
        let mut wish = wish.clone();
        wish.as_object_mut().unwrap().extend(different.as_object().unwrap().clone());
        assert_ne!(user.init(&wish).await.upload_id, first.upload_id);
    }
    assert_eq!(user.open_uploads().await.len(), 4);
    assert_eq!(other.open_uploads().await.len(), 1);
    user.cancel(&first.upload_id).await.expect(204);
    assert_ne!(user.init(&wish).await.upload_id, first.upload_id);
}

#[tokio::test]
async fn a_part_sent_again_is_the_part_that_counts() {
    let user = shared().user().await;
    let bytes = content(43, 2 * PART);
    let upload = user.init(&json!({ "name": "again.bin", "size": bytes.len(), "part_size": PART })).await;
    let wrong = content(44, PART);
    for (index, part) in
        [(1, &bytes[..PART]), (1, &bytes[..PART]), (2, &wrong), (1, &wrong), (1, &bytes[..PART]), (2, &bytes[PART..])]
    {
        user.part(&upload.upload_id, index, part.to_vec()).send().await.expect(200);
    }
    let file: File = user.complete(&upload.upload_id).await.expect(201).read_as();
    assert_eq!(file.sha256, sha256_hex(&bytes));
    assert_eq!(user.download(&file.id).await, bytes);
}

#[tokio::test]
async fn wrong_parts_are_refused_and_what_was_there_stays() {
    let user = shared().user().await;
    let (upload, bytes) = four_parts(&user, 45).await;
    let id = upload.upload_id.as_str();
    send(&user, &upload, &bytes, 1).await;
    for (index, size) in [(2, PART - 1), (2, PART + 1), (2, 0), (1, PART - 1), (4, PART), (4, 1_235)] {
        user.part(id, index, content(46, size)).send().await.problem(422, "wrong_part_size");
        let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>(content(46, size).into())]);
        let call = user.call(Method::PUT, "/file/mpupload/uppart").query("upload_id", id).query("index", index);
        call.stream(pieces).send().await.problem(422, "wrong_part_size");
    }
    for index in ["0", "5", "18446744073709551615"] {
        let call = user.call(Method::PUT, "/file/mpupload/uppart").query("upload_id", id).query("index", index);
        call.body(part_of(&bytes, 1)).send().await.problem(422, "no_such_part");
    }
    for index in ["-1", "one", "1.5", ""] {
        let call = user.call(Method::PUT, "/file/mpupload/uppart").query("upload_id", id).query("index", index);
        call.body(part_of(&bytes, 1)).send().await.invalid("index");
    }
    let call = user.part(id, 1, content(46, PART)).header("content-digest", digest_field(b"other"));
    call.send().await.problem(422, "digest_mismatch");
    let status = user.status(id).await;
    assert_eq!(status.received, [[1, 1]]);
    for index in 2..=4 {
        send(&user, &upload, &bytes, index).await;
    }
    assert_eq!(user.complete(id).await.expect(201).read_as::<File>().sha256, sha256_hex(&bytes));
}

#[tokio::test]
async fn bytes_that_are_not_the_declared_ones_never_become_a_file() {
    let drive = Drive::start();
    let user = drive.user().await;
    for declared in [json!({ "sha256": "0".repeat(64) }), json!({ "sha1": "0".repeat(40) })] {
        let mut wish = json!({ "name": "poison.bin", "size": 1_000 });
        wish.as_object_mut().unwrap().extend(declared.as_object().unwrap().clone());
        let upload = user.init(&wish).await;
        user.part(&upload.upload_id, 1, content(47, 1_000)).send().await.expect(200);
        user.complete(&upload.upload_id).await.problem(422, "digest_mismatch");
        user.complete(&upload.upload_id).await.problem(422, "digest_mismatch");
        user.part(&upload.upload_id, 1, content(47, 1_000)).send().await.problem(409, "upload_closed");
    }
    assert_eq!(user.list("").await, []);
    assert_eq!(user.open_uploads().await, []);
    assert_eq!((drive.files_in("blobs").len(), drive.files_in("staging").len()), (0, 0));
}

#[tokio::test]
async fn a_cancelled_upload_takes_nothing_and_leaves_nothing() {
    let drive = Drive::start();
    let user = drive.user().await;
    let (upload, bytes) = four_parts(&user, 48).await;
    send(&user, &upload, &bytes, 1).await;
    user.cancel(&upload.upload_id).await.expect(204);
    user.cancel(&upload.upload_id).await.expect(204);
    assert_eq!(user.status(&upload.upload_id).await.state, "cancelled");
    user.part(&upload.upload_id, 2, part_of(&bytes, 2)).send().await.problem(409, "upload_closed");
    user.complete(&upload.upload_id).await.problem(409, "upload_closed");
    assert_eq!(user.open_uploads().await, []);
    until("staging is empty", || drive.files_in("staging").is_empty().then_some(()));
}

#[tokio::test]
async fn of_two_who_complete_at_once_both_get_the_same_file() {
    let user = shared().user().await;
    for seed in 50..54 {
        let (upload, bytes) = four_parts(&user, seed).await;
        for index in 1..=4 {
            send(&user, &upload, &bytes, index).await;
        }
        let answers = join_all((0..4).map(|_| user.complete(&upload.upload_id))).await;
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 200, 200, 201]);
        let files: Vec<File> = answers.iter().map(super::harness::Answer::read_as).collect();
        assert!(files.iter().all(|file| *file == files[0]));
    }
    assert_eq!(user.list("").await.len(), 4);
    user.cancel(&user.list("").await[0].id).await.problem(404, "not_found");
}

#[tokio::test]
async fn cancelling_while_completing_ends_one_way_or_the_other() {
    let user = shared().user().await;
    for seed in 60..66 {
        let (upload, bytes) = four_parts(&user, seed).await;
        for index in 1..=4 {
            send(&user, &upload, &bytes, index).await;
        }
        let id = upload.upload_id.as_str();
        let (completed, cancelled) = join(user.complete(id), user.cancel(id)).await;
        let status = user.status(id).await;
        if completed.status == 201 {
            cancelled.problem(409, "upload_closed");
            assert_eq!(status.state, "merged");
            assert_eq!(user.download(&status.file.unwrap().id).await, bytes);
        } else {
            completed.problem(409, "upload_closed");
            cancelled.expect(204);
            assert_eq!((status.state.as_str(), status.file), ("cancelled", None));
        }
    }
}

#[tokio::test]
async fn a_merged_upload_cannot_be_cancelled() {
    let user = shared().user().await;
    let (upload, bytes) = four_parts(&user, 67).await;
    for index in 1..=4 {
        send(&user, &upload, &bytes, index).await;
    }
    user.complete(&upload.upload_id).await.expect(201);
    user.cancel(&upload.upload_id).await.problem(409, "upload_closed");
    user.part(&upload.upload_id, 1, part_of(&bytes, 1)).send().await.problem(409, "upload_closed");
}

#[tokio::test]
async fn an_empty_file_needs_no_part() {
    let user = shared().user().await;
    let upload = user.init(&json!({ "name": "empty", "size": 0 })).await;
    assert_eq!((upload.part_count, upload.missing), (0, vec![]));
    let file: File = user.complete(&upload.upload_id).await.expect(201).read_as();
    assert_eq!((file.size, file.sha256), (0, sha256_hex(b"")));
}

#[tokio::test]
async fn plans_have_limits() {
    let limits = [
        ("CAIRN_LIMITS__PARTS_MAX", "10"),
        ("CAIRN_LIMITS__PART_BYTES_MAX", "5000"),
        ("CAIRN_LIMITS__FILE_BYTES_MAX", "100000"),
        ("CAIRN_LIMITS__UPLOADS_OPEN_MAX", "2"),
    ];
    let drive = Drive::with(&limits);
    let user = drive.user().await;
    let raised = user.init(&json!({ "name": "a", "size": 10_001, "part_size": 1 })).await;
    assert_eq!((raised.part_size, raised.part_count), (1_001, 10));
    let init = |wish: Value| user.post("/file/mpupload/init").json(&wish).send();
    init(json!({ "name": "a", "size": 100_001 })).await.problem(413, "too_large");
    init(json!({ "name": "a", "size": 1_000, "part_size": 0 })).await.invalid("part_size");
    init(json!({ "name": "a", "size": 1_000, "part_size": 5_001 })).await.invalid("part_size");
    init(json!({ "name": "b", "size": 1_000, "part_size": 5_000 })).await.expect(201);
    let status = init(json!({ "name": "c", "size": 1_000, "part_size": 5_000 })).await.status;
    assert!(matches!(status, 409 | 422 | 429), "{status}");
    drive.user().await.init(&json!({ "name": "c", "size": 1_000, "part_size": 5_000 })).await;
}

#[tokio::test]
async fn anothers_upload_is_as_if_absent() {
    let drive = shared();
    let (user, other) = (drive.user().await, drive.user().await);
    let (upload, bytes) = four_parts(&user, 68).await;
    let id = upload.upload_id.as_str();
    other.get("/file/mpupload/status").query("upload_id", id).send().await.problem(404, "not_found");
    other.part(id, 1, part_of(&bytes, 1)).send().await.problem(404, "not_found");
    other.complete(id).await.problem(404, "not_found");
    other.cancel(id).await.problem(404, "not_found");
    assert_eq!(user.status(id).await.received, Vec::<[u64; 2]>::new());
}

#[tokio::test]
async fn a_part_that_breaks_off_is_not_there() {
    let drive = Drive::start();
    let user = drive.user().await;
    let (upload, bytes) = four_parts(&user, 69).await;
    let mut connection = crate::harness::RawConnection::open(drive.address());
    connection.send(format!(
        "PUT /file/mpupload/uppart?upload_id={}&index=1 HTTP/1.1\r\nHost: drive\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/octet-stream\r\nContent-Length: {PART}\r\n\r\n",
        upload.upload_id,
        user.token().unwrap()
    ));
    connection.send(&bytes[..PART / 2]);
    drop(connection);
    assert_eq!(user.status(&upload.upload_id).await.received, Vec::<[u64; 2]>::new());
    for index in 1..=4 {
        send(&user, &upload, &bytes, index).await;
    }
    assert_eq!(user.complete(&upload.upload_id).await.expect(201).read_as::<File>().sha256, sha256_hex(&bytes));
}

/// When the client goes away is left to chance: before the drive has seen its request, or in the middle. Then what has begun is done to its end.
#[tokio::test]
async fn a_merge_whose_client_has_hung_up_is_whole_or_has_not_begun() {
    let drive = Drive::start();
    let user = drive.user().await;
    for seed in 70..90 {
        let (upload, bytes) = four_parts(&user, seed).await;
        for index in [4, 3, 2, 1] {
            send(&user, &upload, &bytes, index).await;
        }
        let body = json!({ "upload_id": upload.upload_id }).to_string();
        let mut connection = crate::harness::RawConnection::open(drive.address());
        let token = user.token().unwrap();
        connection.send(format!(
            "POST /file/mpupload/complete HTTP/1.1\r\nHost: drive\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        // So long as some other questions take: from not at all to longer than a merge.
        for _ in 70..seed {
            user.info().await;
        }
        drop(connection);
        // Asked again, it is merged now, or was before.
        let again = user.complete(&upload.upload_id).await;
        assert!([200, 201].contains(&again.status), "{again:?}");
        let file: File = again.read_as();
        assert_eq!(file.sha256, sha256_hex(&bytes));
        assert_eq!(user.status(&upload.upload_id).await.file, Some(file));
    }
    assert_eq!(drive.events().iter().filter(|event| event["type"] == "FileMerged").count(), 20);
    until("a client was seen to hang up", || drive.log().contains("the client left before the answer").then_some(()));
}
