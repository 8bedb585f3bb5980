use bytes::Bytes;
use cairn_commands::ports::blobs::{BlobError, BlobStore, contract};
use cairn_infra::s3::{OpenError, S3Settings, S3Store};
use cairn_oss_double::{Fault, Operation};
use cairn_servers::{ChaosProxy, shared};
use futures_util::TryStreamExt;

use super::s3_stores::{MIB, Node, ceph, content, key_of, oss, put, sha256_of};
use crate::harness::until_async;

async fn passes_the_contract(settings: &S3Settings) {
    let node = Node::of(settings).await;
    put(&node, 1, &contract::content()).await;
    put(&node, 2, &Bytes::new()).await;
    contract::suite(&node.blobs).await;
    node.store.reachable().await.unwrap();
}

#[tokio::test]
async fn blobs_in_ceph_pass_the_contract() {
    passes_the_contract(&ceph("blobs-contract").await).await;
}

#[tokio::test]
async fn blobs_in_oss_pass_the_contract() {
    let (_double, settings) = oss();
    passes_the_contract(&settings).await;
}

async fn refusal(change: impl FnOnce(&mut S3Settings), mut settings: S3Settings) -> OpenError {
    change(&mut settings);
    let Err(error) = S3Store::connect(settings).await else { panic!("it opened") };
    let said = format!("{error} {error:?}");
    assert!(!said.contains("testsecret123") && !said.contains("cairn-oss-double-secret"), "{said}");
    error
}

#[tokio::test]
async fn what_is_wrong_with_a_store_is_one_clear_sentence() {
    let (_double, on_oss) = oss();
    for settings in [ceph("blobs-opening").await, on_oss] {
        let error = refusal(|settings| "no-such-bucket".clone_into(&mut settings.bucket), settings.clone()).await;
        assert!(matches!(error, OpenError::NoBucket { .. }), "{error:?}");
        let error = refusal(|settings| "wrong-secret".clone_into(&mut settings.secret_access_key), settings.clone()).await;
        assert!(matches!(error, OpenError::Credentials { .. }), "{error:?}");
        let error = refusal(|settings| "nobody".clone_into(&mut settings.access_key_id), settings.clone()).await;
        assert!(matches!(error, OpenError::Credentials { .. }), "{error:?}");
        let error = refusal(|settings| "http://127.0.0.1:1".clone_into(&mut settings.endpoint), settings.clone()).await;
        assert!(matches!(error, OpenError::Unreachable { .. }), "{error:?}");
        let error = refusal(|settings| "somewhere".clone_into(&mut settings.endpoint), settings.clone()).await;
        assert!(matches!(error, OpenError::Settings(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_store_that_is_away_can_be_used_once_it_is_back() {
    let mut settings = ceph("blobs-away").await;
    let proxy = ChaosProxy::start(shared::ceph().unwrap().socket_address()).unwrap();
    settings.endpoint = format!("http://{}", proxy.address());
    let (_, away) = S3Store::connect_if_there(settings.clone()).await.unwrap();
    assert!(away.is_none(), "{away:?}");
    proxy.refuse();
    let (store, away) = S3Store::connect_if_there(settings.clone()).await.unwrap();
    assert!(matches!(away, Some(OpenError::Unreachable { .. })), "{away:?}");
    assert!(store.reachable().await.is_err());
    proxy.pass();
    until_async("the store works", async || store.reachable().await.ok()).await;
    "wrong-secret".clone_into(&mut settings.secret_access_key);
    let wrong = S3Store::connect_if_there(settings).await.err();
    assert!(matches!(wrong, Some(OpenError::Credentials { .. })), "{wrong:?}");
}

#[tokio::test]
async fn an_address_lets_anybody_read_one_blob_for_a_while() {
    let node = Node::of(&ceph("blobs-presigned").await).await;
    let bytes = content(1, 100_000);
    put(&node, 1, &bytes).await;
    let disposition = "attachment; filename=\"a b.txt\"";
    let address = node.store.presign_get(key_of(&bytes), 60, Some(disposition), Some("text/plain")).await.unwrap();
    let answer = reqwest::get(&address).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-disposition"], disposition);
    assert_eq!(answer.headers()["content-type"], "text/plain");
    assert!(answer.bytes().await.unwrap() == bytes);

    let altered = reqwest::get(address.replace(&sha256_of(&bytes).to_string(), &sha256_of(b"other").to_string())).await.unwrap();
    assert_eq!(altered.status(), 403);
}

/// A download that breaks off or that the store has damaged fails; it never looks like the end.
#[tokio::test]
async fn what_does_not_come_whole_fails() {
    let (double, settings) = oss();
    let node = Node::of(&settings).await;
    let bytes = content(1, 3 * MIB);
    put(&node, 1, &bytes).await;
    let key = key_of(&bytes);

    double.inject(Operation::GetObject, Fault::CutAnswer, 1);
    let pieces = node.blobs.read(key, 0, bytes.len() as u64).await.unwrap().bytes;
    let broken: Result<Vec<Bytes>, _> = pieces.try_collect().await;
    broken.unwrap_err();

    double.inject(Operation::GetObject, Fault::InternalError, 1);
    node.assert_blob(&bytes).await;
    double.inject(Operation::GetObject, Fault::SlowDown, 10);
    assert!(matches!(node.blobs.read(key, 0, 10).await.err(), Some(BlobError::Unavailable(_))));
    double.clear_faults();

    double.corrupt("bucket", &node.blobs.address(key)).unwrap();
    let pieces = node.blobs.read(key, 0, bytes.len() as u64).await.unwrap().bytes;
    let damaged: Result<Vec<Bytes>, _> = pieces.try_collect().await;
    assert_eq!(damaged.unwrap_err().kind(), std::io::ErrorKind::InvalidData);
}
