//! Gives back the space of contents that nobody needs any more. What is to go is first declared dead on the log, then removed.

use std::collections::BTreeSet;

use cairn_domain::blob::{Blob, BlobCommand, BlobEvent};
use cairn_domain::file::{File, FileEvent, FileStatus};
use cairn_domain::{Decider, Event, FileId, Sha256, StoredEvent, StreamName, Timestamp, Version, codec};

use super::follower::Follower;
use crate::journal::Start;
use crate::ports::checkpoints::Checkpoints;
use crate::{Drive, Loaded, Request, Trouble};

/// Name of the checkpoint of what was purged.
const PURGED: &str = "collect";
/// Name of the checkpoint of what was declared dead.
const DEAD: &str = "remove_dead";
/// Events of a content that one read asks for.
const PAGE: usize = 1_000;

/// Deletes the contents of entries that were purged so long ago, unless something refers to them. Returns how many.
pub async fn collect(drive: &Drive, checkpoints: &dyn Checkpoints, grace_seconds: u64) -> Result<u64, Trouble> {
    let (now, latest) = (drive.ports().clock.now(), seconds_ago(drive, grace_seconds));
    let mut follower = Follower::open(drive, checkpoints, PURGED).await?;
    let mut deleted = 0;
    loop {
        let page = follower.page().await?;
        // What a clock that was wrong says to be of the future keeps nothing waiting.
        let young = |stored: &StoredEvent| stored.name == "FilePurged" && stored.time > latest && stored.time <= now;
        let due = &page.events[..page.events.iter().position(young).unwrap_or(page.events.len())];
        let contents: BTreeSet<Sha256> = due.iter().filter_map(purged_content).collect();
        for sha256 in contents {
            match delete_unreferenced(drive, sha256, latest).await {
                Ok(gone) => deleted += u64::from(gone),
                Err(trouble @ Trouble::Broken(_)) => {
                    tracing::error!(%sha256, error = ?trouble, "a content can't be judged and stays");
                }
                Err(trouble) => return Err(trouble),
            }
        }
        follower.dealt_with(due).await?;
        if due.len() < page.events.len() || page.last {
            return Ok(deleted);
        }
    }
}

pub(super) fn seconds_ago(drive: &Drive, seconds: u64) -> Timestamp {
    let micros = i64::try_from(seconds.saturating_mul(1_000_000)).unwrap_or(i64::MAX);
    Timestamp(drive.ports().clock.now().0.saturating_sub(micros))
}

fn purged_content(stored: &StoredEvent) -> Option<Sha256> {
    if stored.name != "FilePurged" {
        return None;
    }
    match codec::decode(stored) {
        Ok(Event::File(FileEvent::FilePurged(purged))) => Some(purged.sha256),
        Ok(_) => None,
        Err(error) => {
            tracing::error!(position = stored.position.0, error = %error, "an event can't be read and is not followed up");
            None
        }
    }
}

/// How often a content is judged anew because something else happened to it meanwhile.
const JUDGED_MAX: u32 = 5;

/// Deletes the content unless something refers to it. Whoever comes to refer to it meanwhile changes its stream, and then it is judged anew.
pub(super) async fn delete_unreferenced(drive: &Drive, sha256: Sha256, latest: Timestamp) -> Result<bool, Trouble> {
    for _ in 0..JUDGED_MAX {
        let Some(seen) = unreferenced_at(drive, sha256, latest).await? else { return Ok(false) };
        let request = Request::of_system(drive.ports().ids.command());
        let decide = |blob: &Loaded<Blob>| match blob.version {
            Some(version) if version == seen => blob.state.decide(BlobCommand::Delete).map_err(|_| Trouble::Busy),
            _ => Ok(Vec::new()),
        };
        let blob = drive.journal().execute::<Blob, Trouble>(&StreamName::blob(sha256), Start::Load, &request, decide).await?;
        if blob.state.content().is_none() {
            tracing::info!(%sha256, "a content is deleted: nothing refers to it any more");
            return Ok(true);
        }
    }
    Err(Trouble::Busy)
}

