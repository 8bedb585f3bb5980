//! Uploads on their way to become blobs.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cairn_commands::ports::ByteStream;
use cairn_commands::ports::ids::Ids;
use cairn_commands::ports::staging::{Staging, StagingError, Whole};
use cairn_domain::blob::BlobKey;
use cairn_domain::upload::Part;
use cairn_domain::{Sha256, UploadId};
use moka::sync::Cache;

use super::bucket::Bucket;
use super::keys;
use super::sweep::Swept;
use super::unjoined::Unjoined;
use crate::ids::RandomIds;

mod layout;
mod pour;
mod upload;

mod follow;
mod part;
mod receive;

mod assemble;
mod read_back;
mod seal;

mod leave;
mod promote;

use receive::{Received, Written};
use upload::{Plan, Upload};

/// Uploads of which a process remembers more than the store tells; what is forgotten costs a few requests.
const REMEMBERED: u64 = 100_000;

/// How long it remembers one with which nothing happens.
const REMEMBERED_FOR: Duration = Duration::from_hours(24);

/// The largest of the small objects, in bytes: the layout of ten thousand parts has about two million.
const NOTE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The staging area of a bucket, beside its blobs. Any number of processes may share it, and any of them may take any part of any upload.
///
/// Memory in use, for each body that comes in: what has come of a part of up to 16 MiB, or three parts of 8 MiB (and of up to 256 MiB
/// beyond the first gigabytes of a file that comes in one piece). Besides, 64 MiB for parts that come before their turn.
#[derive(Clone)]
pub struct S3Staging(Arc<Area>);

/// What all calls share.
struct Area {
    bucket: Arc<Bucket>,
    uploads: Cache<UploadId, Arc<Upload>>,
    received: Cache<(UploadId, Sha256), Received>,
    written: Cache<UploadId, Written>,
    waiting_bytes: Arc<AtomicUsize>,
    swept: Swept,
}

impl S3Staging {
    pub(super) fn new(bucket: Arc<Bucket>) -> Self {
        Self(Arc::new(Area {
            bucket,
            uploads: Cache::builder().max_capacity(REMEMBERED).time_to_idle(REMEMBERED_FOR).build(),
            received: Cache::builder().max_capacity(REMEMBERED).time_to_idle(REMEMBERED_FOR).build(),
            written: Cache::builder().max_capacity(REMEMBERED).time_to_idle(REMEMBERED_FOR).build(),
            waiting_bytes: Arc::default(),
            swept: Swept::default(),
        }))
    }
}

#[async_trait]
impl Staging for S3Staging {
    async fn open(&self, upload: UploadId, size: u64) -> Result<(), StagingError> {
        self.0.open(upload, size).await
    }

    async fn receive(&self, upload: UploadId, body: ByteStream, bytes_max: u64) -> Result<Whole, StagingError> {
        self.0.receive(upload, body, bytes_max).await
    }

    async fn write_part(
        &self,
        upload: UploadId,
        part: Part,
        body: ByteStream,
        expected: Option<Sha256>,
        taken: Option<Sha256>,
    ) -> Result<Sha256, StagingError> {
        let upload = self.0.upload(upload).await?;
        Box::pin(self.0.write_part(&upload, part, body, part::Digests { expected, taken })).await
    }

    async fn seal(&self, upload: UploadId, parts: &[(Part, Sha256)]) -> Result<Whole, StagingError> {
        let upload = self.0.upload(upload).await?;
        tokio::select! {
            biased;
            () = upload.closed.cancelled() => Err(StagingError::Absent(upload.id)),
            sealed = Box::pin(self.0.seal(&upload, parts)) => sealed,
        }
    }

    async fn promote(&self, upload: UploadId, key: BlobKey) -> Result<(), StagingError> {
        Box::pin(self.0.promote(upload, key)).await
    }

    async fn discard(&self, upload: UploadId) -> Result<(), StagingError> {
        self.0.discard(upload).await
    }

    async fn holds(&self, upload: UploadId) -> Result<bool, StagingError> {
        let objects = self.0.bucket.list(&keys::folder(upload)).await;
        objects.map(|objects| !objects.is_empty()).map_err(|trouble| StagingError::Unavailable(trouble.into()))
    }

    async fn list(&self, quiet: Duration) -> Result<Vec<UploadId>, StagingError> {
        self.0.list(quiet).await
    }

