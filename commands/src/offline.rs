//! Offline download: the drive itself fetches a file from a URL.
//!
//! Asking for it is a use case of this module; fetching is [`sagas::offline`](crate::sagas::offline). What was asked for stands on a stream of its
//! own, the bytes come as an upload like any other, and the ids of both, and of the entry, follow from the download's: however often it is begun,
//! there is one file.

mod cancel;
mod create;
mod known;
mod naming;
mod under_way;

pub use cancel::{CancelOfflineError, cancel};
pub use create::{CreateOfflineError, OfflineWish, create};
pub(crate) use known::take_known;
pub(crate) use naming::name_of;
pub(crate) use under_way::{Turn, UnderWay};

use cairn_domain::offline::{Offline, OfflineCommand, OfflineRejection, Phase};
use cairn_domain::{AccountId, CommandId, Decider, FileId, OfflineId, StreamName, UploadId};

use crate::journal::Start;
use crate::upload::GivenUp;
use crate::{Drive, Loaded, Request, Trouble, upload};

/// What the drive allows of offline downloads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfflineLimits {
    /// The largest file that is fetched, in bytes; never more than any file may have.
    pub bytes_max: u64,
    /// How long a download may take after it was first started, in seconds.
    pub seconds_max: u64,
    /// After so many failures without a part more it is given up.
    pub attempts_max: u32,
    /// Downloads that one account may have waiting and running at once.
    pub jobs_per_account_max: u64,
}

impl Default for OfflineLimits {
    fn default() -> Self {
        Self { bytes_max: 1 << 40, seconds_max: 24 * 60 * 60, attempts_max: 8, jobs_per_account_max: 20 }
    }
}

/// The caller's own download; somebody else's is as absent as one that never was.
pub async fn own_offline(drive: &Drive, owner: AccountId, id: OfflineId) -> Result<Option<Loaded<Offline>>, Trouble> {
    let loaded = load(drive, id).await?;
    Ok(Some(loaded).filter(|offline| offline.state.requested().is_some_and(|requested| requested.owner == owner)))
}

/// How many bytes have come so far. Of one that runs in this process it is known to the byte, of others as the log last heard.
pub fn received_bytes(drive: &Drive, id: OfflineId, last_heard: u64) -> u64 {
    drive.under_way.received_bytes(id).unwrap_or(last_heard)
}

pub(crate) async fn load(drive: &Drive, id: OfflineId) -> Result<Loaded<Offline>, Trouble> {
    drive.journal.load(&StreamName::offline(id)).await
}

/// The entry that a download becomes.
pub(crate) fn file_of(id: OfflineId) -> FileId {
    request_of(id).new_file()
}

/// What the system does to make the entry: the same ids whoever does it, and however often.
pub(crate) fn request_of(id: OfflineId) -> Request {
    Request { keyed: true, ..Request::of_system(CommandId(id.0)) }
}

/// Whether a download that is under way receives its bytes as that upload just now.
pub(crate) async fn needs(drive: &Drive, id: OfflineId, upload: UploadId) -> Result<bool, Trouble> {
    let offline = load(drive, id).await?.state;
    Ok(offline.is_open() && offline.found().is_some_and(|found| found.upload == upload))
}

/// A change that is decided whenever it comes up, not once for all.
pub(crate) async fn change(
    drive: &Drive,
    id: OfflineId,
    command: OfflineCommand,
) -> Result<Result<Loaded<Offline>, OfflineRejection>, Trouble> {
    enum No {
        Rejected(OfflineRejection),
        Trouble(Trouble),
    }
    impl From<Trouble> for No {
        fn from(trouble: Trouble) -> Self {
            Self::Trouble(trouble)
        }
    }
    let request = Request::of_system(drive.ports.ids.command());
    let decide = |offline: &Loaded<Offline>| offline.state.decide(command.clone()).map_err(No::Rejected);
    match drive.journal.execute::<Offline, No>(&StreamName::offline(id), Start::Load, &request, decide).await {
        Ok(offline) => Ok(Ok(offline)),
        Err(No::Rejected(rejection)) => Ok(Err(rejection)),
        Err(No::Trouble(trouble)) => Err(trouble),
    }
}

/// Gives back what one that has ended without a file holds. One whose bytes had become a file before, after all, is completed.
pub(crate) async fn tidy(drive: &Drive, id: OfflineId, offline: Loaded<Offline>) -> Result<Loaded<Offline>, Trouble> {
    let (Phase::Cancelled | Phase::Failed(_), Some(found)) = (offline.state.phase(), offline.state.found()) else {
        return Ok(offline);
    };
    match upload::give_up(drive, found.upload).await? {
        GivenUp::Gone => Ok(offline),
        GivenUp::Merged(merged) => {
            let file = upload::finish_merged(drive, &request_of(id), found.upload, &merged).await?;
            let size = merged.size;
            let completed = change(drive, id, OfflineCommand::Complete { file, size }).await?;
            completed.or(Ok(offline))
        }
    }
}
