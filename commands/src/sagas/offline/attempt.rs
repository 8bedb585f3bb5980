use std::sync::atomic::Ordering;

use cairn_domain::offline::{FailureReason, OfflineCommand, OfflineCompleted, OfflineFound};
use cairn_domain::space::Holder;
use cairn_domain::upload::{FileMerged, Phase, Plan, Upload, UploadCommand, UploadStarted};
use cairn_domain::{CommandId, Decider, StreamName, UploadId};

use super::feed::Feed;
use super::job::{Ending, Job};
use crate::file::content_type_of;
use crate::journal::Start;
use crate::offline::{change, file_of, load, name_of, request_of, take_known};
use crate::ports::fetch::{FetchError, Resume, Source};
use crate::ports::staging::StagingError;
use crate::ports::{BoxError, ByteStream};
use crate::upload::{CompleteError, PartError, PartSent, commit, complete_any, finish_merged, give_up, take_part};
use crate::{Loaded, Request, Trouble, folder, space};

/// What one try has come to.
pub(super) enum Attempt {
    Ended(Ending),
    /// Try again.
    Broken(Broken),
}

/// A source that did not answer, or broke off.
pub(super) struct Broken {
    /// What need not come again.
    pub durable_bytes: u64,
    pub cause: BoxError,
}

/// What an earlier try has left.
enum Held {
    Nothing,
    /// All bytes were there: only the entry may be missing.
    Merged(UploadId, Box<FileMerged>),
    /// The first parts.
    Parts(UploadId, Resume),
}

fn failed(reason: FailureReason, detail: impl Into<Option<String>>) -> Attempt {
    Attempt::Ended(Ending::failed(reason, detail))
}

const GONE: Attempt = Attempt::Ended(Ending::Gone);

/// Tries once, from where an earlier try was broken off, if that can be.
pub(super) async fn attempt(job: &Job) -> Result<Attempt, Trouble> {
    if let Some(completed) = take_known(&job.drive, job.id, &job.requested).await? {
        return Ok(done(completed));
    }
    let resume = match held(job).await? {
        Held::Nothing => None,
        Held::Merged(upload, merged) => {
            let file = finish_merged(&job.drive, &request_of(job.id), upload, &merged).await?;
            return Ok(done(OfflineCompleted { file, size: merged.size }));
        }
        Held::Parts(upload, resume) if resume.offset == resume.size => return complete(job, upload, resume.size).await,
        Held::Parts(upload, resume) => Some((upload, resume)),
    };
    let durable_bytes = resume.as_ref().map_or(0, |(_, resume)| resume.offset);
    job.received.store(durable_bytes, Ordering::Relaxed);
    let source = match job.drive.ports.fetch.open(&job.requested.url, resume.as_ref().map(|(_, resume)| resume)).await {
        Ok(source) => source,
        Err(error) => return Ok(judged(error, durable_bytes)),
    };
    match resume {
        Some((upload, resume)) if source.offset == resume.offset => receive_parts(job, upload, resume.offset, source.body).await,
        _ => receive_anew(job, source).await,
    }
}

fn done(completed: OfflineCompleted) -> Attempt {
    Attempt::Ended(Ending::Done(completed))
}

fn judged(error: FetchError, durable_bytes: u64) -> Attempt {
    match error {
        FetchError::Refused(reason) => {
            failed(FailureReason::UrlRefused, format!("The URL leads where nothing is asked: {reason}."))
        }
        FetchError::TooManyRedirects { limit } => {
            failed(FailureReason::TooManyRedirects, format!("The source leads to another more than {limit} times."))
        }
        FetchError::Denied { status } => failed(FailureReason::SourceRefused, format!("The source answered {status}.")),
        FetchError::Unavailable(cause) => Attempt::Broken(Broken { durable_bytes, cause }),
    }
}

