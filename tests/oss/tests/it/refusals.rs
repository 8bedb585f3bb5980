//! What S3 or Ceph would take, and OSS does not.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use cairn_oss_double::Operation;

use crate::client::{BUCKET, config, credentials, default_config, refused, started};
use crate::multipart::{completed, create, list, upload};
use crate::streaming;
use crate::support::{PART, content, content_md5};

/// What the SDK does if nobody tells it that this is not S3: checksums of S3, as header or as trailer of chunks.
#[tokio::test]
async fn a_client_in_its_default_configuration_is_refused() {
    let (double, _) = started();
    let client = Client::from_conf(default_config(&double).retry_config(RetryConfig::disabled()).build());
    let invalid = (400, "InvalidArgument".to_owned());
    let put = client.put_object().bucket(BUCKET).key("key").body(content(10, 1).into()).send().await;
    assert_eq!(refused(put), invalid);
    let streamed = client.put_object().bucket(BUCKET).key("key").content_length(10);
    assert_eq!(refused(streamed.body(streaming::body(&content(10, 1), 1)).send().await), invalid);
    let upload_id = create(&client, "key").await;
    let part = client.upload_part().bucket(BUCKET).key("key").upload_id(upload_id).part_number(1);
    assert_eq!(refused(part.body(content(10, 1).into()).send().await), invalid);
    assert_eq!(double.objects(BUCKET), []);
}

/// By the head alone, so that a signature is not even looked at. The SDK would not send all of these.
#[tokio::test]
async fn chunks_trailers_and_checksums_of_s3_are_refused() {
    let (double, _) = started();
    let browser = reqwest::Client::builder().resolve("bucket.oss.localhost", double.address()).no_proxy().build().unwrap();
    let url = format!("http://bucket.oss.localhost:{}/key", double.address().port());
    let refusals = [
        ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        ("content-encoding", "gzip, aws-chunked"),
        ("x-amz-trailer", "x-amz-checksum-crc32"),
        ("x-amz-sdk-checksum-algorithm", "CRC32"),
    ];
    for (name, value) in refusals {
        let put = browser.put(&url).header(name, value).body(content(10, 1)).send().await.unwrap();
        assert_eq!(put.status(), 400, "{name}: {value}");
        assert!(put.text().await.unwrap().contains("<Code>InvalidArgument</Code>"), "{name}: {value}");
    }
    assert_eq!(double.objects(BUCKET), []);
    assert_eq!(double.requests(Operation::PutObject), refusals.len());
}

#[tokio::test]
async fn only_who_knows_the_secret_is_served() {
    let (double, client) = started();
    let head = |access_key: &str, secret_key: &str| {
        let config = config(&double).credentials_provider(credentials(access_key, secret_key)).build();
        Client::from_conf(config).list_objects_v2().bucket(BUCKET).send()
    };
    assert_eq!(refused(head("somebody", double.secret_key()).await), (403, "InvalidAccessKeyId".to_owned()));
    assert_eq!(refused(head(double.access_key(), "guessed").await), (403, "SignatureDoesNotMatch".to_owned()));
    client.list_objects_v2().bucket(BUCKET).send().await.unwrap();
}

#[tokio::test]
async fn a_wrong_content_md5_is_an_invalid_digest() {
    let (double, client) = started();
    let invalid = (400, "InvalidDigest".to_owned());
    let put = client.put_object().bucket(BUCKET).key("key").content_md5(content_md5(b"other"));
    assert_eq!(refused(put.body(content(10, 1).into()).send().await), invalid);
    let upload_id = create(&client, "key").await;
    let part = client.upload_part().bucket(BUCKET).key("key").upload_id(upload_id).part_number(1);
    let part = part.content_md5(content_md5(b"other")).body(content(10, 1).into()).send().await;
    assert_eq!(refused(part), invalid);
    assert_eq!(double.open_multipart_uploads(BUCKET)[0].parts, [0; 0]);
    assert_eq!(std::fs::read_dir(double.directory()).unwrap().count(), 0, "what was refused is not kept");
}

/// The SDK sends no Content-MD5 by itself, only a checksum of S3 that OSS does not look at.
#[tokio::test]
async fn many_are_not_deleted_without_the_right_content_md5() {
    let (double, client) = started();
    client.put_object().bucket(BUCKET).key("key").send().await.unwrap();
    let object = ObjectIdentifier::builder().key("key").build().unwrap();
    let delete = || client.delete_objects().bucket(BUCKET).delete(Delete::builder().objects(object.clone()).build().unwrap());
    assert_eq!(refused(delete().send().await), (400, "MissingArgument".to_owned()));
    let wrong = delete().customize();
    let wrong = wrong.mutate_request(|request| drop(request.headers_mut().insert("content-md5", content_md5(b"other"))));
    assert_eq!(refused(wrong.send().await), (400, "InvalidDigest".to_owned()));
    assert_eq!(double.objects(BUCKET).len(), 1);
}

