//! How much of an object store's speed is left: uploads and downloads through the adapter and through the bare SDK, in turns within one
//! run, on one private Ceph.
//!
//! `cargo bench --workspace --bench s3` prints the rates and their ratios.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and stops at the first surprise")]

use std::time::Instant;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use aws_sdk_s3::{Client, Config};
use bytes::Bytes;
use cairn_commands::ports::ByteStream;
use cairn_commands::ports::blobs::BlobStore;
use cairn_commands::ports::staging::Staging;
use cairn_domain::blob::BlobKey;
use cairn_domain::upload::Part;
use cairn_domain::{Sha256, UploadId};
use cairn_infra::s3::{Flavor, S3Blobs, S3Settings, S3Staging, S3Store};
use cairn_servers::Ceph;
use futures_util::{StreamExt, stream};
use sha2::Digest;
use uuid::Uuid;

const MIB: usize = 1024 * 1024;
const PART: usize = 8 * MIB;

/// Parts on their way at once, for both.
const AT_ONCE: usize = 2;

/// The same for a copy from another store.
const COPYING_AT_ONCE: usize = 4;

fn main() {
    // A test run only asks whether the benchmark works.
    let full = std::env::args().any(|argument| argument == "--bench");
    let (rounds, length, copied) = if full { (5, 128 * MIB, 256 * MIB) } else { (1, 9 * MIB, 18 * MIB) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(compare(rounds, length, copied));
}

struct Scene {
    client: Client,
    staging: S3Staging,
    blobs: S3Blobs,
}

async fn compare(rounds: u64, length: usize, copied: usize) {
    let ceph = Ceph::start().unwrap();
    let settings = S3Settings {
        endpoint: ceph.endpoint(),
        region: String::new(),
        bucket: "bench".to_owned(),
        access_key_id: ceph.access_key().to_owned(),
        secret_access_key: ceph.secret_key().to_owned(),
        path_style: true,
        flavor: Flavor::Ceph,
        public_endpoint: None,
        prefix: String::new(),
    };
    let client = sdk(&settings);
    client.create_bucket().bucket("bench").send().await.unwrap();
    let store = S3Store::connect(settings).await.unwrap();
    let scene = Scene { client, staging: store.staging().await.unwrap(), blobs: store.blobs("bench") };
    let mut measured = Vec::new();
    for round in 0..=rounds {
        let bytes = noise(round + 1, length);
        let plain_up = scene.plain_upload(round, &bytes, AT_ONCE).await;
        let whole_up = scene.upload_whole(round, &noise(round + 1001, length)).await;
        let parts_up = scene.upload_parts(round, &bytes).await;
        let plain_down = scene.plain_download(round, length).await;
        let down = scene.download(&bytes).await;
        let bytes = noise(round + 2001, copied);
        let plain_copy = scene.plain_upload(u64::MAX, &bytes, COPYING_AT_ONCE).await;
        let copy = scene.copy(&bytes).await;
        println!(
            "SDK up {plain_up:4.0} MB/s   whole {whole_up:4.0}   parts {parts_up:4.0}   SDK down {plain_down:4.0}   down {down:4.0}   \
             SDK up, {COPYING_AT_ONCE} at once {plain_copy:4.0}   copy {copy:4.0}"
        );
        measured.push([whole_up / plain_up, parts_up / plain_up, down / plain_down, copy / plain_copy]);
    }
    // The first round is slow for everybody: cold caches, no connections.
    let [whole, parts, down, copy] = [0, 1, 2, 3].map(|case| median(measured[1..].iter().map(|ratios| ratios[case])));
    println!("adapter / SDK, medians: upload whole {whole:.2}, upload in parts {parts:.2} (promised: 0.8), download {down:.2}");
    println!("copy from another store {copy:.2} (promised: 0.8)");
}

impl Scene {
    /// Parts of 8 MiB, nothing else.
    async fn plain_upload(&self, round: u64, bytes: &Bytes, at_once: usize) -> f64 {
        let key = round.to_string();
        let started = Instant::now();
        let begun = self.client.create_multipart_upload().bucket("bench").key(&key).send().await.unwrap();
        let id = begun.upload_id.unwrap();
        let sends = (0..bytes.len()).step_by(PART).zip(1..).map(|(at, number)| {
            let body = bytes.slice(at..bytes.len().min(at + PART)).into();
            let call = self.client.upload_part().bucket("bench").key(&key).upload_id(&id).part_number(number).body(body);
            async move {
                let sent = call.send().await.unwrap();
                CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).build()
            }
        });
        let parts: Vec<_> = stream::iter(sends).buffered(at_once).collect().await;
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let call = self.client.complete_multipart_upload().bucket("bench").key(&key).upload_id(id);
        call.multipart_upload(parts).send().await.unwrap();
        rate(bytes.len(), started)
    }

    async fn upload_whole(&self, round: u64, bytes: &Bytes) -> f64 {
        let upload = UploadId(Uuid::from_u128(u128::from(round) << 64));
        let started = Instant::now();
        let whole = self.staging.receive(upload, body(bytes), u64::MAX).await.unwrap();
        self.staging.promote(upload, BlobKey::first(whole.sha256)).await.unwrap();
        rate(bytes.len(), started)
    }

    async fn upload_parts(&self, round: u64, bytes: &Bytes) -> f64 {
        let upload = UploadId(Uuid::from_u128(u128::from(round)));
        let started = Instant::now();
        self.staging.open(upload, bytes.len() as u64).await.unwrap();
        let sends = (0..bytes.len()).step_by(PART).map(|at| async move {
            let bytes = bytes.slice(at..bytes.len().min(at + PART));
            let part = Part { offset: at as u64, length: bytes.len() as u64 };
            (part, self.staging.write_part(upload, part, body(&bytes), None, None).await.unwrap())
        });
        let parts: Vec<_> = stream::iter(sends).buffered(AT_ONCE).collect().await;
        let whole = self.staging.seal(upload, &parts).await.unwrap();
        self.staging.promote(upload, BlobKey::first(whole.sha256)).await.unwrap();
        rate(bytes.len(), started)
    }

    /// What a transfer writes. Afterwards it goes, for there is not so much room.
    async fn copy(&self, bytes: &Bytes) -> f64 {
        let key = BlobKey::first(Sha256(sha2::Sha256::digest(bytes).into()));
        let started = Instant::now();
        self.blobs.write(key, bytes.len() as u64, body(bytes)).await.unwrap();
        let rate = rate(bytes.len(), started);
        self.blobs.remove(key).await.unwrap();
        rate
    }

    async fn plain_download(&self, round: u64, length: usize) -> f64 {
        let started = Instant::now();
        let mut body = self.client.get_object().bucket("bench").key(round.to_string()).send().await.unwrap().body;
        let mut seen = 0;
        while let Some(piece) = body.try_next().await.unwrap() {
            seen += piece.len();
        }
        assert_eq!(seen, length);
        rate(length, started)
    }

    async fn download(&self, bytes: &Bytes) -> f64 {
        let key = BlobKey::first(Sha256(sha2::Sha256::digest(bytes).into()));
        let started = Instant::now();
        let mut pieces = self.blobs.read(key, 0, bytes.len() as u64).await.unwrap().bytes;
        let mut seen = 0;
        while let Some(piece) = pieces.next().await {
            seen += piece.unwrap().len();
        }
        assert_eq!(seen, bytes.len());
        rate(seen, started)
    }
}

/// As the adapter asks: checksums only where they are needed.
fn sdk(settings: &S3Settings) -> Client {
    let key = Credentials::new(&settings.access_key_id, &settings.secret_access_key, None, None, "bench");
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(&settings.endpoint)
        .force_path_style(true)
        .credentials_provider(key)
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    Client::from_conf(config.build())
}

/// In pieces as large as the drive's listener reads them at most.
fn body(bytes: &Bytes) -> ByteStream {
    let bytes = bytes.clone();
    let piece = 128 * 1024;
    stream::iter((0..bytes.len()).step_by(piece).map(move |at| Ok(bytes.slice(at..bytes.len().min(at + piece))))).boxed()
}

fn noise(seed: u64, length: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length);
    for _ in 0..length / 8 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.into()
}

#[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
fn rate(bytes: usize, started: Instant) -> f64 {
    bytes as f64 / 1e6 / started.elapsed().as_secs_f64()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
