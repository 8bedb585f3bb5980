//! Whole files: as a form and as raw bytes.

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use reqwest::multipart::{Form, Part};

use crate::harness::{Drive, File, RawConnection, User, content, digest_field, sha1_hex, sha256_hex, shared, until};

fn form(name: &str, bytes: &[u8]) -> Form {
    Form::new().part("file", Part::bytes(bytes.to_vec()).file_name(name.to_owned()))
}

#[tokio::test]
async fn a_form_with_a_chinese_name_becomes_a_file() {
    let user = shared().user().await;
    let bytes = content(1, 300_000);
    let answer = user.post("/file/upload").form(form("报告 2026 (终稿).pdf", &bytes)).send().await.expect(201);
    assert!(answer.position() > 0);
    let file: File = answer.read_as();
    assert_eq!(file.name, "报告 2026 (终稿).pdf");
    assert_eq!((file.size, &file.sha256, &file.sha1), (300_000, &sha256_hex(&bytes), &sha1_hex(&bytes)));
    assert_eq!((file.content_type.as_str(), file.status.as_str(), file.stored_in.as_str()), ("application/pdf", "active", "local"));
    assert_eq!(file.folder_id, None);
    assert!(file.created_at.ends_with('Z') && file.updated_at.ends_with('Z'), "{file:?}");
    assert_eq!(user.list("").await, std::slice::from_ref(&file));
    assert_eq!(user.download(&file.id).await, bytes);
}

#[tokio::test]
async fn raw_bytes_with_a_name_become_a_file() {
    let user = shared().user().await;
    let bytes = content(2, 1_000);
    let call = user.post("/file/upload").query("name", "photo & more.png").header("content-type", "image/png").body(bytes.clone());
    let file: File = call.send().await.expect(201).read_as();
    assert_eq!((file.name.as_str(), file.content_type.as_str(), file.size), ("photo & more.png", "image/png", 1_000));
    assert_eq!(user.download(&file.id).await, bytes);
}

#[tokio::test]
async fn files_of_every_small_size_and_without_a_length_arrive_whole() {
    let user = shared().user().await;
    for size in [0, 1, 4_096, 128 * 1024 - 1, 128 * 1024, 128 * 1024 + 1, 256 * 1024, 1_000_003] {
        let bytes = content(size as u64 + 7, size);
        let announced = user.upload(&format!("{size}.bin"), &bytes).await;
        let pieces: Vec<_> = bytes.chunks(10_007).map(Bytes::copy_from_slice).map(Ok::<_, std::io::Error>).collect();
        let call = user.post("/file/upload").query("name", "chunked.bin").header("content-type", "application/octet-stream");
        let unannounced: File = call.stream(stream::iter(pieces)).send().await.expect(201).read_as();
        let formed: File = user.post("/file/upload").form(form("form.bin", &bytes)).send().await.expect(201).read_as();
        for file in [announced, unannounced, formed] {
            assert_eq!((file.size, &file.sha256), (size as u64, &sha256_hex(&bytes)));
            assert_eq!(user.download(&file.id).await, bytes);
        }
    }
}

#[tokio::test]
async fn a_digest_that_fits_is_taken_and_one_that_does_not_stores_nothing() {
    let drive = Drive::start();
    let user = drive.user().await;
    let bytes = content(3, 200_000);
    for field in ["content-digest", "repr-digest"] {
        user.raw_upload("fits.bin", bytes.clone()).header(field, digest_field(&bytes)).send().await.expect(201);
    }
    let events = drive.events();
    let other = content(4, 200_000);
    for field in ["content-digest", "repr-digest"] {
        let call = user.raw_upload("differs.bin", other.clone()).header(field, digest_field(&bytes));
        call.send().await.problem(422, "digest_mismatch");
    }
    user.raw_upload("x", "x").header("content-digest", "sha-256=nonsense").send().await.problem(400, "malformed_digest");
    assert_eq!(user.list("").await.len(), 2);
    assert_eq!(drive.events(), events);
    assert_eq!(drive.files_in("blobs").len(), 1);
    assert_eq!(drive.files_in("staging"), Vec::<std::path::PathBuf>::new());
    // Other algorithms are not ours to judge (RFC 9530 section 2).
    user.raw_upload("fits.bin", bytes.clone()).header("content-digest", "md5=:AAAA:").send().await.expect(201);
}

#[tokio::test]
async fn the_same_content_is_stored_once_under_many_names() {
    let drive = Drive::start();
    let users = [drive.user().await, drive.user().await];
    let bytes = content(5, 500_000);
    let uploads = (0..8).map(|n| users[n % 2].raw_upload(&format!("{n}.bin"), bytes.clone()).send());
    let files: Vec<File> = join_all(uploads).await.into_iter().map(|answer| answer.expect(201).read_as()).collect();
    let mut ids: Vec<&str> = files.iter().map(|file| file.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 8);
    assert_eq!(drive.files_in("blobs").len(), 1);
    for user in &users {
        assert_eq!(user.list("").await.len(), 4);
    }
}

