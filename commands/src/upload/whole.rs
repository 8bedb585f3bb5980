use cairn_domain::blob::Blob;
use cairn_domain::space::Holder;
use cairn_domain::upload::{FileMerged, Upload, UploadCommand};
use cairn_domain::{Decider, FileId, FileName, FolderId, Sha256, StreamName, UploadId};

use super::settle::{Merged, Stored, merge_command, settle};
use super::status::stream_of;
use crate::file::{ReplaceError, content_type_of, may_replace};
use crate::folder;
use crate::journal::Start;
use crate::ports::ByteStream;
use crate::ports::staging::{StagingError, Whole};
use crate::{Caller, Drive, Loaded, Request, Trouble, space};

/// Somebody sends a file in one piece.
#[derive(Debug, Clone)]
pub struct WholeUpload {
    /// What the file will be called.
    pub name: FileName,
    /// Where it will stand; none is the top.
    pub folder: Option<FolderId>,
    /// Its media type, if the sender told it.
    pub content_type: Option<String>,
    /// The entry whose content it will be; none makes an entry of its own.
    pub replaces: Option<FileId>,
}

/// A whole file that is durable and hashed, and not yet anybody's.
#[derive(Debug, Clone, Copy)]
pub struct Received {
    staged: UploadId,
    /// Its size and digests, as the server computed them.
    pub whole: Whole,
}

/// Why the file was not stored. Nothing of it is left.
#[derive(Debug, thiserror::Error)]
pub enum WholeError {
    /// More bytes came than a file may have.
    #[error("the file is larger than {limit} bytes")]
    TooLarge {
        /// In bytes.
        limit: u64,
    },
    /// The bytes are not the ones that were announced.
    #[error("the bytes have the SHA-256 {actual}")]
    DigestMismatch {
        /// What they have.
        actual: Sha256,
    },
    /// There is no such folder.
    #[error("there is no such folder")]
    NoSuchFolder,
    /// The entry can't get another content.
    #[error(transparent)]
    Replace(#[from] ReplaceError),
    /// The body broke off.
    #[error("the body could not be read to its end")]
    Body(#[source] std::io::Error),
    /// The drive could not.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

impl From<StagingError> for WholeError {
    fn from(error: StagingError) -> Self {
        match error {
            StagingError::TooLong { limit } => Self::TooLarge { limit },
            StagingError::DigestMismatch { actual } => Self::DigestMismatch { actual },
            StagingError::Body(source) => Self::Body(source),
            other => Self::Trouble(other.into()),
        }
    }
}

/// Takes the bytes. What has been received must be stored or discarded.
///
/// What the caller has no space for is refused as soon as it is too much; not under a key, where it may be in the drive already.
pub async fn receive_whole(
    drive: &Drive,
    caller: &Caller,
    keyed: bool,
    body: ByteStream,
    expected: Option<Sha256>,
) -> Result<Received, WholeError> {
    let staged = UploadId(drive.ports.ids.command().0);
    let left = if keyed { None } else { space::left(drive, caller.account).await? };
    let max = drive.limits.file_bytes_max;
    let limit = left.map_or(max, |left| left.free.min(max));
    let whole = match (drive.ports.staging.receive(staged, body, limit).await, left) {
        (Err(StagingError::TooLong { .. }), Some(left)) if limit < max => return Err(WholeError::Trouble(left.over())),
        (whole, _) => whole?,
    };
    match expected {
        Some(expected) if expected != whole.sha256 => {
            drive.ports.staging.discard(staged).await?;
            Err(WholeError::DigestMismatch { actual: whole.sha256 })
        }
        _ => Ok(Received { staged, whole }),
    }
}

/// Gives the space of received bytes back.
pub async fn discard_received(drive: &Drive, received: Received) -> Result<(), Trouble> {
    Ok(drive.ports.staging.discard(received.staged).await?)
}

/// Makes an entry of received bytes.
pub async fn store_whole(
    drive: &Drive,
    request: &Request,
    caller: &Caller,
    received: Received,
    wish: WholeUpload,
) -> Result<Stored, WholeError> {
    if !folder::is_in_use(drive, caller.account, wish.folder).await? {
        discard_received(drive, received).await?;
        return Err(WholeError::NoSuchFolder);
    }
    if let Err(error) = may_replace(drive, caller, wish.replaces).await {
        discard_received(drive, received).await?;
        return Err(error.into());
    }
    let merged = merged_of(request, caller, received.whole, wish);
    let reserved = space::reserve(drive, caller.account, merged.file, merged.size, Holder::Command).await;
    if let Err(trouble) = reserved {
        discard_received(drive, received).await?;
        return Err(trouble.into());
    }
    match commit(drive, request, received.staged, &merged).await {
        Ok(stored) => {
            drive.visible(stored.file.position).await;
            Ok(stored)
        }
        Err(error) => Err(error.into()),
    }
}

fn merged_of(request: &Request, caller: &Caller, whole: Whole, wish: WholeUpload) -> FileMerged {
    FileMerged {
        file: request.new_file(),
        owner: caller.account,
        content_type: content_type_of(wish.content_type, &wish.name),
        name: wish.name,
        folder: wish.folder,
        size: whole.size,
        sha256: whole.sha256,
        sha1: whole.sha1,
        replaces: wish.replaces,
    }
}

async fn commit(drive: &Drive, request: &Request, upload: UploadId, merged: &FileMerged) -> Result<Stored, ReplaceError> {
    let stream = stream_of(upload);
    let command = merge_command(upload);
    let merging = Request { command, keyed: false, ..request.clone() };
    let decide = |upload: &Loaded<Upload>| {
        let decision = upload.state.decide(UploadCommand::StoreWhole(merged.clone()));
        decision.map_err(|rejection| Trouble::Broken(format!("{rejection:?}").into()))
    };
    // Side by side: the look at the content costs the log little and would cost the caller a wait.
    let (blob_stream, journal) = (StreamName::blob(merged.sha256), &drive.journal);
    let (stored, blob) = tokio::join!(
        journal.execute::<Upload, Trouble>(&stream, Start::Fresh, &merging, decide),
        journal.load::<Blob>(&blob_stream),
    );
    if let Err(trouble) = stored {
        // Known not to be on the log, the bytes can go; otherwise the clean-up decides when the log answers.
        if matches!(trouble, Trouble::NoRoom) {
            drive.ports.staging.discard(upload).await.map_err(Trouble::from)?;
        }
        return Err(trouble.into());
    }
    let start = if request.keyed { Start::Load } else { Start::Fresh };
    let cause = command.event(stream.as_str(), 0);
    settle(drive, request, Merged { upload, staged: upload, cause, event: merged, start, blob: Some(blob?) }).await
}
