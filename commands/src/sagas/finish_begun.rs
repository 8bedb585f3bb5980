//! Finishes what a crash cut off between the commit point of a command and the events that follow from it.

use std::collections::BTreeMap;

use cairn_domain::account::AccountEvent;
use cairn_domain::blob::Blob;
use cairn_domain::file::{FileEvent, Origin};
use cairn_domain::share::{ShareEvent, ShareSaved};
use cairn_domain::upload::{FileMerged, UploadEvent};
use cairn_domain::username::{UsernameClaimed, UsernameEvent};
use cairn_domain::{
    AccountId, CommandId, Event, EventId, FileId, Position, ShareId, StoredEvent, StreamName, Timestamp, UploadId, codec,
};

use crate::account::register_claimed;
use crate::file::{ReplaceError, replace_by};
use crate::journal::Start;
use crate::ports::checkpoints::Checkpoints;
use crate::share::finish_saved;
use crate::upload::{Merged, lose, settle};
use crate::{Drive, Request, Trouble};

/// What one round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Finished {
    /// Accounts made for claims that had none.
    pub accounts: u64,
    /// Entries made for merged uploads, and for what was saved of shares, that had none.
    pub files: u64,
}

/// What was seen to begin and not yet to end. Reading the log changes it and nothing else: it decides, others do.
#[derive(Debug, Default)]
pub struct Finishing {
    /// The last event that was observed, or that need not be.
    read: Position,
    begun: BTreeMap<Position, Begun>,
    accounts: BTreeMap<AccountId, Position>,
    uploads: BTreeMap<UploadId, Position>,
    saved: BTreeMap<FileId, Position>,
    /// By the entries that hold them.
    versions: BTreeMap<FileId, Position>,
}

#[derive(Debug, Clone)]
struct Begun {
    /// The event before: positions may have gaps, so it can't be computed.
    before: Position,
    at: Timestamp,
    event: EventId,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Account(Box<UsernameClaimed>),
    File(UploadId, Box<FileMerged>),
    Saved(ShareId, Box<ShareSaved>),
    Version { owner: AccountId, entry: FileId, by: FileId },
}

impl Finishing {
    /// Everything up to this position has ended.
    pub fn after(read: Position) -> Self {
        Self { read, ..Self::default() }
    }

    /// Takes note of an event. Only eight names matter; the rest is not even decoded.
    pub fn observe(&mut self, stored: &StoredEvent) -> Result<(), codec::Unreadable> {
        let before = std::mem::replace(&mut self.read, stored.position);
        if !NAMES.contains(&stored.name.as_str()) {
            return Ok(());
        }
        match codec::decode(stored)? {
            Event::Username(UsernameEvent::UsernameClaimed(claim)) => {
                self.accounts.insert(claim.account, stored.position);
                self.begin(stored, before, What::Account(Box::new(claim)));
            }
            Event::Upload(UploadEvent::FileMerged(merged)) => {
                if let Ok(upload) = stored.stream.id().parse() {
                    self.uploads.insert(upload, stored.position);
                    self.begin(stored, before, What::File(upload, Box::new(merged)));
                }
            }
            Event::Upload(UploadEvent::UploadExpired(_)) => {
                let merged = stored.stream.id().parse().ok().and_then(|upload: UploadId| self.uploads.remove(&upload));
                merged.map(|position| self.begun.remove(&position));
            }
            Event::Share(ShareEvent::ShareSaved(saved)) => {
                if let Ok(share) = stored.stream.id().parse() {
                    self.saved.insert(saved.file, stored.position);
                    self.begin(stored, before, What::Saved(share, Box::new(saved)));
                }
            }
            Event::Account(AccountEvent::AccountRegistered(_)) => {
                let account = stored.stream.id().parse().ok().and_then(|id: AccountId| self.accounts.remove(&id));
                account.map(|position| self.begun.remove(&position));
            }
            Event::File(FileEvent::FileAdded(added)) => {
                let begun = match added.origin {
                    Origin::Share(_) => stored.stream.id().parse().ok().and_then(|file: FileId| self.saved.remove(&file)),
                    ref origin => origin.upload().and_then(|upload| self.uploads.remove(&upload)),
                };
                begun.map(|position| self.begun.remove(&position));
                if let (Some(entry), Ok(by)) = (added.version_of, stored.stream.id().parse()) {
                    self.versions.insert(by, stored.position);
                    self.begin(stored, before, What::Version { owner: added.owner, entry, by });
                }
            }
            Event::File(FileEvent::FileReplaced(replaced)) => self.end_version(replaced.by),
            Event::File(FileEvent::FilePurged(_)) => self.end_version(stored.stream.id().parse().ok()),
            _ => {}
        }
        Ok(())
    }

    /// After which event reading must begin again to see everything that has not ended.
    pub fn checkpoint(&self) -> Position {
        self.begun.values().next().map_or(self.read, |first| first.before)
    }

    fn begin(&mut self, stored: &StoredEvent, before: Position, what: What) {
        self.begun.insert(stored.position, Begun { before, at: stored.time, event: stored.id, what });
    }

