use super::Visitor;
use super::event::{ShareCreated, ShareSaved};
use crate::{DownloadId, Sha256, Timestamp};

/// What may be asked of a share.
#[derive(Debug, Clone)]
pub enum ShareCommand {
    /// Make it.
    Create(ShareCreated),
    /// Give it other terms.
    Change(ChangeTerms),
    /// Begin a download, or go on with one.
    Download(StartDownload),
    /// All of a download was sent.
    EndDownload(DownloadId),
    /// Put the file into somebody's drive.
    Save {
        /// The new entry.
        saved: ShareSaved,
        /// The time now.
        at: Timestamp,
    },
    /// End it.
    Revoke,
}

/// What shall change; what is none stays, and `Some(None)` clears it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangeTerms {
    /// The password's hash.
    pub password_hash: Option<Option<String>>,
    /// When it ends by itself.
    pub expires_at: Option<Option<Timestamp>>,
    /// How many downloads there may be.
    pub max_downloads: Option<Option<u64>>,
}

/// Somebody asks for bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartDownload {
    /// The download, if it is a new one.
    pub download: DownloadId,
    /// Who asks.
    pub visitor: Visitor,
    /// What they get.
    pub sha256: Sha256,
    /// The time now.
    pub at: Timestamp,
    /// Whether a part is asked for, which goes on with whatever download of theirs is under way.
    pub in_part: bool,
    /// Downloads that are known to have broken off: asked for anew, they go on as well.
    pub broken: Vec<DownloadId>,
    /// Downloads of which everything was sent a moment ago: nobody goes on with them, though their end is not on the log yet.
    pub sent: Vec<DownloadId>,
}
