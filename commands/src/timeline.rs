//! The whole story of a content: who sent it, where it lay, and how it came to where it is.

use std::collections::{BTreeMap, BTreeSet};

use cairn_domain::blob::BlobEvent;
use cairn_domain::file::FileEvent;
use cairn_domain::{Event, FileId, Position, Sha256, StoredEvent, StreamName, Version, codec};

use crate::Trouble;
use crate::ports::event_store::EventStore;
use crate::sagas::transfers::transfer_id;

/// Events that one read of a stream asks for.
const PAGE: usize = 1_000;

/// Every event about the content, its entries, their uploads and its transfers, in the order of the log. `stores` are the names of those to
/// which it may have gone. Of its entries the first `entries_max` are told: much-shared contents have many.
pub async fn timeline(
    log: &dyn EventStore,
    sha256: Sha256,
    stores: &[&str],
    entries_max: usize,
) -> Result<Vec<StoredEvent>, Trouble> {
    let mut story = Story { log, events: BTreeMap::new() };
    let blob = story.tell(&StreamName::blob(sha256)).await?;
    let (mut entries, mut stores): (Vec<FileId>, BTreeSet<String>) =
        (Vec::new(), stores.iter().map(|store| (*store).to_owned()).collect());
    let mut causes = Vec::new();
    for stored in &blob {
        match codec::decode(stored)? {
            Event::Blob(BlobEvent::BlobReferenced(referenced)) => entries.push(referenced.file),
            Event::Blob(BlobEvent::BlobStored(_)) => causes.push(stored.id),
            Event::Blob(BlobEvent::BlobRelocated(relocated)) => {
                causes.push(stored.id);
                stores.insert(relocated.to);
            }
            _ => {}
        }
    }
    for entry in entries.into_iter().take(entries_max) {
        story.tell_entry(entry).await?;
    }
    for cause in causes {
        for store in &stores {
            let mut times_ended = 0;
            while !story.tell(&StreamName::transfer(transfer_id(cause, store, times_ended))).await?.is_empty() {
                times_ended += 1;
            }
        }
    }
    Ok(story.events.into_values().collect())
}

struct Story<'a> {
    log: &'a dyn EventStore,
    events: BTreeMap<Position, StoredEvent>,
}

impl Story<'_> {
    async fn tell(&mut self, stream: &StreamName) -> Result<Vec<StoredEvent>, Trouble> {
        let mut events: Vec<StoredEvent> = Vec::new();
        loop {
            let from = events.last().map_or(Version(0), |last| last.version.next());
            let page = self.log.read_stream(stream, from, PAGE).await?;
            let ended = page.len() < PAGE;
            events.extend(page);
            if ended {
                break;
            }
        }
        self.events.extend(events.iter().map(|stored| (stored.position, stored.clone())));
        Ok(events)
    }

    async fn tell_entry(&mut self, file: FileId) -> Result<(), Trouble> {
        let events = self.tell(&StreamName::file(file)).await?;
        let Some(first) = events.first() else { return Ok(()) };
        if let Event::File(FileEvent::FileAdded(added)) = codec::decode(first)?
            && let Some(upload) = added.origin.upload()
        {
            self.tell(&StreamName::upload(upload)).await?;
        }
        Ok(())
    }
}
