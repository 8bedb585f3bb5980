use cairn_domain::offline::{Offline, OfflineCommand, OfflineCompleted, OfflineRejection, OfflineRequested};
use cairn_domain::{Decider, FileName, FolderId, OfflineId, Sha256, StreamName};

use super::{change, load, take_known};
use crate::journal::Start;
use crate::ports::fetch::FetchError;
use crate::{Caller, Drive, Loaded, Request, Trouble, folder};

/// Somebody wants a file from elsewhere.
#[derive(Debug, Clone)]
pub struct OfflineWish {
    /// Where it is.
    pub url: String,
    /// What it shall be called; none for what the source calls it.
    pub name: Option<FileName>,
    /// Where it shall stand; none is the top.
    pub folder: Option<FolderId>,
    /// What its bytes shall have, if the caller knows.
    pub sha256: Option<Sha256>,
}

/// Why nothing will be fetched.
#[derive(Debug, thiserror::Error)]
pub enum CreateOfflineError {
    /// The URL is of a kind or at an address that is not asked.
    #[error("the URL is refused: {0}")]
    UrlRefused(&'static str),
    /// There is no such folder.
    #[error("there is no such folder")]
    NoSuchFolder,
    /// The account has as many downloads under way as it may.
    #[error("at most {limit} downloads may be under way at once")]
    TooMany {
        /// How many may be.
        limit: u64,
    },
    /// The drive could not.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// Notes that the file is to be fetched. When the caller has said what its bytes will have, and has them already, it is there at once.
pub async fn create(
    drive: &Drive,
    request: &Request,
    caller: &Caller,
    wish: OfflineWish,
) -> Result<(OfflineId, Loaded<Offline>), CreateOfflineError> {
    let id = OfflineId(request.command.derive("offline"));
    let (mut offline, requested) = ask(drive, request, caller, id, wish).await?;
    match take_known(drive, id, &requested).await {
        Ok(None) => {}
        Ok(Some(OfflineCompleted { file, size })) => {
            offline = change(drive, id, OfflineCommand::Complete { file, size }).await?.unwrap_or(offline);
        }
        // It is noted: whoever fetches it looks again.
        Err(trouble) => {
            tracing::info!(offline = %id, error = &trouble as &dyn std::error::Error, "a download is not there at once");
        }
    }
    drive.visible(offline.position).await;
    Ok((id, offline))
}

/// Notes it, if it may be. The next one of the account is judged when this one counts: of one process, however many come at once.
async fn ask(
    drive: &Drive,
    request: &Request,
    caller: &Caller,
    id: OfflineId,
    wish: OfflineWish,
) -> Result<(Loaded<Offline>, OfflineRequested), CreateOfflineError> {
    let _turn = drive.asking.turn(caller.account.0).await;
    // A request that comes again is not judged by what it did itself.
    let noted = if request.keyed { load(drive, id).await?.state.requested().cloned() } else { None };
    let requested = match noted {
        Some(requested) => requested,
        None => judge(drive, caller, wish).await?,
    };
    let offline = note(drive, request, id, &requested).await?;
    drive.visible(offline.position).await;
    Ok((offline, requested))
}

/// What is to be noted, if it may be.
async fn judge(drive: &Drive, caller: &Caller, wish: OfflineWish) -> Result<OfflineRequested, CreateOfflineError> {
    if !folder::is_in_use(drive, caller.account, wish.folder).await? {
        return Err(CreateOfflineError::NoSuchFolder);
    }
    let limit = drive.limits.offline.jobs_per_account_max;
    if drive.ports.views.open_offline(caller.account).await.map_err(Trouble::from)? >= limit {
        return Err(CreateOfflineError::TooMany { limit });
    }
    let url = drive.ports.fetch.check(&wish.url).await.map_err(|error| match error {
        FetchError::Refused(reason) => CreateOfflineError::UrlRefused(reason),
        other => CreateOfflineError::Trouble(Trouble::Unavailable(other.into())),
    })?;
    let OfflineWish { name, folder, sha256: expected_sha256, .. } = wish;
    Ok(OfflineRequested { owner: caller.account, url, name, folder, expected_sha256 })
}

async fn note(
    drive: &Drive,
    request: &Request,
    id: OfflineId,
    requested: &OfflineRequested,
) -> Result<Loaded<Offline>, CreateOfflineError> {
    let decide = |offline: &Loaded<Offline>| match offline.state.decide(OfflineCommand::Request(requested.clone())) {
        Ok(events) => Ok(events),
        Err(OfflineRejection::AlreadyRequested) => Ok(Vec::new()),
        Err(other) => Err(CreateOfflineError::Trouble(Trouble::Broken(format!("{other:?}").into()))),
    };
    drive.journal.execute(&StreamName::offline(id), Start::Fresh, request, decide).await
}
