//! A body becomes bytes in memory while it is small, and an object in parts when it is not.
//!
//! In memory are, for each body, the part that fills and at most two that are on their way. Parts grow with the body, by factors of two
//! every thousand parts, so that ten thousand are enough for a terabyte and small files cost no more than they have.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use cairn_commands::ports::ByteStream;
use cairn_commands::ports::staging::{StagingError, Whole};
use cairn_digest::Hasher;
use cairn_domain::{Sha1, Sha256, UploadId};
use futures_util::StreamExt;
use tokio::task::{JoinSet, spawn_blocking};

use super::super::bucket::Bucket;
use super::super::keys;
use super::super::multipart::{Joining, Sent};
use super::super::trouble::Trouble;

/// The first parts, in bytes. What is not larger is sent at once.
pub(super) const PART_BYTES: usize = 8 * 1024 * 1024;

/// Parts on their way at once.
const SENDING_MAX: usize = 2;

/// As many parts have the same size.
const PARTS_OF_A_SIZE: i32 = 1000;

/// No part is larger than [`PART_BYTES`] shifted by this: 256 MiB.
const GROWTHS_MAX: i32 = 5;

/// Below this a hash is not worth a thread of its own, in bytes.
const HASHED_AT_ONCE: usize = 256 * 1024;

/// A body that has come to its end.
pub(super) enum Poured {
    /// It was small.
    InMemory(Bytes),
    /// All parts have come; they are to be joined.
    InParts(Unjoined, Vec<Sent>),
}

/// Where a body may go that is larger than memory allows.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) bucket: Arc<Bucket>,
    pub(super) upload: UploadId,
    /// Of the nameless bytes.
    pub(super) nonce: String,
}

/// Pours the body out. More than `bytes_max` bytes are refused, and nothing is left of them.
pub(super) async fn pour(target: Target, body: ByteStream, bytes_max: u64) -> Result<(Whole, Poured), StagingError> {
    let mut pouring =
        Pouring { target, unjoined: None, hasher: Hasher::new(), sending: JoinSet::new(), sent: Vec::new(), begun: 0 };
    match pouring.run(body, bytes_max).await {
        Ok(last) => Ok(pouring.finish(last)),
        Err(error) => {
            pouring.give_up().await;
            Err(error)
        }
    }
}

struct Pouring {
    target: Target,
    unjoined: Option<Unjoined>,
    hasher: Hasher,
    sending: JoinSet<Result<Sent, Trouble>>,
    sent: Vec<Sent>,
    begun: i32,
}

impl Pouring {
    async fn run(&mut self, mut body: ByteStream, bytes_max: u64) -> Result<Bytes, StagingError> {
        let mut part = BytesMut::new();
        let mut bytes = 0;
        while let Some(frame) = body.next().await {
            let mut frame = frame.map_err(StagingError::Body)?;
            bytes += frame.len() as u64;
            if bytes > bytes_max {
                return Err(StagingError::TooLong { limit: bytes_max });
            }
            while !frame.is_empty() {
                if part.len() == self.part_bytes() {
                    self.send(std::mem::take(&mut part).freeze()).await?;
                    part.reserve(self.part_bytes());
                }
                let room = self.part_bytes() - part.len();
                part.extend_from_slice(&frame.split_to(frame.len().min(room)));
            }
        }
        let last = part.freeze();
        if self.unjoined.is_none() {
            self.hash(last.clone()).await?;
            return Ok(last);
        }
        self.send(last).await?;
        while !self.sending.is_empty() {
            self.sent_one().await?;
        }
        Ok(Bytes::new())
    }

    /// Of the part that fills.
    fn part_bytes(&self) -> usize {
        PART_BYTES << (self.begun / PARTS_OF_A_SIZE).min(GROWTHS_MAX)
    }

