//! Uploads in parts.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use cairn_oss_double::OpenUpload;
use futures_util::future::join_all;

use crate::client::{BUCKET, SeenCrc, config, refused, started};
use crate::support::{PART, content, content_md5, crc64, etag};

pub(crate) async fn create(client: &Client, key: &str) -> String {
    let created = client.create_multipart_upload().bucket(BUCKET).key(key).content_type("video/mp4").send().await.unwrap();
    created.upload_id().unwrap().to_owned()
}

pub(crate) async fn upload(client: &Client, key: &str, upload_id: &str, number: i32, bytes: Bytes) -> CompletedPart {
    let part = client.upload_part().bucket(BUCKET).key(key).upload_id(upload_id).part_number(number);
    let part = part.content_md5(content_md5(&bytes)).body(bytes.into()).send().await.unwrap();
    completed(number, part.e_tag().unwrap())
}

pub(crate) fn completed(number: i32, etag: &str) -> CompletedPart {
    CompletedPart::builder().part_number(number).e_tag(etag).build()
}

pub(crate) fn list(parts: Vec<CompletedPart>) -> CompletedMultipartUpload {
    CompletedMultipartUpload::builder().set_parts(Some(parts)).build()
}

#[tokio::test]
async fn parts_become_an_object() {
    let (double, _) = started();
    let crc = SeenCrc::default();
    let client = Client::from_conf(config(&double).interceptor(crc.clone()).build());
    let upload_id = create(&client, "key").await;
    let bytes = content(2 * PART + 1, 1);
    // Numbers may have gaps, and parts may come in any order.
    let last = upload(&client, "key", &upload_id, 9000, bytes.slice(2 * PART..)).await;
    let first = upload(&client, "key", &upload_id, 3, bytes.slice(..PART)).await;
    let second = upload(&client, "key", &upload_id, 5, bytes.slice(PART..2 * PART)).await;
    assert_eq!(crc.take(), Some(crc64(&bytes[PART..2 * PART])));
    assert_eq!(first.e_tag(), Some(etag(&bytes[..PART]).as_str()));
    let open = OpenUpload { key: "key".to_owned(), upload_id: upload_id.clone(), parts: vec![3, 5, 9000] };
    assert_eq!((double.open_multipart_uploads(BUCKET), double.objects(BUCKET)), (vec![open], vec![]));

    let complete = client.complete_multipart_upload().bucket(BUCKET).key("key").upload_id(&upload_id);
    let complete = complete.multipart_upload(list(vec![first, second, last])).send().await.unwrap();
    assert_eq!(crc.take(), Some(crc64(&bytes)));
    let whole = complete.e_tag().unwrap();
    assert!(whole.ends_with("-3\"") && whole != etag(&bytes), "no MD5: {whole}");
    let got = client.get_object().bucket(BUCKET).key("key").send().await.unwrap();
    assert_eq!((got.e_tag(), got.content_type()), (Some(whole), Some("video/mp4")));
    assert_eq!((crc.take(), got.body.collect().await.unwrap().into_bytes()), (Some(crc64(&bytes)), bytes));
    assert_eq!(double.open_multipart_uploads(BUCKET), []);
}

#[tokio::test]
async fn parts_can_be_sent_side_by_side() {
    let (double, client) = started();
    let upload_id = create(&client, "key").await;
    let bytes = content(40 * PART, 3);
    let sent = (0..40).map(|index| {
        let number = i32::try_from(index).unwrap() + 1;
        upload(&client, "key", &upload_id, number, bytes.slice(index * PART..(index + 1) * PART))
    });
    let parts = join_all(sent).await;
    let complete = client.complete_multipart_upload().bucket(BUCKET).key("key").upload_id(&upload_id);
    complete.multipart_upload(list(parts)).send().await.unwrap();
    assert_eq!(double.objects(BUCKET)[0].crc64, crc64(&bytes));
}

#[tokio::test]
async fn a_part_can_be_sent_again() {
    let (_double, client) = started();
    let upload_id = create(&client, "key").await;
    let old = upload(&client, "key", &upload_id, 1, content(10, 1)).await;
    let new = upload(&client, "key", &upload_id, 1, content(20, 2)).await;
    let complete = || client.complete_multipart_upload().bucket(BUCKET).key("key").upload_id(&upload_id);
    let with_old = complete().multipart_upload(list(vec![old])).send().await;
    assert_eq!(refused(with_old), (400, "InvalidPart".to_owned()));
    complete().multipart_upload(list(vec![new])).send().await.unwrap();
    let got = client.get_object().bucket(BUCKET).key("key").send().await.unwrap();
    assert_eq!(got.body.collect().await.unwrap().into_bytes(), content(20, 2));
}