    fn end_version(&mut self, by: Option<FileId>) {
        if let Some(position) = by.and_then(|by| self.versions.remove(&by)) {
            self.begun.remove(&position);
        }
    }

    fn begun_by(&self, time: Timestamp) -> Vec<(Position, Begun)> {
        let old = self.begun.iter().filter(|(_, begun)| begun.at <= time);
        old.map(|(position, begun)| (*position, begun.clone())).collect()
    }
}

/// Events that begin or end something.
const NAMES: [&str; 8] = [
    "UsernameClaimed",
    "AccountRegistered",
    "FileMerged",
    "UploadExpired",
    "ShareSaved",
    "FileAdded",
    "FileReplaced",
    "FilePurged",
];

/// After so long nobody is still bringing the bytes of a merged upload to their place. That they are nowhere is believed then.
const LOST_SECONDS: u64 = 60 * 60;

/// Name of the saga's checkpoint.
const NAME: &str = "finish_begun";
/// Events that one read asks for.
const PAGE: usize = 1_000;

/// Reads on from the checkpoint and finishes everything that began more than `patience_seconds` ago: younger work is
/// most likely still in the hands of its own command.
pub async fn finish_begun(drive: &Drive, checkpoints: &dyn Checkpoints, patience_seconds: u64) -> Result<Finished, Trouble> {
    let read = checkpoints.load(NAME).await.map_err(|error| Trouble::Unavailable(error.into()))?;
    let mut finishing = Finishing::after(read);
    loop {
        let page = drive.ports().log.read_named(finishing.read, &NAMES, PAGE).await?;
        for stored in &page.events {
            if let Err(error) = finishing.observe(stored) {
                tracing::error!(position = stored.position.0, error = %error, "an event can't be read and is not followed up");
            }
        }
        finishing.read = page.reached;
        if page.last {
            break;
        }
    }
    let latest = latest(drive, patience_seconds);
    let mut finished = Finished::default();
    for (position, begun) in finishing.begun_by(latest) {
        match finish(drive, &begun).await {
            Ok(()) => {
                finishing.begun.remove(&position);
                match begun.what {
                    What::Account(_) => finished.accounts += 1,
                    What::File(..) | What::Saved(..) | What::Version { .. } => finished.files += 1,
                }
            }
            // One that can't be finished must not keep the others; it is met again in the next round.
            Err(error) => tracing::error!(event = %begun.event, error = ?error, "what began can't be finished yet"),
        }
    }
    checkpoints.save(NAME, finishing.checkpoint()).await.map_err(|error| Trouble::Unavailable(error.into()))?;
    Ok(finished)
}

/// With no patience everything is old enough, also what a clock that has jumped back since says to be of the future.
fn latest(drive: &Drive, patience_seconds: u64) -> Timestamp {
    if patience_seconds == 0 {
        return Timestamp(i64::MAX);
    }
    let micros = i64::try_from(patience_seconds.saturating_mul(1_000_000)).unwrap_or(i64::MAX);
    Timestamp(drive.ports().clock.now().0.saturating_sub(micros))
}

async fn finish(drive: &Drive, begun: &Begun) -> Result<(), Trouble> {
    match &begun.what {
        What::Account(claim) => {
            let request = Request::of_system(CommandId(claim.account.0).then("register"));
            register_claimed(drive, &request, begun.event, claim).await.map(|_| ())
        }
        What::Version { owner, entry, by } => {
            let request = Request::of_system(CommandId(by.0).then("finish"));
            unless_gone(replace_by(drive, &request, *owner, *entry, *by).await)
        }
        What::Saved(share, saved) => finish_saved(drive, *share, begun.event, saved).await,
        What::File(upload, event) => {
            let request = Request::of_system(CommandId(upload.0).then("finish"));
            let merged = Merged { upload: *upload, staged: *upload, cause: begun.event, event, start: Start::Load, blob: None };
            let settled = unless_gone(settle(drive, &request, merged).await);
            let is_old = begun.at <= latest(drive, LOST_SECONDS);
            if settled.is_err() && is_old && is_nowhere(drive, *upload, event).await? {
                return lose(drive, *upload, true).await.map(drop);
            }
            settled
        }
    }
}

/// Whether the bytes of a merged upload are neither staged nor among the contents.
async fn is_nowhere(drive: &Drive, upload: UploadId, merged: &FileMerged) -> Result<bool, Trouble> {
    let blob = drive.journal().load::<Blob>(&StreamName::blob(merged.sha256)).await?.state;
    let landing = drive.ports().stores.landing();
    let there = landing.size(blob.key_in(landing.name(), merged.sha256)).await?;
    Ok(there.is_none() && blob.sound().next().is_none() && !drive.ports().staging.holds(upload).await?)
}

/// An entry that went to the trash, or for good, before its new content came, stays there.
fn unless_gone<T>(replaced: Result<T, ReplaceError>) -> Result<(), Trouble> {
    match replaced {
        Ok(_) | Err(ReplaceError::Absent | ReplaceError::Trashed | ReplaceError::NoSuchVersion) => Ok(()),
        Err(ReplaceError::Trouble(trouble)) => Err(trouble),
    }
}