/// The last version of the content's stream, if nothing of it refers to an entry that is there or may still come.
async fn unreferenced_at(drive: &Drive, sha256: Sha256, latest: Timestamp) -> Result<Option<Version>, Trouble> {
    let stream = StreamName::blob(sha256);
    let (mut blob, mut from) = (Blob::default(), Version(0));
    loop {
        let page = drive.ports().log.read_stream(&stream, from, PAGE).await?;
        for stored in &page {
            let Event::Blob(event) = codec::decode(stored)? else { continue };
            if let BlobEvent::BlobReferenced(referenced) = &event
                && is_needed(drive, referenced.file, stored.time, latest).await?
            {
                return Ok(None);
            }
            blob = blob.evolve(&event);
            from = stored.version.next();
        }
        if page.len() < PAGE {
            break;
        }
    }
    let last = from.0.checked_sub(1).map(Version);
    Ok(last.filter(|_| blob.content().is_some()))
}

/// An entry that is not there yet may still be made, unless its reference is so old that not even a process that had been frozen would make
/// it. One that was purged lately is another purge's affair.
async fn is_needed(drive: &Drive, file: FileId, referenced_at: Timestamp, latest: Timestamp) -> Result<bool, Trouble> {
    let file = drive.journal().load::<File>(&StreamName::file(file)).await?;
    Ok(match file.state.entry() {
        Some(entry) => entry.status != FileStatus::Purged || file.last_at > latest,
        None if file.version.is_some() => false,
        None => referenced_at.plus_seconds(UNMADE_SECONDS) > latest,
    })
}

/// How long a reference counts whose entry was never made.
pub(super) const UNMADE_SECONDS: u64 = 7 * 24 * 60 * 60;

/// Removes the bytes of copies that the log has declared dead. Their names never come to life again, so this may be done at any time, and
/// again: what can't be removed just now is met once more. Returns for how many events.
pub async fn remove_dead(drive: &Drive, checkpoints: &dyn Checkpoints) -> Result<u64, Trouble> {
    let mut follower = Follower::open(drive, checkpoints, DEAD).await?;
    let (mut removed, mut trouble) = (0, None);
    loop {
        let page = follower.page().await?;
        for (index, stored) in page.events.iter().enumerate() {
            match remove_from(drive, stored).await {
                Ok(done) => removed += u64::from(done),
                Err(error) if trouble.is_none() => {
                    follower.dealt_with(&page.events[..index]).await?;
                    trouble = Some(error);
                }
                Err(_) => {}
            }
        }
        match trouble {
            None => follower.dealt_with(&page.events).await?,
            // The others of this page are removed, and those behind it have to wait.
            Some(trouble) => return Err(trouble),
        }
        if page.last {
            return Ok(removed);
        }
    }
}

/// The stores in which the event has declared a copy dead. Where a content is deleted, somebody may have been writing it anywhere.
fn dead_in(drive: &Drive, stored: &StoredEvent) -> Vec<String> {
    if !matches!(stored.name.as_str(), "BlobCopyRemoved" | "BlobDeleted") {
        return Vec::new();
    }
    match codec::decode(stored) {
        Ok(Event::Blob(BlobEvent::BlobCopyRemoved(removed))) => vec![removed.store],
        Ok(Event::Blob(BlobEvent::BlobDeleted(_))) => drive.ports().stores.each().map(|store| store.name().to_owned()).collect(),
        Ok(_) => Vec::new(),
        Err(error) => {
            tracing::error!(position = stored.position.0, error = %error, "an event can't be read and is not followed up");
            Vec::new()
        }
    }
}

/// False when the event has declared nothing dead.
async fn remove_from(drive: &Drive, stored: &StoredEvent) -> Result<bool, Trouble> {
    let stores = dead_in(drive, stored);
    let Some(sha256) = stored.stream.id().parse::<Sha256>().ok().filter(|_| !stores.is_empty()) else { return Ok(false) };
    let blob = drive.journal().load::<Blob>(&stored.stream).await?.state;
    let mut trouble = None;
    for name in &stores {
        let Some(store) = drive.ports().stores.get(name) else {
            tracing::warn!(%sha256, store = name, "a dead copy stays: its store is not configured");
            continue;
        };
        for key in blob.dead_keys_in(name, sha256) {
            if let Err(error) = store.remove(key).await {
                trouble.get_or_insert(error);
            }
        }
    }
    trouble.map_or(Ok(true), |error| Err(error.into()))
}