    async fn send(&mut self, part: Bytes) -> Result<(), StagingError> {
        let Target { bucket, upload, nonce } = self.target.clone();
        if self.unjoined.is_none() {
            let joining = bucket.begin(keys::nameless(upload, &nonce)).await.map_err(|trouble| trouble.of(upload))?;
            self.unjoined = Some(Unjoined::new(bucket.clone(), joining));
        }
        while self.sending.len() >= SENDING_MAX {
            self.sent_one().await?;
        }
        self.begun += 1;
        let (number, bytes, joining) =
            (self.begun, part.clone(), self.unjoined.as_ref().and_then(|unjoined| unjoined.joining.clone()));
        self.sending.spawn(async move {
            let joining = joining.ok_or(Trouble::Absent)?;
            bucket.send_part(&joining, number, &bytes).await
        });
        self.hash(part).await
    }

    async fn sent_one(&mut self) -> Result<(), StagingError> {
        let Some(sent) = self.sending.join_next().await else { return Ok(()) };
        let sent = sent.map_err(|error| StagingError::Unavailable(error.into()))?;
        self.sent.push(sent.map_err(|trouble| trouble.of(self.target.upload))?);
        Ok(())
    }

    async fn hash(&mut self, bytes: Bytes) -> Result<(), StagingError> {
        if bytes.len() <= HASHED_AT_ONCE {
            self.hasher.update(&bytes);
            return Ok(());
        }
        let mut hasher = std::mem::take(&mut self.hasher);
        let hashed = spawn_blocking(move || {
            hasher.update(&bytes);
            hasher
        });
        self.hasher = hashed.await.map_err(|error| StagingError::Unavailable(error.into()))?;
        Ok(())
    }

    fn finish(mut self, last: Bytes) -> (Whole, Poured) {
        let size = self.hasher.bytes_seen();
        let digests = self.hasher.finish();
        let whole = Whole { size, sha256: Sha256(digests.sha256), sha1: Sha1(digests.sha1) };
        let Some(unjoined) = self.unjoined else { return (whole, Poured::InMemory(last)) };
        self.sent.sort_by_key(|sent| sent.number);
        (whole, Poured::InParts(unjoined, self.sent))
    }

    async fn give_up(mut self) {
        // Nothing must arrive after the end of the upload.
        self.sending.shutdown().await;
        if let Some(unjoined) = self.unjoined.take() {
            unjoined.give_up().await;
        }
    }
}

/// An object in parts that goes unless it is joined: whoever sends it may go away at any moment.
pub(super) struct Unjoined {
    bucket: Arc<Bucket>,
    joining: Option<Joining>,
}

impl Unjoined {
    pub(super) fn new(bucket: Arc<Bucket>, joining: Joining) -> Self {
        Self { bucket, joining: Some(joining) }
    }

    pub(super) fn joining(&self) -> Result<&Joining, Trouble> {
        self.joining.as_ref().ok_or(Trouble::Absent)
    }

    /// Joins the parts.
    pub(super) async fn join(mut self, parts: &[Sent]) -> Result<(), Trouble> {
        self.bucket.join(self.joining()?, parts).await?;
        self.joining = None;
        Ok(())
    }

    /// Somebody else joins it, or gives it up.
    pub(super) fn keep(mut self) {
        self.joining = None;
    }

    pub(super) async fn give_up(mut self) {
        if let Some(joining) = self.joining.take() {
            abort(&self.bucket, &joining).await;
        }
    }
}

impl Drop for Unjoined {
    fn drop(&mut self) {
        if let Some(joining) = self.joining.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let bucket = self.bucket.clone();
            runtime.spawn(async move { abort(&bucket, &joining).await });
        }
    }
}

async fn abort(bucket: &Bucket, joining: &Joining) {
    if let Err(error) = bucket.abort(joining).await {
        // The sweep of the next day finds it.
        tracing::warn!(%error, key = joining.key, "parts of an upload that was given up could not be removed yet");
    }
}
