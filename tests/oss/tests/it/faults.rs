//! Faults that tests ask for.

use std::convert::Infallible;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use bytes::Bytes;
use cairn_oss_double::{Fault, Operation, OssDouble};
use futures_util::{StreamExt as _, stream};
use http_body::Frame;
use http_body_util::StreamBody;

use crate::client::{BUCKET, config, refused, started};
use crate::multipart::{create, list, upload};
use crate::support::{content, until};

const SIZE: usize = 3_000_000;

async fn with_object() -> (OssDouble, Client, Bytes) {
    let (double, client) = started();
    let bytes = content(SIZE, 7);
    client.put_object().bucket(BUCKET).key("key").body(bytes.clone().into()).send().await.unwrap();
    (double, client, bytes)
}

#[tokio::test]
async fn so_many_requests_fail_and_the_next_does_not() {
    let (double, client) = started();
    double.inject(Operation::PutObject, Fault::InternalError, 1);
    double.inject(Operation::PutObject, Fault::SlowDown, 2);
    let put = || client.put_object().bucket(BUCKET).key("key").body(content(SIZE, 1).into()).send();
    assert_eq!(refused(put().await), (500, "InternalError".to_owned()));
    for _ in 0..2 {
        assert_eq!(refused(put().await), (503, "SlowDown".to_owned()));
    }
    assert_eq!(double.objects(BUCKET), []);
    client.list_objects_v2().bucket(BUCKET).send().await.unwrap();
    put().await.unwrap();
    assert_eq!((double.requests(Operation::PutObject), double.objects(BUCKET).len()), (4, 1));
}

#[tokio::test]
async fn a_client_that_tries_again_gets_over_them() {
    let (double, _) = started();
    let retries = RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(1));
    let client = Client::from_conf(config(&double).retry_config(retries).build());
    double.inject(Operation::PutObject, Fault::SlowDown, 1);
    double.inject(Operation::PutObject, Fault::LoseAnswer, 1);
    client.put_object().bucket(BUCKET).key("key").body(content(10, 1).into()).send().await.unwrap();
    assert_eq!(double.requests(Operation::PutObject), 3);
}

#[tokio::test]
async fn faults_can_be_forgotten() {
    let (double, client) = started();
    double.inject(Operation::HeadBucket, Fault::SlowDown, 100);
    double.clear_faults();
    client.head_bucket().bucket(BUCKET).send().await.unwrap();
}

#[tokio::test]
async fn a_request_hangs_until_it_is_released() {
    let (double, client, bytes) = with_object().await;
    double.inject(Operation::GetObject, Fault::Hang, 2);
    let get = || tokio::spawn(client.get_object().bucket(BUCKET).key("key").send());
    let (first, second) = (get(), get());
    until("both hang", || double.hanging() == 2).await;
    client.head_object().bucket(BUCKET).key("key").send().await.expect("others are served");
    assert!(!first.is_finished() && !second.is_finished());
    double.release();
    for get in [first, second] {
        assert_eq!(get.await.unwrap().unwrap().body.collect().await.unwrap().into_bytes(), bytes);
    }
    assert_eq!(double.hanging(), 0);
}

#[tokio::test]
async fn a_client_that_hangs_too_long_gives_up_and_nothing_was_done() {
    let (double, _) = started();
    let timeout = TimeoutConfig::builder().operation_timeout(Duration::from_millis(200)).build();
    let client = Client::from_conf(config(&double).timeout_config(timeout).build());
    double.inject(Operation::PutObject, Fault::Hang, 1);
    let put = client.put_object().bucket(BUCKET).key("key").body(content(10, 1).into()).send().await;
    assert!(matches!(put, Err(SdkError::TimeoutError(_))), "{put:?}");
    assert_eq!(double.objects(BUCKET), []);
}

#[tokio::test]
async fn one_that_hangs_does_not_keep_the_stand_in_from_ending() {
    let (double, client) = started();
    double.inject(Operation::HeadBucket, Fault::Hang, 1);
    let head = tokio::spawn(client.head_bucket().bucket(BUCKET).send());
    until("it hangs", || double.hanging() == 1).await;
    drop(double);
    assert!(matches!(head.await.unwrap(), Err(SdkError::DispatchFailure(_))));
}

