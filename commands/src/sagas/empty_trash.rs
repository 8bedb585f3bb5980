use cairn_domain::file::{File, FileCommand, FileRejection, FileStatus};
use cairn_domain::folder::{FolderCommand, FolderEvent, FolderRejection, Tree};
use cairn_domain::{AccountId, CommandId, Decider, Event, FileId, FolderId, StoredEvent, StreamName, Timestamp, Version, codec};

use super::collect::seconds_ago;
use super::follower::{Follower, due};
use crate::folder::contents::purge_contents_of;
use crate::journal::Start;
use crate::ports::checkpoints::Checkpoints;
use crate::{Drive, Loaded, Request, Trouble};

/// Name of the checkpoint.
const NAME: &str = "empty_trash";
/// Events that one read asks for.
const PAGE: usize = 1_000;

/// Purges files and folders that have been in the trash for longer than the limit. Returns how many. What stood in the folders follows at
/// once; what is put there meanwhile, or could not be purged, later ([`empty_folders`](super::empty_folders())).
pub async fn empty_trash(drive: &Drive, checkpoints: &dyn Checkpoints) -> Result<u64, Trouble> {
    let (now, latest) = (drive.ports().clock.now(), seconds_ago(drive, drive.limits().trash_expires_seconds));
    let names = ["FileTrashed", "FolderTrashed"];
    let mut follower = Follower::open(drive, checkpoints, NAME, &names).await?;
    let mut purged = 0;
    loop {
        let page = follower.next().await?;
        let due = due(&page.events, &names, latest, now);
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
        follower.dealt_with(&page, due.len()).await?;
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

/// How often a file is judged anew because something happened to it meanwhile.
const JUDGED_MAX: u32 = 5;

/// Unless it was taken out since, and perhaps put there again.
async fn purge_file(drive: &Drive, stored: &StoredEvent, id: FileId) -> Result<bool, Trouble> {
    let stream = StreamName::file(id);
    for _ in 0..JUDGED_MAX {
        let before = drive.journal().load::<File>(&stream).await?;
        let Some(seen) = before.version else { return Ok(false) };
        if before.state.entry().is_none_or(|entry| entry.status != FileStatus::Trashed)
            || was_moved_since(drive, &stream, stored.version).await?
        {
            return Ok(false);
        }
        let decide = |file: &Loaded<File>| match file.state.decide(FileCommand::Purge) {
            _ if file.version != Some(seen) => Ok(Vec::new()),
            Err(FileRejection::Absent) => Ok(Vec::new()),
            decision => decision.map_err(|rejection| Trouble::Broken(format!("{rejection:?}").into())),
        };
        let file = drive.journal().execute::<File, Trouble>(&stream, Start::Load, &request(stored), decide).await?;
        if file.state.entry().is_none() {
            return Ok(true);
        }
    }
    Err(Trouble::Busy)
}

/// Whether it went out of the trash, or into it, after that event.
async fn was_moved_since(drive: &Drive, stream: &StreamName, version: Version) -> Result<bool, Trouble> {
    let mut from = version.next();
    loop {
        let page = drive.ports().log.read_stream(stream, from, PAGE).await?;
        if page.iter().any(|event| ["FileTrashed", "FileRestored"].contains(&event.name.as_str())) {
            return Ok(true);
        }
        match page.last() {
            Some(last) if page.len() == PAGE => from = last.version.next(),
            _ => return Ok(false),
        }
    }
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
    let (stream, request) = (StreamName::tree(owner), request(stored));
    let before = drive.journal().load::<Tree>(&stream).await?.state;
    let tree = drive.journal().execute::<Tree, Trouble>(&stream, Start::Load, &request, decide).await?;
    if !since(&before) || tree.state.folder(id).is_some() {
        return Ok(false);
    }
    let cause = request.command.event(stream.as_str(), 0);
    if let Err(trouble) = purge_contents_of(drive, owner, &before.with_all_below(id), cause, |_| true).await {
        tracing::warn!(error = &trouble as &dyn std::error::Error, "what stood in a folder is purged later");
    }
    Ok(true)
}

fn request(stored: &StoredEvent) -> Request {
    let command = CommandId(stored.id.0).then("empty the trash");
    Request::of_system(command).because_of(stored.id, command)
}