#[tokio::test]
async fn a_condition_for_writing_is_not_implemented() {
    let (double, client) = started();
    let put = || client.put_object().bucket(BUCKET).key("key");
    let not_implemented = (501, "NotImplemented".to_owned());
    assert_eq!(refused(put().if_none_match("*").send().await), not_implemented);
    assert_eq!(refused(put().if_match("\"ETAG\"").send().await), not_implemented);
    assert_eq!(double.objects(BUCKET), []);
}

#[tokio::test]
async fn a_key_begins_with_something_else_than_a_slash_and_is_not_too_long() {
    let (double, client) = started();
    for key in ["/key", "\\key", &"k".repeat(1024)] {
        let put = client.put_object().bucket(BUCKET).key(key).send().await;
        assert_eq!(refused(put), (400, "InvalidObjectName".to_owned()), "{key}");
    }
    client.put_object().bucket(BUCKET).key("k".repeat(1023)).send().await.unwrap();
    assert_eq!(double.objects(BUCKET).len(), 1);
}

#[tokio::test]
async fn an_upload_with_a_small_part_is_not_joined() {
    let (double, client) = started();
    let upload_id = create(&client, "key").await;
    let small = upload(&client, "key", &upload_id, 1, content(PART - 1, 1)).await;
    let last = upload(&client, "key", &upload_id, 2, content(1, 2)).await;
    let complete = || client.complete_multipart_upload().bucket(BUCKET).key("key").upload_id(&upload_id);
    let all = complete().multipart_upload(list(vec![small.clone(), last])).send().await;
    assert_eq!(refused(all), (400, "EntityTooSmall".to_owned()));
    assert_eq!(double.open_multipart_uploads(BUCKET).len(), 1, "it can still be mended");
    complete().multipart_upload(list(vec![small])).send().await.unwrap();
}

#[tokio::test]
async fn a_list_of_parts_is_in_order_and_true() {
    let (double, client) = started();
    let upload_id = create(&client, "key").await;
    let first = upload(&client, "key", &upload_id, 1, content(PART, 1)).await;
    let second = upload(&client, "key", &upload_id, 2, content(PART, 2)).await;
    let wrong = completed(2, first.e_tag().unwrap());
    let missing = completed(3, first.e_tag().unwrap());
    let lists = [
        (vec![second.clone(), first.clone()], "InvalidPartOrder"),
        (vec![first.clone(), first.clone()], "InvalidPartOrder"),
        (vec![first.clone(), wrong], "InvalidPart"),
        (vec![first.clone(), missing], "InvalidPart"),
        (vec![], "MalformedXML"),
    ];
    for (parts, code) in lists {
        let complete = client.complete_multipart_upload().bucket(BUCKET).key("key").upload_id(&upload_id);
        assert_eq!(refused(complete.multipart_upload(list(parts)).send().await), (400, code.to_owned()));
    }
    let other = client.complete_multipart_upload().bucket(BUCKET).key("other").upload_id(&upload_id);
    assert_eq!(refused(other.multipart_upload(list(vec![first])).send().await), (404, "NoSuchUpload".to_owned()));
    assert_eq!(double.objects(BUCKET), []);
}

#[tokio::test]
async fn there_are_ten_thousand_parts_at_most() {
    let (_double, client) = started();
    let upload_id = create(&client, "key").await;
    upload(&client, "key", &upload_id, 10_000, content(1, 1)).await;
    for number in [0, 10_001] {
        let part = client.upload_part().bucket(BUCKET).key("key").upload_id(&upload_id).part_number(number);
        let part = part.body(content(1, 1).into()).send().await;
        assert_eq!(refused(part), (400, "InvalidArgument".to_owned()), "{number}");
    }
}

#[tokio::test]
async fn an_unknown_bucket_is_refused_for_writing() {
    let (_double, client) = started();
    let missing = (404, "NoSuchBucket".to_owned());
    // Large enough that the answer comes long before the last byte has left.
    let put = client.put_object().bucket("elsewhere").key("key").body(content(8_000_000, 1).into()).send().await;
    assert_eq!(refused(put), missing);
    let create = client.create_multipart_upload().bucket("elsewhere").key("key").send().await;
    assert!(!matches!(&create, Err(SdkError::DispatchFailure(_))));
    assert_eq!(refused(create), missing);
    assert_eq!(refused(client.delete_object().bucket("elsewhere").key("key").send().await), missing);
}
