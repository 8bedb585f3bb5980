//! Gives back the space of contents that nobody needs any more. What is to go is first declared dead on the log, then removed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use cairn_domain::blob::{Blob, BlobCommand, BlobEvent};
use cairn_domain::file::{File, FileEvent};
use cairn_domain::{Decider, Event, EventId, FileId, Sha256, StoredEvent, StreamName, Timestamp, Version, codec};

use super::follower::{Follower, due};
use crate::journal::Start;
use crate::ports::checkpoints::Checkpoints;
use crate::{Drive, Loaded, Request, Trouble};

/// Name of the checkpoint of what was purged.
const PURGED: &str = "collect";
/// Name of the checkpoint of references that are too old for their entries to be made yet.
const UNMADE: &str = "collect_unmade";
/// Events of a content that one read asks for.
const PAGE: usize = 1_000;
/// How long a reference counts whose entry was never made.
pub(super) const UNMADE_SECONDS: u64 = 7 * 24 * 60 * 60;

/// Deletes contents that nobody needs.
pub struct Collector {
    drive: Arc<Drive>,
    /// After the last purge, before a content goes.
    grace_seconds: u64,
    judged: Judged,
}

impl Collector {
    /// Contents go so many seconds after their last entry was purged.
    pub fn new(drive: Arc<Drive>, grace_seconds: u64) -> Self {
        Self { drive, grace_seconds, judged: Judged::default() }
    }

    /// Deletes the contents of entries that were purged so long ago, and of those that were announced and never made, unless something
    /// refers to them. Returns how many.
    pub async fn collect(&self, checkpoints: &dyn Checkpoints) -> Result<u64, Trouble> {
        Ok(self.collect_purged(checkpoints).await? + self.collect_unmade(checkpoints).await?)
    }

    async fn collect_purged(&self, checkpoints: &dyn Checkpoints) -> Result<u64, Trouble> {
        let latest = seconds_ago(&self.drive, self.grace_seconds);
        let names = ["FilePurged", "FileVersionRemoved"];
        let mut follower = Follower::open(&self.drive, checkpoints, PURGED, &names).await?;
        let mut deleted = 0;
        loop {
            let page = follower.next().await?;
            let due = due(&page.events, &names, latest, self.now());
            deleted += self
                .delete_each(due.iter().filter_map(|stored| Some((purged_content(stored)?, stored.id))).collect(), latest)
                .await?;
            follower.dealt_with(&page, due.len()).await?;
            if due.len() < page.events.len() || page.last {
                return Ok(deleted);
            }
        }
    }

    /// Whoever purges the last entry while somebody may be making another one leaves the content to this: it is judged anew when that one
    /// can't come any more.
    async fn collect_unmade(&self, checkpoints: &dyn Checkpoints) -> Result<u64, Trouble> {
        let latest = seconds_ago(&self.drive, self.grace_seconds);
        let unmade_latest = seconds_ago(&self.drive, self.grace_seconds.saturating_add(UNMADE_SECONDS));
        let mut follower = Follower::open(&self.drive, checkpoints, UNMADE, &["BlobReferenced", "FileAdded"]).await?;
        let mut deleted = 0;
        loop {
            let page = follower.next().await?;
            let due = due(&page.events, &["BlobReferenced"], unmade_latest, self.now());
            deleted += self.delete_each(self.unmade_contents(due, &page.events).await?, latest).await?;
            follower.dealt_with(&page, due.len()).await?;
            if due.len() < page.events.len() || page.last {
                return Ok(deleted);
            }
        }
    }

    /// Of the references that are due, the contents of those whose entry is not there, each with the first such reference. Nearly always it was made right behind them, in the
    /// same page.
    async fn unmade_contents(&self, due: &[StoredEvent], page: &[StoredEvent]) -> Result<BTreeMap<Sha256, EventId>, Trouble> {
        let made: HashSet<&str> =
            page.iter().filter(|stored| stored.name == "FileAdded").map(|stored| stored.stream.id()).collect();
        let mut contents = BTreeMap::new();
        for (cause, sha256, file) in due.iter().filter_map(reference) {
            if !contents.contains_key(&sha256)
                && !made.contains(file.to_string().as_str())
                && self.drive.journal().load::<File>(&StreamName::file(file)).await?.version.is_none()
            {
                contents.insert(sha256, cause);
            }
        }
        Ok(contents)
    }

    fn now(&self) -> Timestamp {
        self.drive.ports().clock.now()
    }