async fn held(job: &Job) -> Result<Held, Trouble> {
    let offline = load(&job.drive, job.id).await?.state;
    let Some(OfflineFound { upload: id, validator, .. }) = offline.found() else { return Ok(Held::Nothing) };
    let upload = job.drive.journal.load::<Upload>(&StreamName::upload(*id)).await?.state;
    if let Phase::Merged(merged) = upload.phase() {
        return Ok(Held::Merged(*id, merged.clone()));
    }
    let (Some(plan), Some(validator), Phase::Open) = (upload.plan(), validator, upload.phase()) else { return Ok(Held::Nothing) };
    let missing = upload.missing().first().and_then(|(first, _)| plan.part(*first));
    match missing.map_or(plan.size, |part| part.offset) {
        0 => Ok(Held::Nothing),
        // Where processes have staging areas of their own, the parts may be in another's.
        _ if !job.drive.ports.staging.holds(*id).await? => Ok(Held::Nothing),
        offset => Ok(Held::Parts(*id, Resume { offset, size: plan.size, validator: validator.clone() })),
    }
}

/// From its first byte: what was received before, if anything, counts no more.
async fn receive_anew(job: &Job, source: Source) -> Result<Attempt, Trouble> {
    let limit = job.bytes_max();
    if source.size.is_some_and(|size| size > limit) {
        return Ok(too_large(limit));
    }
    let before = load(&job.drive, job.id).await?.state;
    let name = job.requested.name.clone().unwrap_or_else(|| name_of(source.disposition.as_deref(), &source.url));
    let found = OfflineFound {
        upload: UploadId(CommandId(job.id.0).derive(&format!("upload {}", before.times_found()))),
        content_type: Some(content_type_of(source.content_type, &name)),
        name,
        size: source.size,
        validator: source.validator.filter(|_| source.size.is_some_and(|size| size > 0)),
    };
    if change(&job.drive, job.id, OfflineCommand::Find { start: job.start, found: found.clone() }).await?.is_err() {
        return Ok(GONE);
    }
    if let Some(before) = before.found() {
        give_up(&job.drive, before.upload).await?;
    }
    job.received.store(0, Ordering::Relaxed);
    match (found.size, &found.validator) {
        (Some(size), Some(_)) => match begin_parts(job, &found, size).await {
            Ok(()) => receive_parts(job, found.upload, 0, source.body).await,
            Err(Trouble::NoRoom) => Ok(failed(FailureReason::StorageFull, None)),
            Err(trouble) => Err(trouble),
        },
        _ => receive_whole(job, found, source.body, limit).await,
    }
}

fn too_large(limit: u64) -> Attempt {
    failed(FailureReason::TooLarge, format!("A file that is fetched has at most {limit} bytes."))
}

/// Room first, then the promise, as for any upload.
async fn begin_parts(job: &Job, found: &OfflineFound, size: u64) -> Result<(), Trouble> {
    let drive = &*job.drive;
    space::reserve(drive, job.requested.owner, file_of(job.id), size, Holder::Upload(found.upload)).await?;
    if let Err(error) = drive.ports.staging.open(found.upload, size).await {
        space::release(drive, job.requested.owner, file_of(job.id)).await;
        return Err(error.into());
    }
    let started = UploadStarted {
        owner: job.requested.owner,
        name: found.name.clone(),
        folder: job.requested.folder,
        content_type: content_type_of(found.content_type.clone(), &found.name),
        size,
        part_bytes: Plan::new(size, drive.limits.part_bytes_default, drive.limits.parts_max).part_bytes,
        expected_sha256: job.requested.expected_sha256,
        expected_sha1: None,
        expires_at: job.deadline,
        offline: Some(job.id),
        replaces: None,
    };
    let decide = |upload: &Loaded<Upload>| {
        let decision = upload.state.decide(UploadCommand::Start(started.clone()));
        decision.map_err(|rejection| Trouble::Broken(format!("{rejection:?}").into()))
    };
    let request = Request::of_system(CommandId(found.upload.0).then("start"));
    drive.journal.execute::<Upload, Trouble>(&StreamName::upload(found.upload), Start::Fresh, &request, decide).await.map(|_| ())
}