#[tokio::test]
async fn an_upload_that_is_cut_stores_nothing() {
    let (double, client) = started();
    let upload_id = create(&client, "parts").await;
    double.inject(Operation::PutObject, Fault::CutRequest, 1);
    double.inject(Operation::UploadPart, Fault::CutRequest, 1);
    let put = client.put_object().bucket(BUCKET).key("key").body(content(SIZE, 1).into()).send().await;
    assert!(matches!(put, Err(SdkError::DispatchFailure(_))), "{put:?}");
    let part = client.upload_part().bucket(BUCKET).key("parts").upload_id(upload_id).part_number(1);
    let part = part.body(content(SIZE, 1).into()).send().await;
    assert!(matches!(part, Err(SdkError::DispatchFailure(_))), "{part:?}");
    assert_eq!((double.objects(BUCKET), double.open_multipart_uploads(BUCKET)[0].parts.len()), (vec![], 0));
}

/// Not a fault of the stand-in: the client itself leaves in the middle of its body.
#[tokio::test]
async fn a_client_that_leaves_in_the_middle_leaves_nothing() {
    let (double, client) = started();
    let files = || std::fs::read_dir(double.directory()).unwrap().count();
    let half = stream::iter([Ok::<_, Infallible>(Frame::data(content(SIZE, 1)))]).chain(stream::pending());
    let body = ByteStream::new(SdkBody::from_body_1_x(StreamBody::new(half)));
    let length = i64::try_from(2 * SIZE).unwrap();
    let put = client.put_object().bucket(BUCKET).key("key").content_length(length).body(body);
    let put = tokio::spawn(put.send());
    until("it is being written", || files() == 1).await;
    put.abort();
    until("it is removed", || files() == 0).await;
    assert_eq!(double.objects(BUCKET), []);
}

#[tokio::test]
async fn a_download_that_is_cut_ends_with_an_error_after_its_half() {
    let (double, client, bytes) = with_object().await;
    double.inject(Operation::GetObject, Fault::CutAnswer, 1);
    let mut got = client.get_object().bucket(BUCKET).key("key").send().await.unwrap();
    assert_eq!(got.content_length(), Some(i64::try_from(SIZE).unwrap()));
    let mut received = Vec::new();
    let error = loop {
        match got.body.try_next().await {
            Ok(Some(chunk)) => received.extend_from_slice(&chunk),
            Ok(None) => panic!("the half was taken for the whole"),
            Err(error) => break error,
        }
    };
    assert_eq!(received, bytes[..SIZE / 2], "{error}");
}

#[tokio::test]
async fn an_answer_without_body_that_is_cut_is_lost() {
    let (double, client, _) = with_object().await;
    double.inject(Operation::HeadObject, Fault::CutAnswer, 1);
    double.inject(Operation::DeleteObject, Fault::CutAnswer, 1);
    let head = client.head_object().bucket(BUCKET).key("key").send().await;
    assert!(matches!(head, Err(SdkError::DispatchFailure(_))), "{head:?}");
    let delete = client.delete_object().bucket(BUCKET).key("key").send().await;
    assert!(matches!(delete, Err(SdkError::DispatchFailure(_))), "{delete:?}");
    assert_eq!(double.objects(BUCKET), []);
}

#[tokio::test]
async fn what_was_done_stays_done_when_the_answer_is_lost() {
    let (double, client) = started();
    let upload_id = create(&client, "key").await;
    let part = upload(&client, "key", &upload_id, 1, content(SIZE, 1)).await;
    double.inject(Operation::CompleteMultipartUpload, Fault::LoseAnswer, 1);
    let complete = || {
        let complete = client.complete_multipart_upload().bucket(BUCKET).key("key").upload_id(&upload_id);
        complete.multipart_upload(list(vec![part.clone()])).send()
    };
    let lost = complete().await;
    assert!(matches!(lost, Err(SdkError::DispatchFailure(_))), "{lost:?}");
    assert_eq!(double.objects(BUCKET).len(), 1);
    assert_eq!(refused(complete().await), (404, "NoSuchUpload".to_owned()), "what it was is not remembered");
}
