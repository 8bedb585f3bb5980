use cairn_domain::file::{File, FileCommand, FileEvent, FileRejection};
use cairn_domain::{CommandId, Decider, Event, FileId, StoredEvent, StreamName, Timestamp, codec};

use super::collect::seconds_ago;
use super::follower::{Follower, due};
use crate::file::purge_holder;
use crate::journal::Start;
use crate::ports::checkpoints::Checkpoints;
use crate::{Drive, Loaded, Request, Trouble};

/// Name of the checkpoint of what has gone.
const GONE: &str = "versions_gone";
/// Name of the checkpoint of what gets too old.
const OLD: &str = "versions_old";

/// Removes contents that were replaced longer ago than they are kept, and purges the entries that hold contents which nobody keeps any more.
/// Returns how many of the latter.
pub async fn remove_old_versions(drive: &Drive, checkpoints: &dyn Checkpoints) -> Result<u64, Trouble> {
    remove_old(drive, checkpoints).await?;
    let mut follower = Follower::open(drive, checkpoints, GONE, &["FileVersionRemoved", "FilePurged"]).await?;
    let mut purged = 0;
    loop {
        let page = follower.next().await?;
        for stored in &page.events {
            for holder in holders_left_by(drive, stored).await? {
                purged += u64::from(purge_holder(drive, stored.id, holder).await?);
            }
        }
        follower.dealt_with(&page, page.events.len()).await?;
        if page.last {
            return Ok(purged);
        }
    }
}

/// The entries that hold what this event has made needless.
async fn holders_left_by(drive: &Drive, stored: &StoredEvent) -> Result<Vec<FileId>, Trouble> {
    match stored.name.as_str() {
        "FileVersionRemoved" => Ok(match codec::decode(stored)? {
            Event::File(FileEvent::FileVersionRemoved(removed)) => removed.held_by.into_iter().collect(),
            _ => Vec::new(),
        }),
        "FilePurged" => Ok(drive.journal().load::<File>(&stored.stream).await?.state.holders().collect()),
        _ => Ok(Vec::new()),
    }
}

async fn remove_old(drive: &Drive, checkpoints: &dyn Checkpoints) -> Result<(), Trouble> {
    let (now, latest) = (drive.ports().clock.now(), seconds_ago(drive, drive.limits().version_expires_seconds));
    let names = ["FileReplaced"];
    let mut follower = Follower::open(drive, checkpoints, OLD, &names).await?;
    loop {
        let page = follower.next().await?;
        let due = due(&page.events, &names, latest, now);
        for stored in due {
            // What this event has replaced, and whatever was replaced before.
            remove_replaced_before(drive, stored, Timestamp(latest.0.saturating_add(1))).await?;
        }
        follower.dealt_with(&page, due.len()).await?;
        if due.len() < page.events.len() || page.last {
            return Ok(());
        }
    }
}

async fn remove_replaced_before(drive: &Drive, stored: &StoredEvent, replaced_before: Timestamp) -> Result<(), Trouble> {
    let command = CommandId(stored.id.0).then("remove old versions");
    let request = Request::of_system(command).because_of(stored.id, command);
    let decide = |file: &Loaded<File>| match file.state.decide(FileCommand::RemoveVersions { replaced_before }) {
        Err(FileRejection::Absent) => Ok(Vec::new()),
        decision => decision.map_err(|rejection| Trouble::Broken(format!("{rejection:?}").into())),
    };
    let stream: &StreamName = &stored.stream;
    drive.journal().execute::<File, Trouble>(stream, Start::Load, &request, decide).await.map(drop)
}