#[tokio::test]
async fn a_part_can_be_a_copy() {
    let (_double, client) = started();
    let bytes = content(3 * PART, 4);
    client.put_object().bucket(BUCKET).key("source").body(bytes.clone().into()).send().await.unwrap();
    let upload_id = create(&client, "key").await;
    let copy = |number| {
        let copy = client.upload_part_copy().bucket(BUCKET).key("key").upload_id(&upload_id).part_number(number);
        copy.copy_source("bucket/source")
    };
    let range = format!("bytes={}-{}", PART, 2 * PART - 1);
    let first = copy(1).copy_source_range(range).send().await.unwrap();
    let second = copy(2).send().await.unwrap();
    let etags = [first, second].map(|copy| copy.copy_part_result().unwrap().e_tag().unwrap().to_owned());
    assert_eq!(etags, [etag(&bytes[PART..2 * PART]), etag(&bytes)]);
    assert_eq!(refused(copy(3).copy_source_range("bytes=999999999-").send().await).0, 416);
    let parts = vec![completed(1, &etags[0]), completed(2, &etags[1])];
    let complete = client.complete_multipart_upload().bucket(BUCKET).key("key").upload_id(&upload_id);
    complete.multipart_upload(list(parts)).send().await.unwrap();
    let got = client.get_object().bucket(BUCKET).key("key").send().await.unwrap();
    assert_eq!(got.body.collect().await.unwrap().into_bytes(), [&bytes[PART..2 * PART], &bytes[..]].concat());
}

#[tokio::test]
async fn an_aborted_upload_is_gone_with_its_parts() {
    let (double, client) = started();
    let upload_id = create(&client, "key").await;
    upload(&client, "key", &upload_id, 1, content(10, 1)).await;
    let abort = || client.abort_multipart_upload().bucket(BUCKET).key("key").upload_id(&upload_id).send();
    abort().await.unwrap();
    assert_eq!((double.open_multipart_uploads(BUCKET), double.objects(BUCKET)), (vec![], vec![]));
    assert_eq!(std::fs::read_dir(double.directory()).unwrap().count(), 0);
    assert_eq!(refused(abort().await), (404, "NoSuchUpload".to_owned()));
    let late = client.upload_part().bucket(BUCKET).key("key").upload_id(&upload_id).part_number(2).send().await;
    assert_eq!(refused(late), (404, "NoSuchUpload".to_owned()));
}

#[tokio::test]
async fn open_uploads_are_listed_in_pages() {
    let (double, client) = started();
    let mut expected = Vec::new();
    for key in ["a/1", "a/1", "a/2", "b"] {
        expected.push((key.to_owned(), create(&client, key).await));
    }
    let (mut found, mut markers) = (Vec::new(), (None, None));
    loop {
        let page = client.list_multipart_uploads().bucket(BUCKET).max_uploads(3);
        let page = page.set_key_marker(markers.0).set_upload_id_marker(markers.1).send().await.unwrap();
        let named = |text: Option<&str>| text.unwrap().to_owned();
        found.extend(page.uploads().iter().map(|upload| (named(upload.key()), named(upload.upload_id()))));
        if page.is_truncated() != Some(true) {
            break;
        }
        markers = (page.next_key_marker, page.next_upload_id_marker);
    }
    assert_eq!(found, expected);
    let below = client.list_multipart_uploads().bucket(BUCKET).prefix("a/2").send().await.unwrap();
    assert_eq!(below.uploads()[0].upload_id(), Some(expected[2].1.as_str()));
    let began = below.uploads()[0].initiated().unwrap().secs();
    assert_eq!(below.uploads().len(), 1);
    double.age_multipart_uploads(BUCKET, Duration::from_secs(1_000));
    let below = client.list_multipart_uploads().bucket(BUCKET).prefix("a/2").send().await.unwrap();
    assert_eq!(below.uploads()[0].initiated().unwrap().secs(), began - 1_000);
}

#[tokio::test]
async fn parts_are_listed_in_pages() {
    let (_double, client) = started();
    let upload_id = create(&client, "key").await;
    for number in [1, 2, 7] {
        upload(&client, "key", &upload_id, number, content(10, 1)).await;
    }
    let list = client.list_parts().bucket(BUCKET).key("key").upload_id(&upload_id).max_parts(2);
    let mut pages = list.into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        assert!(page.parts().iter().all(|part| part.size() == Some(10)));
        found.extend(page.parts().iter().map(|part| (part.part_number().unwrap(), part.e_tag().unwrap().to_owned())));
    }
    let etag = etag(&content(10, 1));
    assert_eq!(found, [1, 2, 7].map(|number| (number, etag.clone())));
}
