//! Reading: ranges, conditions, presigned addresses, and what is not there.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::DateTime;
use bytes::Bytes;
use cairn_oss_double::OssDouble;

use crate::client::{BUCKET, refused, started};
use crate::support::{content, crc64, etag};

const SIZE: usize = 1_000_000;

async fn with_object() -> (OssDouble, Client, Bytes) {
    let (double, client) = started();
    let bytes = content(SIZE, 7);
    client.put_object().bucket(BUCKET).key("key").body(bytes.clone().into()).send().await.unwrap();
    (double, client, bytes)
}

#[tokio::test]
async fn a_bucket_is_there_or_not() {
    let (_double, client) = started();
    client.head_bucket().bucket(BUCKET).send().await.unwrap();
    let missing = client.head_bucket().bucket("missing").send().await.unwrap_err();
    assert_eq!(missing.raw_response().unwrap().status().as_u16(), 404);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let (_double, client) = started();
    assert_eq!(refused(client.get_object().bucket(BUCKET).key("key").send().await), (404, "NoSuchKey".to_owned()));
    let head = client.head_object().bucket(BUCKET).key("key").send().await.unwrap_err();
    assert!(head.as_service_error().unwrap().is_not_found(), "{head:?}");
    let elsewhere = client.get_object().bucket("elsewhere").key("key").send().await;
    assert_eq!(refused(elsewhere), (404, "NoSuchBucket".to_owned()));
}

#[tokio::test]
async fn a_range_is_part_of_the_object() {
    let (_double, client, bytes) = with_object().await;
    let ranges = [("bytes=0-0", 0..1), ("bytes=5-9", 5..10), ("bytes=400000-", 400_000..SIZE), ("bytes=-3", SIZE - 3..SIZE)];
    for (asked, expected) in ranges {
        let got = client.get_object().bucket(BUCKET).key("key").range(asked).send().await.unwrap();
        let content_range = format!("bytes {}-{}/{SIZE}", expected.start, expected.end - 1);
        assert_eq!(got.content_range(), Some(content_range.as_str()), "{asked}");
        assert_eq!(got.body.collect().await.unwrap().into_bytes(), bytes.slice(expected), "{asked}");
    }
}

#[tokio::test]
async fn a_range_that_reaches_beyond_the_end_is_ignored() {
    let (_double, client, _) = with_object().await;
    for asked in ["bytes=999999-1000000", "bytes=1000000-", "bytes=1000000-1000001", "bytes=-1000001"] {
        let got = client.get_object().bucket(BUCKET).key("key").range(asked).send().await.unwrap();
        assert_eq!((got.content_range(), got.content_length()), (None, i64::try_from(SIZE).ok()), "{asked}");
    }
}

#[tokio::test]
async fn a_client_can_ask_for_the_standard_of_ranges() {
    let (_double, client, bytes) = with_object().await;
    let get = |range: &str| {
        let get = client.get_object().bucket(BUCKET).key("key").range(range).customize();
        get.mutate_request(|request| drop(request.headers_mut().insert("x-oss-range-behavior", "standard"))).send()
    };
    let got = get("bytes=999999-2000000").await.unwrap();
    assert_eq!(got.content_range(), Some("bytes 999999-999999/1000000"));
    assert_eq!(got.body.collect().await.unwrap().into_bytes(), bytes.slice(SIZE - 1..));
    assert_eq!(refused(get("bytes=1000000-").await), (416, "InvalidRange".to_owned()));
}

#[tokio::test]
async fn conditions_hold_for_get_and_head() {
    let (_double, client, bytes) = with_object().await;
    let same = etag(&bytes);
    let (past, future) = (DateTime::from_secs(1_000_000_000), DateTime::from_secs(4_000_000_000));
    let get = || client.get_object().bucket(BUCKET).key("key");
    let head = || client.head_object().bucket(BUCKET).key("key");

    get().if_match(&same).send().await.unwrap();
    get().if_none_match("\"OTHER\"").send().await.unwrap();
    get().if_modified_since(past).send().await.unwrap();
    get().if_unmodified_since(future).send().await.unwrap();
    assert_eq!(refused(get().if_match("\"OTHER\"").send().await), (412, "PreconditionFailed".to_owned()));
    assert_eq!(refused(get().if_unmodified_since(past).send().await), (412, "PreconditionFailed".to_owned()));
    assert_eq!(refused(get().if_none_match(&same).send().await).0, 304);
    assert_eq!(refused(get().if_modified_since(future).send().await).0, 304);

    head().if_match(&same).send().await.unwrap();
    assert_eq!(refused(head().if_match("\"OTHER\"").send().await).0, 412);
    assert_eq!(refused(head().if_none_match(&same).send().await).0, 304);
}

#[tokio::test]
async fn a_presigned_address_gives_the_object_to_anybody() {
    let (double, client, bytes) = with_object().await;
    let presigning = PresigningConfig::expires_in(Duration::from_mins(1)).unwrap();
    let get = client.get_object().bucket(BUCKET).key("key").response_content_disposition("attachment; filename=\"a b.txt\"");
    let presigned = get.presigned(presigning).await.unwrap();
    assert_eq!(presigned.headers().count(), 0, "a browser needs nothing but the address");
    let browser = reqwest::Client::builder().resolve("bucket.oss.localhost", double.address()).no_proxy().build().unwrap();

    let got = browser.get(presigned.uri()).header("range", "bytes=10-19").send().await.unwrap();
    assert_eq!(got.status(), 206);
    assert_eq!(got.headers()["content-disposition"], "attachment; filename=\"a b.txt\"");
    assert_eq!(got.headers()["x-oss-hash-crc64ecma"], crc64(&bytes).to_string(), "of the whole object");
    assert_eq!(got.bytes().await.unwrap(), bytes.slice(10..20));

    let other = presigned.uri().replace("/key?", "/other?");
    let forged = browser.get(other).send().await.unwrap();
    assert_eq!(forged.status(), 403);
    assert!(forged.text().await.unwrap().contains("<Code>SignatureDoesNotMatch</Code>"));
}

#[tokio::test]
async fn who_does_not_sign_gets_nothing() {
    let (double, _client, _) = with_object().await;
    let browser = reqwest::Client::builder().resolve("bucket.oss.localhost", double.address()).no_proxy().build().unwrap();
    let anonymous = browser.get(format!("http://bucket.oss.localhost:{}/key", double.address().port())).send().await.unwrap();
    assert_eq!(anonymous.status(), 403);
    assert!(anonymous.text().await.unwrap().contains("<Code>AccessDenied</Code>"));
}
