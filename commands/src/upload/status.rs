use cairn_domain::upload::{PartRange, Phase, Plan, Upload};
use cairn_domain::{AccountId, FileId, FileName, FolderId, Sha256, StreamName, Timestamp, UploadId};

use super::own_upload;
use crate::{Drive, Loaded, Trouble};

/// How an upload stands, as its owner may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadStatus {
    /// Which.
    pub id: UploadId,
    /// What the file will be called.
    pub name: FileName,
    /// Where the file will stand; none is the top.
    pub folder: Option<FolderId>,
    /// What its SHA-256 will be, if the client said so.
    pub expected_sha256: Option<Sha256>,
    /// How it is cut.
    pub plan: Plan,
    /// Which parts are there.
    pub received: Vec<PartRange>,
    /// Which parts are not.
    pub missing: Vec<PartRange>,
    /// Where it is in its life.
    pub state: UploadState,
    /// When it ends by itself if nothing comes.
    pub expires_at: Timestamp,
    /// The entry that it became.
    pub file: Option<FileId>,
}

/// Where an upload is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadState {
    /// Parts may come.
    Open,
    /// The parts are being put together.
    Merging,
    /// It is a file.
    Merged,
    /// Its owner gave it up.
    Cancelled,
    /// Nothing came for too long.
    Expired,
    /// Its bytes were not what was declared.
    Rejected,
}

impl UploadStatus {
    /// True while parts may come.
    pub fn takes_parts(&self) -> bool {
        matches!(self.state, UploadState::Open | UploadState::Merging)
    }
}

/// How the caller's upload stands; none when they have no such upload.
pub async fn status(drive: &Drive, owner: AccountId, id: UploadId) -> Result<Option<UploadStatus>, Trouble> {
    let loaded = own_upload(drive, owner, id).await?;
    Ok(loaded.and_then(|loaded| status_of(drive, id, &loaded)))
}

/// How a folded upload stands; none when it never started.
pub fn status_of(drive: &Drive, id: UploadId, loaded: &Loaded<Upload>) -> Option<UploadStatus> {
    let upload = &loaded.state;
    let started = upload.started()?;
    let (state, file) = match upload.phase() {
        Phase::Open if drive.is_merging(id) => (UploadState::Merging, None),
        Phase::Open => (UploadState::Open, None),
        Phase::Merged(merged) => (UploadState::Merged, Some(merged.replaces.unwrap_or(merged.file))),
        Phase::Cancelled => (UploadState::Cancelled, None),
        Phase::Expired => (UploadState::Expired, None),
        Phase::Rejected(_) => (UploadState::Rejected, None),
    };
    Some(UploadStatus {
        id,
        name: started.name.clone(),
        folder: started.folder,
        expected_sha256: started.expected_sha256,
        plan: upload.plan()?,
        received: upload.received(),
        missing: upload.missing(),
        state,
        expires_at: upload.expires_at(),
        file,
    })
}

/// The id of the entry that an upload in parts becomes.
pub(super) fn file_of(upload: UploadId) -> FileId {
    FileId(cairn_domain::CommandId(upload.0).derive("file"))
}

pub(super) fn stream_of(upload: UploadId) -> StreamName {
    StreamName::upload(upload)
}
