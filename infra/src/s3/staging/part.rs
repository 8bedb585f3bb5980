//! A part comes in.
//!
//! It is hashed before any of it is sent, so that what is refused has touched nothing. The first version that a process sees of a part goes
//! to its place among the parts of the store, under a number that belongs to this process; everything else goes aside, into an object that
//! is named after its content.

use std::sync::Arc;

use bytes::Bytes;
use cairn_commands::ports::ByteStream;
use cairn_commands::ports::staging::StagingError;
use cairn_domain::Sha256;
use cairn_domain::upload::Part;
use futures_util::StreamExt;

use super::super::keys;
use super::super::multipart::Joining;
use super::super::pieces::{Gathering, Pieces};
use super::super::pour::Landed;
use super::super::trouble::Trouble;
use super::layout::{LAST, OTHERS_FIRST, SLOTS, number};
use super::pour::{Target, pour};
use super::upload::{IN_MEMORY_MAX, Place, Upload};
use super::{Area, nonce};

/// What is said about the bytes of a part.
#[derive(Debug, Clone, Copy)]
pub(super) struct Digests {
    /// By the sender.
    pub(super) expected: Option<Sha256>,
    /// By the log, of what it has.
    pub(super) taken: Option<Sha256>,
}

impl Area {
    pub(super) async fn write_part(
        self: &Arc<Self>,
        upload: &Arc<Upload>,
        part: Part,
        body: ByteStream,
        digests: Digests,
    ) -> Result<Sha256, StagingError> {
        if part.length > IN_MEMORY_MAX {
            return self.write_large(upload, part, body, digests).await;
        }
        let bytes = upload.unless_closed(gather(body, part.length)).await?;
        check_length(part, bytes.len() as u64)?;
        let sha256 = bytes.sha256().await.map_err(|trouble| trouble.of(upload.id))?;
        check_digest(digests.expected, sha256)?;
        if self.is_there(upload, part, sha256, digests.taken).await? {
            return Ok(sha256);
        }
        self.follow(upload, part, sha256, &bytes);
        if !self.put_in_place(upload, (part, sha256), &bytes, digests.taken).await? {
            self.put_aside(upload, (part, sha256), ("", Landed::InMemory(bytes)), digests.taken).await?;
        }
        Ok(sha256)
    }

    /// Parts that are too large for memory go aside, in parts themselves.
    async fn write_large(&self, upload: &Upload, part: Part, body: ByteStream, digests: Digests) -> Result<Sha256, StagingError> {
        let nonce = nonce();
        let target = Target { bucket: self.bucket.clone(), upload: upload.id, nonce: nonce.clone() };
        let (whole, landed) = upload.unless_closed(pour(target, body, part.length)).await?;
        let sha256 = whole.sha256;
        let judged = check_length(part, whole.size).and_then(|()| check_digest(digests.expected, sha256));
        if judged.is_err() || self.is_there(upload, part, sha256, digests.taken).await? {
            landed.give_up().await;
            return judged.map(|()| sha256);
        }
        self.put_aside(upload, (part, sha256), (&nonce, landed), digests.taken).await?;
        Ok(sha256)
    }

    /// Into an object that is named after its content.
    async fn put_aside(
        &self,
        upload: &Upload,
        (part, sha256): (Part, Sha256),
        (nonce, landed): (&str, Landed),
        taken: Option<Sha256>,
    ) -> Result<(), StagingError> {
        upload.state().aside = true;
        let name = keys::version(upload.id, part.offset, sha256);
        self.put_named(upload.id, (&name, sha256), nonce, landed).await?;
        self.keep(upload, (part, sha256), taken).await
    }

    /// What the log has is there, unless some process has found at sealing that it is not.
    async fn is_there(&self, upload: &Upload, part: Part, sha256: Sha256, taken: Option<Sha256>) -> Result<bool, StagingError> {
        if taken != Some(sha256) {
            return Ok(upload.state().has(part.offset, sha256));
        }
        let damaged = self.bucket.head(&keys::damaged(upload.id)).await.map_err(|trouble| trouble.of(upload.id))?;
        Ok(damaged.is_none())
    }

    /// False when it has to go aside.
    async fn put_in_place(
        &self,
        upload: &Upload,
        (part, sha256): (Part, Sha256),
        bytes: &Pieces,
        taken: Option<Sha256>,
    ) -> Result<bool, StagingError> {
        let Some(joining) = upload.joining().filter(|_| taken.is_none() && upload.fits(part, self.bucket.flavor.part_bytes_min()))
        else {
            return Ok(false);
        };
        let done = self.send_in_place(upload, &joining, (part, sha256), bytes).await;
        done.map_err(|trouble| trouble.of(upload.id))
    }

