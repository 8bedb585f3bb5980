use cairn_domain::file::{File, FileCommand, FileRejection, FileStatus};
use cairn_domain::folder::{FolderCommand, FolderEvent, FolderRejection, Tree};
use cairn_domain::{AccountId, CommandId, Decider, Event, FileId, FolderId, StoredEvent, StreamName, Timestamp, codec};

use super::collect::seconds_ago;
use super::follower::{Follower, due};
use crate::journal::Start;
use crate::ports::checkpoints::Checkpoints;
use crate::{Drive, Loaded, Request, Trouble};

/// Name of the checkpoint.
const NAME: &str = "empty_trash";

/// Purges files and folders that have been in the trash for longer than the limit. Returns how many. What stood in the folders follows
/// ([`empty_folders`](super::empty_folders())).
pub async fn empty_trash(drive: &Drive, checkpoints: &dyn Checkpoints) -> Result<u64, Trouble> {
    let (now, latest) = (drive.ports().clock.now(), seconds_ago(drive, drive.limits().trash_expires_seconds));
    let mut follower = Follower::open(drive, checkpoints, NAME).await?;
    let mut purged = 0;
    loop {
        let page = follower.page().await?;
        let due = due(&page.events, &["FileTrashed", "FolderTrashed"], latest, now);
        for stored in due {
            match purge(drive, stored, now).await {
                Ok(gone) => purged += u64::from(gone),
                // One that can't be judged must not keep the others.
                Err(trouble @ Trouble::Broken(_)) => {
                    tracing::error!(stream = %stored.stream, error = ?trouble, "what is in the trash can't be purged");
                }
                Err(trouble) => return Err(trouble),
            }
        }
        follower.dealt_with(due).await?;
        if due.len() < page.events.len() || page.last {
            return Ok(purged);
        }
    }
}

async fn purge(drive: &Drive, stored: &StoredEvent, now: Timestamp) -> Result<bool, Trouble> {
    match stored.name.as_str() {
        "FileTrashed" => match stored.stream.id().parse() {
            Ok(file) => purge_file(drive, stored, file).await,
            Err(_) => Ok(false),
        },
        "FolderTrashed" => match (stored.stream.id().parse(), codec::decode(stored)) {
            (Ok(owner), Ok(Event::Folder(FolderEvent::FolderTrashed(trashed)))) => {
                purge_folder(drive, stored, owner, trashed.folder, now).await
            }
            (_, Ok(_)) => Ok(false),
            (_, Err(error)) => Err(Trouble::Broken(error.into())),
        },
        _ => Ok(false),
    }
}

/// Unless it was taken out since; in the trash nothing else happens to it.
async fn purge_file(drive: &Drive, stored: &StoredEvent, id: FileId) -> Result<bool, Trouble> {
    let decide = |file: &Loaded<File>| {
        let since = file.version.is_some_and(|version| version == stored.version);
        let trashed = file.state.entry().is_some_and(|entry| entry.status == FileStatus::Trashed);
        if !(since && trashed) {
            return Ok(Vec::new());
        }
        match file.state.decide(FileCommand::Purge) {
            Err(FileRejection::Absent) => Ok(Vec::new()),
            decision => decision.map_err(|rejection| Trouble::Broken(format!("{rejection:?}").into())),
        }
    };
    let before = drive.journal().load::<File>(&StreamName::file(id)).await?.state.entry().is_some();
    let file = drive.journal().execute::<File, Trouble>(&StreamName::file(id), Start::Load, &request(stored), decide).await?;
    Ok(before && file.state.entry().is_none())
}

/// Unless it was taken out since, and perhaps put there again later.
async fn purge_folder(
    drive: &Drive,
    stored: &StoredEvent,
    owner: AccountId,
    id: FolderId,
    now: Timestamp,
) -> Result<bool, Trouble> {
    let since = |tree: &Tree| tree.folder(id).is_some_and(|folder| folder.trashed && folder.updated_at <= stored.time);
    let decide = |tree: &Loaded<Tree>| {
        if !since(&tree.state) {
            return Ok(Vec::new());
        }
        match tree.state.decide(FolderCommand::Purge { folder: id, at: now }) {
            Err(FolderRejection::Absent) => Ok(Vec::new()),
            decision => decision.map_err(|rejection| Trouble::Broken(format!("{rejection:?}").into())),
        }
    };
    let before = since(&drive.journal().load::<Tree>(&StreamName::tree(owner)).await?.state);
    let tree = drive.journal().execute::<Tree, Trouble>(&StreamName::tree(owner), Start::Load, &request(stored), decide).await?;
    Ok(before && tree.state.folder(id).is_none())
}

fn request(stored: &StoredEvent) -> Request {
    let command = CommandId(stored.id.0).then("empty the trash");
    Request::of_system(command).because_of(stored.id, command)
}
