//! Buckets for tests: on a real Ceph, and on a stand-in for Aliyun OSS.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, RequestChecksumCalculation, SharedHttpClient};
use aws_sdk_s3::{Client, Config};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns};
use bytes::Bytes;
use cairn_commands::ports::ByteStream;
use cairn_commands::ports::blobs::BlobStore;
use cairn_commands::ports::staging::{Staging, Whole};
use cairn_domain::blob::BlobKey;
use cairn_domain::upload::Part;
use cairn_domain::{Sha1, Sha256, UploadId};
use cairn_infra::s3::{Flavor, S3Blobs, S3Settings, S3Staging, S3Store};
use cairn_oss_double::OssDouble;
use cairn_servers::{CephAddress, shared};
use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::Digest;
use uuid::Uuid;

pub(super) const MIB: usize = 1024 * 1024;

/// Finds every name on this machine.
#[derive(Clone, Debug)]
struct Loopback;

impl ResolveDns for Loopback {
    fn resolve_dns<'a>(&'a self, _name: &'a str) -> DnsFuture<'a> {
        DnsFuture::ready(Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]))
    }
}

fn on_this_machine() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build_with_resolver(Loopback)
}

/// A bucket, and one process that uses it.
pub(super) struct Node {
    pub(super) store: S3Store,
    pub(super) staging: S3Staging,
    pub(super) blobs: S3Blobs,
}

impl Node {
    pub(super) async fn of(settings: &S3Settings) -> Self {
        let store = S3Store::connect(settings.clone()).await.unwrap();
        Self { staging: store.staging().await.unwrap(), blobs: store.blobs("the bucket"), store }
    }

    pub(super) async fn send(&self, upload: UploadId, content: &Bytes, part: Part, taken: Option<Sha256>) -> (Part, Sha256) {
        let bytes = range(content, part);
        let sha256 = self.staging.write_part(upload, part, body(&bytes), None, taken).await.unwrap();
        assert_eq!(sha256, sha256_of(&bytes));
        (part, sha256)
    }

    pub(super) async fn assert_blob(&self, content: &Bytes) {
        let pieces = self.blobs.read(key_of(content), 0, content.len() as u64).await.unwrap().bytes;
        let pieces: Vec<Bytes> = pieces.try_collect().await.unwrap();
        assert!(pieces.concat() == *content, "the blob has other bytes");
    }
}

/// Makes a bucket on the Ceph that all tests share.
pub(super) async fn ceph(bucket: &str) -> S3Settings {
    make_bucket(&shared::ceph().unwrap(), bucket).await
}

/// Makes a bucket on a Ceph.
pub(super) async fn make_bucket(ceph: &CephAddress, bucket: &str) -> S3Settings {
    let settings = S3Settings {
        endpoint: ceph.endpoint(),
        region: String::new(),
        bucket: bucket.to_owned(),
        access_key_id: ceph.access_key().to_owned(),
        secret_access_key: ceph.secret_key().to_owned(),
        path_style: true,
        flavor: Flavor::Ceph,
        public_endpoint: None,
        prefix: "a drive/".to_owned(),
    };
    sdk(&settings).create_bucket().bucket(bucket).send().await.unwrap();
    settings
}

/// A stand-in with a bucket.
pub(super) fn oss() -> (OssDouble, S3Settings) {
    let double = OssDouble::start().unwrap();
    double.create_bucket("bucket").unwrap();
    let settings = S3Settings {
        endpoint: double.endpoint(),
        region: "oss-cn-hangzhou".to_owned(),
        bucket: "bucket".to_owned(),
        access_key_id: double.access_key().to_owned(),
        secret_access_key: double.secret_key().to_owned(),
        path_style: false,
        flavor: Flavor::Oss,
        public_endpoint: None,
        prefix: String::new(),
    };
    (double, settings)
}

/// The plain client, to look behind the adapter's back.
pub(super) fn sdk(settings: &S3Settings) -> Client {
    let key = Credentials::new(&settings.access_key_id, &settings.secret_access_key, None, None, "test");
    let config = Config::builder().behavior_version(BehaviorVersion::latest()).region(Region::new("us-east-1"));
    let config = config.endpoint_url(&settings.endpoint).force_path_style(settings.path_style).credentials_provider(key);
    // OSS refuses what newer stores have for it.
    let config = config.request_checksum_calculation(RequestChecksumCalculation::WhenRequired);
    Client::from_conf(config.http_client(on_this_machine()).build())
}

pub(super) fn upload(number: u128) -> UploadId {
    UploadId(Uuid::from_u128(number))
}

/// Bytes that differ from place to place and from seed to seed.
pub(super) fn content(seed: u64, length: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes.into()
}

pub(super) fn plan(content: &Bytes, part_bytes: usize) -> Vec<Part> {
    let cut = |at: usize| Part { offset: at as u64, length: (content.len() - at).min(part_bytes) as u64 };
    (0..content.len()).step_by(part_bytes).map(cut).collect()
}

pub(super) fn range(content: &Bytes, part: Part) -> Bytes {
    content.slice(usize::try_from(part.offset).unwrap()..usize::try_from(part.offset + part.length).unwrap())
}

pub(super) fn body(bytes: &Bytes) -> ByteStream {
    let bytes = bytes.clone();
    let pieces = (0..bytes.len()).step_by(50_000).map(move |at| Ok(bytes.slice(at..bytes.len().min(at + 50_000))));
    stream::iter(pieces).boxed()
}

pub(super) fn key_of(bytes: &[u8]) -> BlobKey {
    BlobKey::first(sha256_of(bytes))
}

pub(super) fn sha256_of(bytes: &[u8]) -> Sha256 {
    Sha256(sha2::Sha256::digest(bytes).into())
}

pub(super) fn whole_of(bytes: &[u8]) -> Whole {
    Whole { size: bytes.len() as u64, sha256: sha256_of(bytes), sha1: Sha1(sha1::Sha1::digest(bytes).into()) }
}

/// Puts a content into the bucket.
pub(super) async fn put(node: &Node, number: u128, content: &Bytes) {
    let whole = node.staging.receive(upload(number), body(content), u64::MAX).await.unwrap();
    assert_eq!(whole, whole_of(content));
    node.staging.promote(upload(number), BlobKey::first(whole.sha256)).await.unwrap();
}

/// Everything that is shared may be shared.
pub(super) async fn nodes(settings: &S3Settings, count: usize) -> Vec<Arc<Node>> {
    let mut nodes = Vec::new();
    for _ in 0..count {
        nodes.push(Arc::new(Node::of(settings).await));
    }
    nodes
}
