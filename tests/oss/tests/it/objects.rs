//! Putting, copying and deleting objects.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{Delete, MetadataDirective, ObjectIdentifier};
use bytes::Bytes;
use cairn_oss_double::OssDouble;

use crate::client::{BUCKET, SeenCrc, config, refused, started};
use crate::support::{content, content_md5, crc64, etag};

async fn put(client: &Client, key: &str, bytes: &Bytes) {
    client.put_object().bucket(BUCKET).key(key).body(bytes.clone().into()).send().await.unwrap();
}

async fn get(client: &Client, key: &str) -> Bytes {
    client.get_object().bucket(BUCKET).key(key).send().await.unwrap().body.collect().await.unwrap().into_bytes()
}

fn keys(double: &OssDouble) -> Vec<String> {
    double.objects(BUCKET).into_iter().map(|object| object.key).collect()
}

#[tokio::test]
async fn an_object_comes_back_with_all_that_was_said_about_it() {
    let (double, _) = started();
    let crc = SeenCrc::default();
    let client = Client::from_conf(config(&double).interceptor(crc.clone()).build());
    let bytes = content(300_000, 1);
    let put = client.put_object().bucket(BUCKET).key("key").content_type("image/png").metadata("owner", "somebody");
    let put = put.cache_control("no-store").content_disposition("attachment").content_md5(content_md5(&bytes));
    let put = put.body(bytes.clone().into()).send().await.unwrap();
    assert_eq!((put.e_tag(), crc.take()), (Some(etag(&bytes).as_str()), Some(crc64(&bytes))));

    let got = client.get_object().bucket(BUCKET).key("key").send().await.unwrap();
    assert_eq!((got.content_type(), got.cache_control()), (Some("image/png"), Some("no-store")));
    assert_eq!(got.metadata().unwrap()["owner"], "somebody");
    assert_eq!((got.content_length(), crc.take()), (Some(300_000), Some(crc64(&bytes))));
    assert_eq!(got.body.collect().await.unwrap().into_bytes(), bytes);

    let head = client.head_object().bucket(BUCKET).key("key").send().await.unwrap();
    assert_eq!((head.content_length(), head.content_type()), (Some(300_000), Some("image/png")));
    assert_eq!((head.e_tag(), head.content_disposition()), (Some(etag(&bytes).as_str()), Some("attachment")));
    assert_eq!(crc.take(), Some(crc64(&bytes)));
}

#[tokio::test]
async fn an_empty_object_is_one() {
    let (_double, client) = started();
    put(&client, "empty", &Bytes::new()).await;
    assert_eq!(get(&client, "empty").await, Bytes::new());
    let head = client.head_object().bucket(BUCKET).key("empty").send().await.unwrap();
    assert_eq!(head.content_length(), Some(0));
}

#[tokio::test]
async fn keys_can_be_anything_that_oss_takes() {
    let (double, client) = started();
    let mut all = ["a b", "a+b", "a%20b", "ä/ö/☃", "a//b", "a/../b", "?&=#", "a'(b)*!~", "tail/"];
    for key in all {
        let bytes = Bytes::from(key.to_owned());
        put(&client, key, &bytes).await;
        assert_eq!(get(&client, key).await, bytes);
    }
    all.sort_unstable();
    assert_eq!(keys(&double), all);
}

#[tokio::test]
async fn a_second_put_replaces_the_first() {
    let (double, client) = started();
    put(&client, "key", &content(10, 1)).await;
    put(&client, "key", &content(20, 2)).await;
    assert_eq!(get(&client, "key").await, content(20, 2));
    assert_eq!(std::fs::read_dir(double.directory()).unwrap().count(), 1, "the first content is gone");
}

#[tokio::test]
async fn only_oss_has_a_put_that_does_not_overwrite() {
    let (_double, client) = started();
    let put = |seed| {
        let put = client.put_object().bucket(BUCKET).key("key").body(content(10, seed).into()).customize();
        put.mutate_request(|request| drop(request.headers_mut().insert("x-oss-forbid-overwrite", "true"))).send()
    };
    put(1).await.unwrap();
    assert_eq!(refused(put(2).await), (409, "FileAlreadyExists".to_owned()));
    assert_eq!(get(&client, "key").await, content(10, 1));
}

#[tokio::test]
async fn a_copy_is_a_new_object_with_the_old_description() {
    let (double, client) = started();
    let bytes = content(300_000, 3);
    client.put_object().bucket(BUCKET).key("a b").content_type("text/css").body(bytes.clone().into()).send().await.unwrap();
    let copy = client.copy_object().bucket(BUCKET).key("kept").copy_source("bucket/a%20b").send().await.unwrap();
    assert_eq!(copy.copy_object_result().unwrap().e_tag(), Some(etag(&bytes).as_str()));
    let replaced = client.copy_object().bucket(BUCKET).key("replaced").copy_source("bucket/a%20b").content_type("text/html");
    replaced.metadata_directive(MetadataDirective::Replace).send().await.unwrap();

    double.corrupt(BUCKET, "a b").unwrap();
    assert_eq!(get(&client, "kept").await, bytes);
    for (key, content_type) in [("kept", "text/css"), ("replaced", "text/html")] {
        let head = client.head_object().bucket(BUCKET).key(key).send().await.unwrap();
        assert_eq!(head.content_type(), Some(content_type));
    }
}

#[tokio::test]
async fn a_copy_has_conditions_and_needs_its_source() {
    let (_double, client) = started();
    put(&client, "source", &content(10, 1)).await;
    let copy = |source: &str| client.copy_object().bucket(BUCKET).key("copy").copy_source(source);
    let failed = (412, "PreconditionFailed".to_owned());
    assert_eq!(refused(copy("bucket/source").copy_source_if_match("\"OTHER\"").send().await), failed);
    let same = etag(&content(10, 1));
    assert_eq!(refused(copy("bucket/source").copy_source_if_none_match(&same).send().await), failed);
    copy("bucket/source").copy_source_if_match(same).send().await.unwrap();
    assert_eq!(refused(copy("bucket/missing").send().await), (404, "NoSuchKey".to_owned()));
    assert_eq!(refused(copy("elsewhere/source").send().await), (404, "NoSuchBucket".to_owned()));
}

#[tokio::test]
async fn deleting_what_is_gone_is_no_error() {
    let (double, client) = started();
    put(&client, "key", &content(10, 1)).await;
    for _ in 0..2 {
        client.delete_object().bucket(BUCKET).key("key").send().await.unwrap();
    }
    assert_eq!(keys(&double), [""; 0]);
    assert_eq!(std::fs::read_dir(double.directory()).unwrap().count(), 0);
}

/// The SDK cannot be told to send a Content-MD5 here, so that it is added before signing.
#[tokio::test]
async fn many_are_deleted_at_once_with_a_content_md5() {
    let (double, client) = started();
    for key in ["a", "b & <c>", "d"] {
        put(&client, key, &content(10, 1)).await;
    }
    let object = |key: &str| ObjectIdentifier::builder().key(key).build().unwrap();
    let objects = ["a", "b & <c>", "missing"].map(object).to_vec();
    let delete = Delete::builder().set_objects(Some(objects)).build().unwrap();
    let deleted = client.delete_objects().bucket(BUCKET).delete(delete).customize();
    let deleted = deleted.mutate_request(|request| {
        let md5 = content_md5(request.body().bytes().unwrap());
        request.headers_mut().insert("content-md5", md5);
    });
    let deleted = deleted.send().await.unwrap();
    assert_eq!(deleted.deleted().len(), 3, "what was missing is deleted, too");
    assert_eq!(keys(&double), ["d"]);
}
