use std::collections::{HashMap, HashSet};

use cairn_domain::file::FileEvent;
use cairn_domain::{Event, EventId, FileId, Position, Sha256, StoredEvent, StreamName, Version, codec};

use super::{Contents, Finding};
use crate::log_digest::LogDigest;

/// Judges the events of a log, from its first one on. It remembers some 150 bytes for each.
#[derive(Debug, Default)]
pub struct LogAudit {
    next: HashMap<StreamName, Version>,
    ids: HashSet<EventId>,
    contents: Contents,
    entries: HashMap<FileId, Sha256>,
    audited: Audited,
}

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Audited {
    /// How many events.
    pub events: u64,
    /// Where the last one stands.
    pub last: Position,
    /// Of all of them.
    pub digest: LogDigest,
    /// Up to which of them, counted from 1, the log was compared with the digests that are kept of it: each stands for all events before it, too. 0 when none
    /// is kept.
    pub compared: u64,
}

impl Default for Audited {
    fn default() -> Self {
        Self { events: 0, last: Position::START, digest: LogDigest::EMPTY, compared: 0 }
    }
}

impl LogAudit {
    /// Takes the next event of the log.
    pub fn event(&mut self, stored: &StoredEvent, report: &mut dyn FnMut(Finding)) {
        self.audited.events += 1;
        self.audited.last = stored.position;
        self.audited.digest = self.audited.digest.then(stored);
        self.place(stored, report);
        match codec::decode(stored) {
            Ok(event) => self.follow(stored, event),
            Err(error) => {
                let (position, name) = (stored.position, stored.name.clone());
                report(Finding::Unreadable { position, name, reason: error.to_string() });
            }
        }
    }

    fn place(&mut self, stored: &StoredEvent, report: &mut dyn FnMut(Finding)) {
        let StoredEvent { id, position, version, .. } = *stored;
        let expected = self.next.get(&stored.stream).copied().unwrap_or(Version(0));
        if version != expected {
            let stream = stored.stream.clone();
            report(Finding::Version { position, stream, found: version.0, expected: expected.0 });
        }
        self.next.insert(stored.stream.clone(), version.next());
        if let Some(cause) = stored.metadata.causation.filter(|cause| !self.ids.contains(cause)) {
            report(Finding::Cause { position, cause });
        }
        if !self.ids.insert(id) {
            report(Finding::RepeatedId { position, id });
        }
    }

    fn follow(&mut self, stored: &StoredEvent, event: Event) {
        match event {
            event @ Event::Blob(_) => self.contents.follow(stored, &event),
            Event::File(FileEvent::FileAdded(added)) => {
                if let Ok(file) = stored.stream.id().parse() {
                    self.entries.insert(file, added.sha256);
                }
            }
            Event::File(FileEvent::FilePurged(_)) => {
                if let Ok(file) = stored.stream.id().parse() {
                    self.entries.remove(&file);
                }
            }
            _ => {}
        }
    }

    /// Says that the log up to the last event was compared with a digest.
    pub(super) fn compared(&mut self) {
        self.audited.compared = self.audited.events;
    }

    /// To be called after the last event.
    pub fn end(&self, report: &mut dyn FnMut(Finding)) {
        let mut dangling: Vec<_> = self.entries.iter().filter(|(_, sha256)| !self.is_stored(**sha256)).collect();
        dangling.sort();
        for (file, sha256) in dangling {
            report(Finding::Dangling { file: *file, sha256: *sha256 });
        }
    }

    fn is_stored(&self, sha256: Sha256) -> bool {
        self.contents.get(sha256).is_some_and(|blob| blob.content().is_some())
    }

    /// So far.
    pub fn audited(&self) -> Audited {
        self.audited
    }

    /// Every content that the log speaks of.
    pub fn contents(&self) -> &Contents {
        &self.contents
    }
}
