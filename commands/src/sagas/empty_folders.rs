use cairn_domain::folder::FolderEvent;
use cairn_domain::{AccountId, Event, FolderId, StoredEvent, codec};

use super::collect::seconds_ago;
use super::follower::{Follower, due};
use crate::folder::contents::purge_contents_of;
use crate::ports::checkpoints::Checkpoints;
use crate::{Drive, Trouble};

/// Name of the checkpoint.
const NAME: &str = "empty_folders";

/// Purges what stood in folders that were purged more than `patience_seconds` ago: what the command left, and what somebody put there while
/// it ran. Returns how many entries.
pub async fn empty_folders(drive: &Drive, checkpoints: &dyn Checkpoints, patience_seconds: u64) -> Result<u64, Trouble> {
    let (now, latest) = (drive.ports().clock.now(), seconds_ago(drive, patience_seconds));
    let names = ["FolderPurged"];
    let mut follower = Follower::open(drive, checkpoints, NAME, &names).await?;
    let head = drive.ports().log.head().await?;
    let mut purged = 0;
    loop {
        let page = follower.next().await?;
        let due = due(&page.events, &names, latest, now);
        // What the read tables do not show yet would never be looked for again.
        if !due.is_empty() && !drive.ports().views.reached(head).await {
            return Ok(purged);
        }
        for stored in due {
            if let Some((owner, folders)) = purged_folders(stored) {
                purged += purge_contents_of(drive, owner, &folders, stored.id, |_| true).await?;
            }
        }
        follower.dealt_with(&page, due.len()).await?;
        if due.len() < page.events.len() || page.last {
            return Ok(purged);
        }
    }
}

fn purged_folders(stored: &StoredEvent) -> Option<(AccountId, Vec<FolderId>)> {
    match codec::decode(stored) {
        Ok(Event::Folder(FolderEvent::FolderPurged(purged))) => {
            let owner = stored.stream.id().parse().ok()?;
            Some((owner, purged.along.into_iter().chain([purged.folder]).collect()))
        }
        Ok(_) => None,
        Err(error) => {
            tracing::error!(position = stored.position.0, error = %error, "an event can't be read and is not followed up");
            None
        }
    }
}