#[tokio::test]
async fn too_large_is_refused_with_and_without_an_announcement() {
    let drive = Drive::with(&[("CAIRN_LIMITS__FILE_BYTES_MAX", "100000")]);
    let user = drive.user().await;
    let large = content(6, 100_001);
    user.raw_upload("announced.bin", large.clone()).send().await.problem(413, "too_large");
    user.post("/file/upload").form(form("form.bin", &large)).send().await.problem(413, "too_large");
    let pieces: Vec<_> = large.chunks(5_000).map(Bytes::copy_from_slice).map(Ok::<_, std::io::Error>).collect();
    let call = user.post("/file/upload").query("name", "chunked.bin").header("content-type", "application/octet-stream");
    call.stream(stream::iter(pieces)).send().await.problem(413, "too_large");
    assert_nothing_stored(&drive, &user).await;
    user.upload("fits.bin", &large[1..]).await;
}

/// A client that announces more than the limit is refused before it has sent anything.
#[tokio::test]
async fn an_announcement_over_the_limit_is_refused_at_once() {
    let drive = Drive::with(&[("CAIRN_LIMITS__FILE_BYTES_MAX", "100000")]);
    let user = drive.user().await;
    let mut connection = RawConnection::open(drive.address());
    connection.send(format!(
        "POST /file/upload?name=a HTTP/1.1\r\nHost: drive\r\nAuthorization: Bearer {}\r\nContent-Type: application/octet-stream\r\n\
         Content-Length: 1000000000000\r\nExpect: 100-continue\r\n\r\n",
        user.token().unwrap()
    ));
    let answer = String::from_utf8(connection.receive(4096)).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let drive = Drive::start();
    let user = drive.user().await;
    let started = drive.files_in("staging").len();
    assert_eq!(started, 0);
    for kind in ["Content-Length: 10000000", "Transfer-Encoding: chunked"] {
        let mut connection = RawConnection::open(drive.address());
        connection.send(format!(
            "POST /file/upload?name=a HTTP/1.1\r\nHost: drive\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/octet-stream\r\n{kind}\r\n\r\n",
            user.token().unwrap()
        ));
        let bytes = content(8, 1_000_000);
        if kind.starts_with("Transfer") {
            connection.send(format!("{:x}\r\n", 2_000_000));
        }
        connection.send(&bytes);
        until("the bytes are on their way to the disk", || (!drive.files_in("staging").is_empty()).then_some(()));
        drop(connection);
        until("the bytes are gone again", || drive.files_in("staging").is_empty().then_some(()));
    }
    assert_nothing_stored(&drive, &user).await;
}

#[tokio::test]
async fn forms_are_read_strictly() {
    let drive = Drive::start();
    let user = drive.user().await;
    let upload = |form: Form| user.post("/file/upload").form(form).send();
    upload(Form::new().text("folder_id", "x")).await.invalid("file");
    upload(Form::new().text("surprise", "x").part("file", Part::text("a").file_name("a"))).await.invalid("surprise");
    upload(Form::new().part("file", Part::text("a").file_name("a")).text("folder_id", "x")).await.invalid("folder_id");
    upload(Form::new().text("folder_id", "not-an-id").part("file", Part::text("a").file_name("a"))).await.invalid("folder_id");
    upload(Form::new().part("file", Part::text("a"))).await.invalid("name");
    let post = |content_type: &str, body: &str| {
        user.post("/file/upload").header("content-type", content_type).body(body.to_owned()).send()
    };
    post("multipart/form-data", "x").await.problem(400, "malformed_multipart");
    post("multipart/form-data; boundary=b", "no parts").await.problem(400, "malformed_multipart");
    let torn = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nhalf of it";
    post("multipart/form-data; boundary=b", torn).await.problem(400, "malformed_multipart");
    post("application/octet-stream", "no name").await.invalid("name");
    assert_nothing_stored(&drive, &user).await;
}

#[tokio::test]
async fn many_small_files_at_once_all_arrive() {
    let user = shared().user().await;
    let uploads = stream::iter(0..200_u64).map(|n| {
        let user = user.clone();
        async move { (user.upload(&format!("{n}"), &content(n, 4_096)).await, sha256_hex(&content(n, 4_096))) }
    });
    let files: Vec<(File, String)> = uploads.buffer_unordered(32).collect().await;
    assert!(files.iter().all(|(file, sha256)| file.sha256 == *sha256));
    assert_eq!(user.list("limit=1000").await.len(), 200);
}

async fn assert_nothing_stored(drive: &Drive, user: &User) {
    assert_eq!(user.list("").await, []);
    assert_eq!(user.info().await["used_bytes"], 0);
    assert_eq!(drive.files_in("blobs").len(), 0);
    until("no bytes are left in staging", || drive.files_in("staging").is_empty().then_some(()));
}