    async fn send_in_place(
        &self,
        upload: &Upload,
        joining: &Joining,
        (part, sha256): (Part, Sha256),
        bytes: &Pieces,
    ) -> Result<bool, Trouble> {
        let Some(number) = self.number(upload, part, sha256).await? else { return Ok(false) };
        let sent = match self.bucket.send_part(joining, number, bytes, sha256).await {
            Ok(sent) => sent,
            // It was joined, or given up: whoever writes aside finds out.
            Err(Trouble::Absent) => return Ok(false),
            // Nobody knows whether it is there, or comes yet: the number keeps waiting for these very bytes.
            Err(trouble) => return Err(trouble),
        };
        // Whoever seals closes the upload first, and only then looks which parts there are. So when it is still open, he will see this one.
        if self.bucket.head(&keys::closed(upload.id)).await?.is_some() {
            return Ok(false);
        }
        Ok(upload.state().hold(part.offset, sha256, sent))
    }

    /// A number that is this content's alone.
    async fn number(&self, upload: &Upload, part: Part, sha256: Sha256) -> Result<Option<i32>, Trouble> {
        let slot = if upload.is_last(part) { None } else { *upload.slot.get_or_try_init(|| self.claim_slot(upload)).await? };
        let place = {
            let mut state = upload.state();
            if state.closing || state.layout.is_some() {
                return Ok(None);
            }
            let before = state.places.get(&part.offset).copied();
            state.places.entry(part.offset).or_insert(Place::Sent(sha256));
            before
        };
        let is_last = upload.is_last(part);
        match place {
            Some(Place::Sent(before)) if before == sha256 && !is_last => {
                Ok(slot.and_then(|slot| number(part, upload.plan.size, slot)))
            }
            Some(_) => Ok(None),
            None if is_last => self.claim_last(upload).await,
            None => Ok(slot.and_then(|slot| number(part, upload.plan.size, slot))),
        }
    }

    async fn claim_slot(&self, upload: &Upload) -> Result<Option<i32>, Trouble> {
        for slot in OTHERS_FIRST..SLOTS {
            match self.bucket.put_new(&keys::slot(upload.id, slot), &Bytes::new()).await {
                Ok(()) => return Ok(Some(slot)),
                // Also when it was this very call and its answer was lost: then nobody has it.
                Err(Trouble::Exists) => {}
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(None)
    }

    async fn claim_last(&self, upload: &Upload) -> Result<Option<i32>, Trouble> {
        match self.bucket.put_new(&keys::last(upload.id), &Bytes::new()).await {
            Ok(()) => Ok(Some(LAST)),
            Err(Trouble::Exists) => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    /// A version has come aside. Whoever gives the upload up removes the plan first and everything else after it: while the plan is there,
    /// this version will not be forgotten.
    async fn keep(&self, upload: &Upload, (part, sha256): (Part, Sha256), taken: Option<Sha256>) -> Result<(), StagingError> {
        let id = upload.id;
        let plan = self.bucket.head(&keys::plan(id)).await.map_err(|trouble| trouble.of(id))?;
        if plan.is_none() {
            self.remove(id).await.map_err(|trouble| trouble.of(id))?;
            return Err(StagingError::Absent(id));
        }
        let going = upload.state().keep(part.offset, sha256, taken);
        for surplus in going {
            self.remove_version(upload, part.offset, surplus).await.map_err(|trouble| trouble.of(id))?;
        }
        Ok(())
    }

    async fn remove_version(&self, upload: &Upload, offset: u64, sha256: Sha256) -> Result<(), Trouble> {
        let names = self.bucket.list(&keys::version(upload.id, offset, sha256)).await?;
        let bytes = names.iter().map(|name| keys::bytes_of(upload.id, name)).collect::<Vec<_>>();
        self.bucket.delete_all(bytes).await?;
        self.bucket.delete_all(names).await
    }
}

impl Upload {
    /// Whoever sends slowly stops when the upload is given up.
    async fn unless_closed<T>(&self, work: impl Future<Output = Result<T, StagingError>>) -> Result<T, StagingError> {
        tokio::select! {
            biased;
            () = self.closed.cancelled() => Err(StagingError::Absent(self.id)),
            done = Box::pin(work) => done,
        }
    }
}

/// All of a body that is small enough.
async fn gather(mut body: ByteStream, bytes_max: u64) -> Result<Pieces, StagingError> {
    let mut bytes = Gathering::default();
    while let Some(frame) = body.next().await {
        let frame = frame.map_err(StagingError::Body)?;
        if (bytes.len() + frame.len()) as u64 > bytes_max {
            return Err(StagingError::TooLong { limit: bytes_max });
        }
        bytes.push(frame);
    }
    Ok(bytes.take())
}

fn check_length(part: Part, actual: u64) -> Result<(), StagingError> {
    if actual == part.length { Ok(()) } else { Err(StagingError::TooShort { expected: part.length, actual }) }
}

fn check_digest(expected: Option<Sha256>, actual: Sha256) -> Result<(), StagingError> {
    if expected.is_none_or(|expected| expected == actual) { Ok(()) } else { Err(StagingError::DigestMismatch { actual }) }
}
