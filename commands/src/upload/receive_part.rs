use cairn_domain::upload::{ChunkReceived, Part, Upload, UploadCommand, UploadRejection};
use cairn_domain::{CommandId, Decider, Position, Sha256, UploadId};

use super::expire::lose;
use super::own_upload;
use super::status::stream_of;
use crate::journal::Start;
use crate::ports::ByteStream;
use crate::ports::staging::StagingError;
use crate::{Caller, Drive, Loaded, Request, Trouble};

/// A part on its way in.
pub struct PartSent {
    /// Of which upload.
    pub upload: UploadId,
    /// Which part, from 1.
    pub index: u64,
    /// Its bytes.
    pub body: ByteStream,
    /// How many bytes the client announced, if it did.
    pub announced_bytes: Option<u64>,
    /// What the client says the bytes have.
    pub sha256: Option<Sha256>,
}

/// A part that is there, durably.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartReceived {
    /// Which part, from 1.
    pub index: u64,
    /// In bytes.
    pub size: u64,
    /// Of its bytes.
    pub sha256: Sha256,
    /// Where the log then stood.
    pub position: Position,
}

/// Why the part is not there. What was there before still is.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// The caller has no such upload.
    #[error("there is no such upload")]
    Absent,
    /// The upload has ended.
    #[error("the upload takes no more parts")]
    Closed,
    /// The upload has no part of this index.
    #[error("the upload has parts 1 to {count}")]
    NoSuchPart {
        /// How many parts there are.
        count: u64,
    },
    /// The part has another size.
    #[error("the part has {expected} bytes")]
    WrongPartSize {
        /// As planned, in bytes.
        expected: u64,
    },
    /// The bytes are not the ones that were announced.
    #[error("the bytes have the SHA-256 {actual}")]
    DigestMismatch {
        /// What they have.
        actual: Sha256,
    },
    /// The body broke off.
    #[error("the body could not be read to its end")]
    Body(#[source] std::io::Error),
    /// The drive could not.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// Takes one part: its bytes first, then its event. Parts may come in any order, at once and again.
pub async fn receive_part(drive: &Drive, request: &Request, caller: &Caller, sent: PartSent) -> Result<PartReceived, PartError> {
    let loaded = own_upload(drive, caller.account, sent.upload).await?.ok_or(PartError::Absent)?;
    take_part(drive, request, &loaded, sent).await
}

/// The same for an upload that is known already, whoever sends the part.
pub(crate) async fn take_part(
    drive: &Drive,
    request: &Request,
    loaded: &Loaded<Upload>,
    sent: PartSent,
) -> Result<PartReceived, PartError> {
    let part = planned_part(&loaded.state, sent.index)?;
    if sent.announced_bytes.is_some_and(|announced| announced != part.length) {
        return Err(PartError::WrongPartSize { expected: part.length });
    }
    let taken = loaded.state.chunks().get(&part.offset).copied();
    let written = drive.ports.staging.write_part(sent.upload, part, sent.body, sent.sha256, taken.map(|chunk| chunk.sha256)).await;
    let sha256 = match written {
        Ok(sha256) => sha256,
        Err(error) => return Err(refused(drive, sent.upload, part, error).await),
    };
    let times = taken.map_or(0, |chunk| chunk.times);
    let request = Request { command: command_of(sent.upload, part.offset, sha256, times), keyed: false, ..request.clone() };
    let expires_at = drive.ports.clock.now().plus_seconds(drive.limits.upload_expires_seconds);
    let chunk = ChunkReceived { offset: part.offset, length: part.length, sha256, expires_at };
    let decide = |upload: &Loaded<Upload>| {
        let decision = upload.state.decide(UploadCommand::ReceiveChunk(chunk.clone()));
        decision.map_err(|rejection| part_error(&rejection, upload.state.plan().map_or(0, |plan| plan.count())))
    };
    let recorded = drive.journal.execute(&stream_of(sent.upload), Start::Load, &request, decide).await?;
    // The upload may have ended between the look and the record: then the fold took no notice, and the part is not in the file.
    if recorded.state.chunks().get(&part.offset).is_none_or(|chunk| chunk.sha256 != sha256) {
        return Err(PartError::Closed);
    }
    Ok(PartReceived { index: sent.index, size: part.length, sha256, position: recorded.position })
}

fn planned_part(upload: &Upload, index: u64) -> Result<Part, PartError> {
    if *upload.phase() != cairn_domain::upload::Phase::Open {
        return Err(PartError::Closed);
    }
    let plan = upload.plan().ok_or(PartError::Absent)?;
    plan.part(index).ok_or(PartError::NoSuchPart { count: plan.count() })
}

/// The same bytes at the same place make the same event, unless others stood there in between.
fn command_of(upload: UploadId, offset: u64, sha256: Sha256, times: u32) -> CommandId {
    CommandId(upload.0).then(&format!("part {offset} {sha256} {times}"))
}

async fn refused(drive: &Drive, upload: UploadId, part: Part, error: StagingError) -> PartError {
    match error {
        StagingError::TooLong { .. } | StagingError::TooShort { .. } => PartError::WrongPartSize { expected: part.length },
        StagingError::DigestMismatch { actual } => PartError::DigestMismatch { actual },
        StagingError::Body(source) => PartError::Body(source),
        other => match drive.journal.load::<Upload>(&stream_of(upload)).await {
            // The upload ended while the part came in, and its staging went with it.
            Ok(loaded) if *loaded.state.phase() != cairn_domain::upload::Phase::Open => PartError::Closed,
            Ok(_) if matches!(other, StagingError::Absent(_)) => match lose(drive, upload, false).await {
                Ok(true) => PartError::Closed,
                Ok(false) => PartError::Trouble(other.into()),
                Err(trouble) => PartError::Trouble(trouble),
            },
            _ => PartError::Trouble(other.into()),
        },
    }
}

fn part_error(rejection: &UploadRejection, count: u64) -> PartError {
    match *rejection {
        UploadRejection::Absent => PartError::Absent,
        UploadRejection::Closed(_) => PartError::Closed,
        UploadRejection::NoSuchPart => PartError::NoSuchPart { count },
        UploadRejection::WrongPartSize { expected } => PartError::WrongPartSize { expected },
        UploadRejection::AlreadyStarted
        | UploadRejection::PartsMissing { .. }
        | UploadRejection::ChangedMeanwhile
        | UploadRejection::StillAlive => PartError::Trouble(Trouble::Busy),
    }
}
