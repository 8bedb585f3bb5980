//! What is stored: contents as files of a temporary directory, all else in memory.

mod bucket;
mod content;

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use s3s::{S3Result, s3_error};
use tempfile::TempDir;

use crate::double::{OpenUpload, StoredObject};

pub(crate) use bucket::{Bucket, Description, Object, Part, Upload};
pub(crate) use content::{Content, Piece};

pub(crate) struct Store {
    buckets: Mutex<BTreeMap<String, Bucket>>,
    directory: TempDir,
}

impl Store {
    pub(crate) fn new() -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("oss-double-").tempdir()?;
        Ok(Self { buckets: Mutex::default(), directory })
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn create_bucket(&self, name: &str) -> io::Result<()> {
        if !is_bucket_name(name) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("not a name of a bucket: {name}")));
        }
        self.with_buckets(|buckets| {
            buckets.entry(name.to_owned()).or_default();
        });
        Ok(())
    }

    fn with_buckets<T>(&self, work: impl FnOnce(&mut BTreeMap<String, Bucket>) -> T) -> T {
        work(&mut self.buckets.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at a bucket, or changes it, while nobody else does.
    pub(crate) fn with<T>(&self, bucket: &str, work: impl FnOnce(&mut Bucket) -> S3Result<T>) -> S3Result<T> {
        self.with_buckets(|buckets| match buckets.get_mut(bucket) {
            Some(bucket) => work(bucket),
            None => Err(s3_error!(NoSuchBucket, "The specified bucket does not exist.")),
        })
    }

    pub(crate) fn require_bucket(&self, bucket: &str) -> S3Result<()> {
        self.with(bucket, |_| Ok(()))
    }

    pub(crate) fn object(&self, bucket: &str, key: &str) -> S3Result<Arc<Object>> {
        self.with(bucket, |bucket| bucket.object(key))
    }

    pub(crate) fn objects(&self, bucket: &str) -> Vec<StoredObject> {
        self.with(bucket, |bucket| Ok(bucket.objects.iter().map(stored).collect())).unwrap_or_default()
    }

    pub(crate) fn open_uploads(&self, bucket: &str) -> Vec<OpenUpload> {
        self.with(bucket, |bucket| Ok(bucket.uploads.iter().map(open).collect())).unwrap_or_default()
    }

    pub(crate) fn age_uploads(&self, bucket: &str, by: Duration) {
        self.with_buckets(|buckets| {
            let uploads = buckets.get_mut(bucket).into_iter().flat_map(|bucket| bucket.uploads.values_mut());
            uploads.for_each(|upload| {
                upload.began -= by;
                upload.parts.values_mut().for_each(|part| part.modified -= by);
            });
        });
    }

    pub(crate) fn corrupt(&self, bucket: &str, key: &str) -> io::Result<()> {
        let object = self.object(bucket, key).map_err(|error| io::Error::new(io::ErrorKind::NotFound, error))?;
        if object.content.size == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "an empty object has no byte to flip"));
        }
        flip_byte(&OpenOptions::new().read(true).write(true).open(&object.content.path)?, object.content.size / 2)
    }
}

fn flip_byte(file: &File, offset: u64) -> io::Result<()> {
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset)?;
    file.write_all_at(&[!byte[0]], offset)
}

fn stored((key, object): (&String, &Arc<Object>)) -> StoredObject {
    let Content { size, crc64, .. } = object.content;
    StoredObject { key: key.clone(), size, etag: object.etag.clone(), crc64 }
}

fn open(((key, upload_id), upload): (&(String, String), &Upload)) -> OpenUpload {
    OpenUpload { key: key.clone(), upload_id: upload_id.clone(), parts: upload.parts.keys().copied().collect() }
}

fn is_bucket_name(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let edges = [name.bytes().next(), name.bytes().last()];
    (3..=63).contains(&name.len())
        && name.bytes().all(|byte| is_inner(byte) || byte == b'-')
        && edges.into_iter().flatten().all(is_inner)
}

/// Whole seconds, as OSS keeps times.
#[expect(
    clippy::disallowed_methods,
    reason = "a server tells the time of its changes, and its clients sign with that of the same machine"
)]
pub(crate) fn now() -> SystemTime {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since_epoch.as_secs())
}