    async fn delete_each(&self, contents: BTreeMap<Sha256, EventId>, latest: Timestamp) -> Result<u64, Trouble> {
        let mut deleted = 0;
        for (sha256, cause) in contents {
            match delete_unreferenced(&self.drive, sha256, Some(cause), latest, &self.judged).await {
                Ok(gone) => deleted += u64::from(gone),
                Err(trouble @ Trouble::Broken(_)) => {
                    tracing::error!(%sha256, error = ?trouble, "a content can't be judged and stays");
                }
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(deleted)
    }
}

/// Up to where in a content's stream everything refers to entries that are purged, which they stay: however often a content is made and purged,
/// each is looked at once.
#[derive(Default)]
pub(super) struct Judged(Mutex<HashMap<Sha256, Version>>);

/// Contents that are remembered; after that many one begins anew.
const JUDGED_CONTENTS_MAX: usize = 10_000;

impl Judged {
    fn up_to(&self, sha256: Sha256) -> Version {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&sha256).copied().unwrap_or(Version(0))
    }

    fn note(&self, sha256: Sha256, up_to: Version) {
        let mut judged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if judged.len() >= JUDGED_CONTENTS_MAX {
            judged.clear();
        }
        judged.insert(sha256, up_to);
    }
}

pub(super) fn seconds_ago(drive: &Drive, seconds: u64) -> Timestamp {
    let micros = i64::try_from(seconds.saturating_mul(1_000_000)).unwrap_or(i64::MAX);
    Timestamp(drive.ports().clock.now().0.saturating_sub(micros))
}

/// A content that one entry less needs. What other entries hold for one goes with them.
fn purged_content(stored: &StoredEvent) -> Option<Sha256> {
    match decoded(stored, &["FilePurged", "FileVersionRemoved"])? {
        Event::File(FileEvent::FilePurged(purged)) => Some(purged.sha256),
        Event::File(FileEvent::FileVersionRemoved(removed)) => removed.held_by.is_none().then_some(removed.sha256),
        _ => None,
    }
}

fn reference(stored: &StoredEvent) -> Option<(EventId, Sha256, FileId)> {
    match decoded(stored, &["BlobReferenced"])? {
        Event::Blob(BlobEvent::BlobReferenced(referenced)) => Some((stored.id, stored.stream.id().parse().ok()?, referenced.file)),
        _ => None,
    }
}

/// None when it has another name, or can't be read.
fn decoded(stored: &StoredEvent, names: &[&str]) -> Option<Event> {
    if !names.contains(&stored.name.as_str()) {
        return None;
    }
    match codec::decode(stored) {
        Ok(event) => Some(event),
        Err(error) => {
            tracing::error!(position = stored.position.0, error = %error, "an event can't be read and is not followed up");
            None
        }
    }
}

/// How often a content is judged anew because something else happened to it meanwhile.
const JUDGED_MAX: u32 = 5;

/// Deletes the content unless something refers to it, because of that event if there is one. Whoever comes to refer to it meanwhile changes its stream, and then it is judged anew.
pub(super) async fn delete_unreferenced(
    drive: &Drive,
    sha256: Sha256,
    cause: Option<EventId>,
    latest: Timestamp,
    judged: &Judged,
) -> Result<bool, Trouble> {
    for _ in 0..JUDGED_MAX {
        let Some(seen) = unreferenced_at(drive, sha256, latest, judged).await? else { return Ok(false) };
        let request = Request { causation: cause, ..Request::of_system(drive.ports().ids.command()) };
        let decide = |blob: &Loaded<Blob>| match blob.version {
            Some(version) if version == seen => blob.state.decide(BlobCommand::Delete).map_err(|_| Trouble::Busy),
            _ => Ok(Vec::new()),
        };
        let blob = drive.journal().execute::<Blob, Trouble>(&StreamName::blob(sha256), Start::Load, &request, decide).await?;
        if blob.state.content().is_none() {
            let causation = cause.map(tracing::field::display);
            tracing::info!(%sha256, causation, "a content is deleted: nothing refers to it any more");
            return Ok(true);
        }
    }
    Err(Trouble::Busy)
}

/// The last version of the content's stream, if nothing of it refers to an entry that is there or may still come.
async fn unreferenced_at(drive: &Drive, sha256: Sha256, latest: Timestamp, judged: &Judged) -> Result<Option<Version>, Trouble> {
    let stream = StreamName::blob(sha256);
    if drive.journal().load::<Blob>(&stream).await?.state.content().is_none() {
        return Ok(None);
    }
    let mut from = judged.up_to(sha256);
    // Up to the first reference that may be asked about again.
    let mut gone_up_to = None;
    loop {
        let page = drive.ports().log.read_stream(&stream, from, PAGE).await?;
        for stored in page.iter().filter(|stored| stored.name == "BlobReferenced") {
            let Event::Blob(BlobEvent::BlobReferenced(referenced)) = codec::decode(stored)? else { continue };
            let need = need(drive, referenced.file, stored.time, latest).await?;
            if need != Need::Gone {
                gone_up_to.get_or_insert(stored.version);
            }
            if need == Need::Needed {
                judged.note(sha256, gone_up_to.unwrap_or(stored.version));
                return Ok(None);
            }
        }
        from = page.last().map_or(from, |last| last.version.next());
        if page.len() < PAGE {
            break;
        }
    }
    judged.note(sha256, gone_up_to.unwrap_or(from));
    Ok(from.0.checked_sub(1).map(Version))
}

/// Whether an entry needs its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// It is there, or may still come.
    Needed,
    /// It was not made, and nobody will make it any more, unless clocks lie.
    Unmade,
    /// It was purged, which is for ever.
    Gone,
}

/// An entry that is not there yet may still be made, unless its reference is so old that not even a process that had been frozen would make
/// it. One that was purged lately is another purge's affair.
async fn need(drive: &Drive, file: FileId, referenced_at: Timestamp, latest: Timestamp) -> Result<Need, Trouble> {
    let file = drive.journal().load::<File>(&StreamName::file(file)).await?;
    Ok(match (file.state.entry(), file.version) {
        (Some(entry), _) if entry.keeps_original() => Need::Needed,
        (Some(_), _) => Need::Gone,
        (None, Some(_)) if file.last_at > latest => Need::Needed,
        (None, Some(_)) => Need::Gone,
        (None, None) if referenced_at.plus_seconds(UNMADE_SECONDS) > latest => Need::Needed,
        (None, None) => Need::Unmade,
    })
}