    async fn reachable(&self) -> Result<(), StagingError> {
        self.0.bucket.head_bucket().await.map_err(|trouble| StagingError::Unavailable(trouble.into()))
    }
}

impl Area {
    /// Several processes may open the same upload at once: the first plan counts.
    async fn open(&self, id: UploadId, size: u64) -> Result<(), StagingError> {
        if let Some(plan) = self.rare_note(id, &keys::plan(id)).await? {
            return check_size(&plan, size);
        }
        // Smaller ones have no part that could be joined.
        // What crashes between the two leaves an upload of the store that nobody names: the sweep finds it.
        let unjoined = if size > self.bucket.flavor.part_bytes_min() {
            Some(Unjoined::begin(&self.bucket, keys::data(id)).await.map_err(|trouble| trouble.of(id))?)
        } else {
            None
        };
        let joining = unjoined.as_ref().and_then(|unjoined| unjoined.joining().ok()).map(|joining| joining.id.clone());
        let plan = Plan { size, joining, opener: nonce() };
        match self.bucket.put_new(&keys::plan(id), &note(&plan)?).await {
            Ok(()) => {
                keep(unjoined);
                self.uploads.insert(id, Arc::new(Upload::opened(id, plan)));
                Ok(())
            }
            // Somebody else was first, or the answer to an attempt of this very call was lost.
            Err(super::trouble::Trouble::Exists) => self.is_opened(id, plan, unjoined).await,
            Err(trouble) => {
                // It may have been written all the same, and then it names this upload of the store.
                keep(unjoined);
                Err(trouble.of(id))
            }
        }
    }

    async fn is_opened(&self, id: UploadId, mine: Plan, unjoined: Option<Unjoined>) -> Result<(), StagingError> {
        let there = self.plan(id).await?.ok_or_else(|| StagingError::Unavailable("the upload is there and is not".into()))?;
        if there == mine {
            keep(unjoined);
            self.uploads.insert(id, Arc::new(Upload::opened(id, mine)));
            return Ok(());
        }
        if let Some(unjoined) = unjoined {
            unjoined.give_up().await;
        }
        check_size(&there, mine.size)
    }

    /// A small object that holds a value, where mostly there is none: that is asked for first, since an answer without a body comes sooner.
    /// The gateway of Ceph sends head and body apart, and unless it is told otherwise the body waits 40 ms for the client's kernel.
    async fn rare_note<T: serde::de::DeserializeOwned>(&self, id: UploadId, key: &str) -> Result<Option<T>, StagingError> {
        match self.bucket.head(key).await.map_err(|trouble| trouble.of(id))? {
            Some(_) => self.note(id, key).await,
            None => Ok(None),
        }
    }

    async fn plan(&self, id: UploadId) -> Result<Option<Plan>, StagingError> {
        self.note(id, &keys::plan(id)).await
    }

    /// What is known of an upload in parts; asked for when this process meets it for the first time.
    async fn upload(&self, id: UploadId) -> Result<Arc<Upload>, StagingError> {
        if let Some(upload) = self.uploads.get(&id) {
            return Ok(upload);
        }
        let plan = self.plan(id).await?.ok_or(StagingError::Absent(id))?;
        Ok(self.uploads.get_with(id, || Arc::new(Upload::new(id, plan))))
    }

    /// A small object that holds a value.
    async fn note<T: serde::de::DeserializeOwned>(&self, id: UploadId, key: &str) -> Result<Option<T>, StagingError> {
        let Some(bytes) = self.bucket.get(key, NOTE_BYTES_MAX).await.map_err(|trouble| trouble.of(id))? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| StagingError::Unavailable(error.into()))
    }
}

/// Somebody else joins it, or gives it up.
fn keep(unjoined: Option<Unjoined>) {
    if let Some(unjoined) = unjoined {
        unjoined.keep();
    }
}

fn note(value: &impl serde::Serialize) -> Result<Bytes, StagingError> {
    serde_json::to_vec(value).map(Bytes::from).map_err(|error| StagingError::Unavailable(error.into()))
}

fn check_size(plan: &Plan, size: u64) -> Result<(), StagingError> {
    if plan.size == size { Ok(()) } else { Err(StagingError::Unavailable("the upload is open with another size".into())) }
}

/// A name that nobody else has.
fn nonce() -> String {
    hex::encode(&RandomIds.random()[..16])
}
