//! Starting, looking in, and stopping.

use std::net::TcpStream;

use cairn_oss_double::{Operation, OssDouble, StoredObject};

use crate::client::{BUCKET, started};
use crate::support::{content, crc64};

#[test]
fn it_needs_no_runtime_and_leaves_nothing() {
    let double = OssDouble::start().unwrap();
    let (directory, address) = (double.directory().to_owned(), double.address());
    assert!(directory.is_dir() && TcpStream::connect(address).is_ok());
    drop(double);
    assert!(!directory.exists() && TcpStream::connect(address).is_err());
}

#[tokio::test]
async fn two_share_nothing() {
    let ((first, client), (second, _)) = (started(), started());
    client.put_object().bucket(BUCKET).key("key").send().await.unwrap();
    assert_eq!((first.objects(BUCKET).len(), second.objects(BUCKET).len()), (1, 0));
}

#[tokio::test]
async fn tests_see_what_is_stored_and_how_often_it_was_asked_for() {
    let (double, client) = started();
    let bytes = content(1000, 1);
    let put = client.put_object().bucket(BUCKET).key("key").body(bytes.clone().into()).send().await.unwrap();
    let etag = put.e_tag().unwrap().trim_matches('"').to_owned();
    assert_eq!(double.objects(BUCKET), [StoredObject { key: "key".to_owned(), size: 1000, etag, crc64: crc64(&bytes) }]);
    assert_eq!(double.requests(Operation::PutObject), 1);
    assert_eq!(double.requests(Operation::GetObject), 0);
    assert_eq!(double.objects("no-such-bucket"), []);
}

#[test]
fn a_bucket_has_a_name_of_oss() {
    let double = OssDouble::start().unwrap();
    for name in ["ab", "Upper", "under_score", "-edge", "edge-", "dot.ted"] {
        assert!(double.create_bucket(name).is_err(), "{name}");
    }
    double.create_bucket("cairn-2").unwrap();
}

#[tokio::test]
async fn a_stored_object_can_rot() {
    let (double, client) = started();
    let bytes = content(999, 2);
    client.put_object().bucket(BUCKET).key("key").body(bytes.clone().into()).send().await.unwrap();
    let before = double.objects(BUCKET);
    double.corrupt(BUCKET, "key").unwrap();
    let got = client.get_object().bucket(BUCKET).key("key").send().await.unwrap().body.collect().await.unwrap().to_vec();
    let different: Vec<usize> = (0..bytes.len()).filter(|at| got[*at] != bytes[*at]).collect();
    assert_eq!(different, [499]);
    assert_eq!(double.objects(BUCKET), before, "the disk does not know what it lost");
    assert!(double.corrupt(BUCKET, "missing").is_err());
}
