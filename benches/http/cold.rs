//! Where contents go from the drive's disk: a private Ceph, and the bare SDK, which brings the same bytes there.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use aws_sdk_s3::{Client, Config};
use bytes::Bytes;
use cairn_servers::{Ceph, Error};
use futures_util::{StreamExt, stream};
use tokio::runtime::Runtime;
use tokio::task::spawn_blocking;

const BUCKET: &str = "bench";
const PART_BYTES: u64 = 8 * 1024 * 1024;

/// Parts of one object that the SDK has on their way at once, as the drive has.
const PARTS_AT_ONCE: usize = 4;

pub(crate) struct Cold {
    ceph: Ceph,
    client: Client,
    /// How many have had a corner of the bucket for themselves.
    corners: Cell<u64>,
    /// Of the SDK alone: as many threads as it wants.
    runtime: Runtime,
}

impl Cold {
    pub(crate) fn start() -> Result<Self, Error> {
        let ceph = Ceph::start()?;
        let key = Credentials::new(ceph.access_key(), ceph.secret_key(), None, None, "bench");
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(ceph.endpoint())
            .force_path_style(true)
            .credentials_provider(key)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        let client = Client::from_conf(config.build());
        let runtime = Runtime::new().unwrap();
        runtime.block_on(client.create_bucket().bucket(BUCKET).send()).unwrap();
        Ok(Self { ceph, client, corners: Cell::new(0), runtime })
    }

    /// What tells a drive that there is such a store, and where in it nobody has been before: what another drive has brought there would
    /// be found and not be brought again.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("CAIRN_STORES__COLD__KIND", "s3".to_owned()),
            ("CAIRN_STORES__COLD__ENDPOINT", self.ceph.endpoint()),
            ("CAIRN_STORES__COLD__BUCKET", BUCKET.to_owned()),
            ("CAIRN_STORES__COLD__PREFIX", self.corner()),
            ("CAIRN_STORES__COLD__ACCESS_KEY_ID", self.ceph.access_key().to_owned()),
            ("CAIRN_STORES__COLD__SECRET_ACCESS_KEY", self.ceph.secret_key().to_owned()),
            ("CAIRN_STORES__COLD__PATH_STYLE", "true".to_owned()),
            ("CAIRN_STORES__COLD__FLAVOR", "ceph".to_owned()),
        ]
    }

    /// The same, and everything goes there that has stayed on the disk for so long.
    pub(crate) fn policy(&self, after_seconds: u64, at_once: u64) -> Vec<(&'static str, String)> {
        let mut settings = self.settings();
        settings.push(("CAIRN_POLICY__MOVE_TO", "cold".to_owned()));
        settings.push(("CAIRN_POLICY__AFTER_SECONDS", after_seconds.to_string()));
        settings.push(("CAIRN_TRANSFERS__AT_ONCE", at_once.to_string()));
        settings
    }

    fn corner(&self) -> String {
        self.corners.set(self.corners.get() + 1);
        format!("corner{}", self.corners.get())
    }

    /// Sends a file in parts, each read into memory and signed; seconds until the store has it.
    pub(crate) fn send_file(&self, path: &Path, bytes: u64) -> f64 {
        let file = Arc::new(File::open(path).unwrap());
        self.runtime.block_on(async {
            let started = Instant::now();
            let begun = self.client.create_multipart_upload().bucket(BUCKET).key("file").send().await.unwrap();
            let id = begun.upload_id.unwrap();
            let sends = (0..bytes).step_by(PART_BYTES as usize).zip(1..).map(|(at, number)| {
                let (file, length) = (file.clone(), PART_BYTES.min(bytes - at));
                let call = self.client.upload_part().bucket(BUCKET).key("file").upload_id(&id).part_number(number);
                async move {
                    let body = spawn_blocking(move || read(&file, at, length)).await.unwrap().unwrap();
                    let sent = call.body(body.into()).send().await.unwrap();
                    CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).build()
                }
            });
            let parts: Vec<_> = stream::iter(sends).buffered(PARTS_AT_ONCE).collect().await;
            let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
            let call = self.client.complete_multipart_upload().bucket(BUCKET).key("file").upload_id(id);
            call.multipart_upload(parts).send().await.unwrap();
            started.elapsed().as_secs_f64()
        })
    }

    /// Puts so many small objects under new names; seconds until the store has them all.
    pub(crate) fn send_small(&self, count: u64, bytes: u64, at_once: u64) -> f64 {
        let corner = &self.corner();
        self.runtime.block_on(async {
            let started = Instant::now();
            let puts = (0..count).map(|number| {
                let mut body = vec![0; bytes as usize];
                body[..8].copy_from_slice(&number.to_be_bytes());
                let call = self.client.put_object().bucket(BUCKET).key(format!("{corner}/{number}"));
                async move { call.body(Bytes::from(body).into()).send().await.unwrap() }
            });
            stream::iter(puts).buffer_unordered(at_once as usize).for_each(async |_| {}).await;
            started.elapsed().as_secs_f64()
        })
    }
}

fn read(file: &File, at: u64, length: u64) -> io::Result<Bytes> {
    let mut bytes = vec![0; length as usize];
    file.read_exact_at(&mut bytes, at)?;
    Ok(bytes.into())
}