/// Part after part: each that is durable need not come again.
async fn receive_parts(job: &Job, id: UploadId, offset: u64, body: ByteStream) -> Result<Attempt, Trouble> {
    let upload = job.drive.journal.load::<Upload>(&StreamName::upload(id)).await?;
    let Some(plan) = upload.state.plan() else { return Ok(GONE) };
    let feed = Feed::new(body, job.received.clone());
    for index in plan.index_at(offset).unwrap_or(1)..=plan.count() {
        let Some(part) = plan.part(index) else { return Ok(GONE) };
        let body = feed.portion(part.length);
        let sent = PartSent { upload: id, index, body, announced_bytes: None, sha256: None };
        let request = Request::of_system(CommandId(id.0).then(&format!("part {index}")));
        let broken = |cause: BoxError| Attempt::Broken(Broken { durable_bytes: part.offset, cause });
        match take_part(&job.drive, &request, &upload, sent).await {
            Ok(_) => {}
            Err(PartError::Body(error)) => return Ok(broken(error.into())),
            Err(error @ PartError::WrongPartSize { .. }) => return Ok(broken(error.into())),
            Err(PartError::Trouble(Trouble::NoRoom)) => return Ok(failed(FailureReason::StorageFull, None)),
            Err(PartError::Trouble(trouble)) => return Err(trouble),
            Err(PartError::Absent | PartError::Closed | PartError::NoSuchPart { .. } | PartError::DigestMismatch { .. }) => {
                return Ok(GONE);
            }
        }
    }
    complete(job, id, plan.size).await
}

async fn complete(job: &Job, id: UploadId, size: u64) -> Result<Attempt, Trouble> {
    if !job.is_ours().await? {
        return Ok(GONE);
    }
    match complete_any(&job.drive, &request_of(job.id), id).await {
        Ok(completed) => Ok(done(OfflineCompleted { file: completed.id, size })),
        Err(CompleteError::DigestMismatch) => Ok(failed(FailureReason::DigestMismatch, None)),
        Err(CompleteError::Absent | CompleteError::Closed | CompleteError::PartsMissing { .. }) => Ok(GONE),
        Err(CompleteError::Trouble(Trouble::NoRoom)) => Ok(failed(FailureReason::StorageFull, None)),
        Err(CompleteError::Replace(error)) => Err(error.into()),
        Err(CompleteError::Trouble(trouble)) => Err(trouble),
    }
}

/// In one piece, because the source gives no part of it alone.
async fn receive_whole(job: &Job, found: OfflineFound, body: ByteStream, limit: u64) -> Result<Attempt, Trouble> {
    let (drive, upload) = (&*job.drive, found.upload);
    let left = space::left(drive, job.requested.owner).await?;
    let room = left.map_or(limit, |left| left.free.min(limit));
    if let Some(left) = left.filter(|_| found.size.is_some_and(|size| size > room)) {
        return Err(left.over());
    }
    let body = Feed::new(body, job.received.clone()).portion(u64::MAX);
    let whole = match drive.ports.staging.receive(upload, body, room).await {
        Ok(whole) => whole,
        Err(StagingError::TooLong { .. }) if let Some(left) = left.filter(|_| room < limit) => return Err(left.over()),
        Err(StagingError::TooLong { limit }) => return Ok(too_large(limit)),
        Err(StagingError::Body(error)) => return Ok(Attempt::Broken(Broken { durable_bytes: 0, cause: error.into() })),
        Err(StagingError::Full) => return Ok(failed(FailureReason::StorageFull, None)),
        Err(error) => return Err(error.into()),
    };
    let as_said = job.requested.expected_sha256.is_none_or(|expected| expected == whole.sha256);
    if !as_said || !job.is_ours().await? {
        drive.ports.staging.discard(upload).await?;
        return Ok(if as_said { GONE } else { failed(FailureReason::DigestMismatch, None) });
    }
    let merged = FileMerged {
        file: file_of(job.id),
        owner: job.requested.owner,
        content_type: content_type_of(found.content_type, &found.name),
        name: found.name,
        folder: folder::still_in_use(drive, job.requested.owner, job.requested.folder).await?,
        size: whole.size,
        sha256: whole.sha256,
        sha1: whole.sha1,
        offline: Some(job.id),
        replaces: None,
    };
    if let Err(trouble) = space::reserve(drive, merged.owner, merged.file, merged.size, Holder::Command).await {
        drive.ports.staging.discard(upload).await?;
        return Err(trouble);
    }
    match commit(drive, &request_of(job.id), upload, &merged).await.map_err(Trouble::from) {
        Ok(_) => Ok(done(OfflineCompleted { file: merged.file, size: merged.size })),
        Err(Trouble::NoRoom) => Ok(failed(FailureReason::StorageFull, None)),
        Err(trouble) => Err(trouble),
    }
}
