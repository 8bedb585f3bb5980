use cairn_domain::space::Holder;
use cairn_domain::upload::{Plan, Upload, UploadCommand, UploadRejection, UploadStarted};
use cairn_domain::{Decider, FileId, FileName, FolderId, Position, Sha1, Sha256, StreamName, UploadId};

use super::own_upload;
use super::status::{UploadStatus, file_of, status_of};
use crate::file::{ReplaceError, content_type_of, may_replace};
use crate::folder;
use crate::journal::Start;
use crate::ports::views::OpenUploadKey;
use crate::{Caller, Drive, Loaded, Request, Trouble, space};

/// Somebody wants to send a file in parts.
#[derive(Debug, Clone)]
pub struct StartUpload {
    /// What the file will be called.
    pub name: FileName,
    /// Where it will stand; none is the top.
    pub folder: Option<FolderId>,
    /// In bytes.
    pub size: u64,
    /// What the bytes will have, if the client knows.
    pub sha256: Option<Sha256>,
    /// What the bytes will have, if the client knows.
    pub sha1: Option<Sha1>,
    /// The wished size of a part, in bytes.
    pub part_bytes: Option<u64>,
    /// The entry whose content it will be; none makes an entry of its own.
    pub replaces: Option<FileId>,
}

/// An upload that takes parts.
#[derive(Debug, Clone)]
pub struct Started {
    /// How it stands.
    pub status: UploadStatus,
    /// False when it was open before.
    pub new: bool,
    /// Where the log then stood.
    pub position: Position,
}

/// Why no upload was started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The file would be larger than allowed.
    #[error("the file is larger than {limit} bytes")]
    TooLarge {
        /// In bytes.
        limit: u64,
    },
    /// The wished part size can't be had.
    #[error("a part has 1 to {limit} bytes")]
    PartSize {
        /// In bytes.
        limit: u64,
    },
    /// There is no such folder.
    #[error("there is no such folder")]
    NoSuchFolder,
    /// The entry can't get another content.
    #[error(transparent)]
    Replace(#[from] ReplaceError),
    /// The account has as many uploads open as it may.
    #[error("at most {limit} uploads may be open at once")]
    TooManyUploads {
        /// How many may be.
        limit: u64,
    },
    /// The drive could not.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// Starts an upload in parts, or finds the caller's own open one of the same file again.
pub async fn start(drive: &Drive, request: &Request, caller: &Caller, wish: StartUpload) -> Result<Started, StartError> {
    let part_bytes = check(drive, &wish)?;
    if !folder::is_in_use(drive, caller.account, wish.folder).await? {
        return Err(StartError::NoSuchFolder);
    }
    may_replace(drive, caller, wish.replaces).await?;
    if let Some(open) = same_open_upload(drive, caller, &wish).await? {
        return Ok(open);
    }
    let limit = drive.limits.uploads_open_max;
    if drive.ports.views.open_uploads(caller.account).await.map_err(Trouble::from)? >= limit {
        return Err(StartError::TooManyUploads { limit });
    }
    let id = UploadId(request.command.derive("upload"));
    space::reserve(drive, caller.account, file_of(id), wish.size, Holder::Upload(id)).await?;
    // Room first, then the promise: when there is no room, nothing was promised.
    if let Err(error) = drive.ports.staging.open(id, wish.size).await {
        space::release(drive, caller.account, file_of(id)).await;
        return Err(Trouble::from(error).into());
    }
    let started = UploadStarted {
        owner: caller.account,
        content_type: content_type_of(None, &wish.name),
        name: wish.name,
        folder: wish.folder,
        size: wish.size,
        part_bytes: Plan::new(wish.size, part_bytes, drive.limits.parts_max).part_bytes,
        expected_sha256: wish.sha256,
        expected_sha1: wish.sha1,
        expires_at: drive.ports.clock.now().plus_seconds(drive.limits.upload_expires_seconds),
        replaces: wish.replaces,
        offline: None,
    };
    let decide = |upload: &Loaded<Upload>| match upload.state.decide(UploadCommand::Start(started.clone())) {
        Ok(events) => Ok(events),
        Err(UploadRejection::AlreadyStarted) => Ok(Vec::new()),
        Err(other) => Err(StartError::Trouble(Trouble::Broken(format!("{other:?}").into()))),
    };
    let loaded = drive.journal.execute(&StreamName::upload(id), Start::Fresh, request, decide).await;
    if let Err(StartError::Trouble(Trouble::NoRoom)) = &loaded {
        // Known not to be on the log. After any other trouble it may be, and then its parts need the room.
        drive.ports.staging.discard(id).await.map_err(Trouble::from)?;
    }
    let loaded = loaded?;
    drive.visible(loaded.position).await;
    let status = status_of(drive, id, &loaded).ok_or(Trouble::Busy)?;
    Ok(Started { status, new: true, position: loaded.position })
}

/// The part size to plan with, if the wish can be had.
fn check(drive: &Drive, wish: &StartUpload) -> Result<u64, StartError> {
    let limits = &drive.limits;
    if wish.size > limits.file_bytes_max {
        return Err(StartError::TooLarge { limit: limits.file_bytes_max });
    }
    let part_bytes = wish.part_bytes.unwrap_or(limits.part_bytes_default);
    if part_bytes == 0 || part_bytes > limits.part_bytes_max {
        return Err(StartError::PartSize { limit: limits.part_bytes_max });
    }
    Ok(part_bytes)
}

async fn same_open_upload(drive: &Drive, caller: &Caller, wish: &StartUpload) -> Result<Option<Started>, Trouble> {
    let alike = OpenUploadKey {
        owner: caller.account,
        name: wish.name.clone(),
        size: wish.size,
        sha256: wish.sha256,
        sha1: wish.sha1,
        folder: wish.folder,
    };
    let Some(id) = drive.ports.views.open_upload(&alike).await? else { return Ok(None) };
    let Some(loaded) = own_upload(drive, caller.account, id).await? else { return Ok(None) };
    let same = loaded.state.started().is_some_and(|started| started.replaces == wish.replaces);
    let status = status_of(drive, id, &loaded).filter(|status| same && status.takes_parts());
    Ok(status.map(|status| Started { status, new: false, position: loaded.position }))
}
