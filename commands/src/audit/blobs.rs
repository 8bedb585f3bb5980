use std::sync::Arc;
use std::time::Duration;

use cairn_domain::blob::{Blob, BlobKey, Health};
use cairn_domain::{Decider, Event, Sha256, StreamName, Version, codec};

use super::{Contents, Finding};
use crate::Trouble;
use crate::ports::blobs::{BlobStore, Stores};
use crate::ports::event_store::EventStore;
use crate::sagas::is_sound;

/// Copies that one look at a store asks for.
const LIST_PAGE: usize = 1_000;

/// Events that one read of a stream asks for.
const STREAM_PAGE: usize = 1_000;

/// Bytes lie in a store before the log speaks of them, and a little longer than it does. After so long they do so no more.
const UNDER_WAY: Duration = Duration::from_secs(3);

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Looked {
    /// Copies that should be there.
    pub copies: u64,
    /// Bytes that were read.
    pub bytes: u64,
}

/// Looks for every copy that should be there, reads it if it is to be `deep`, and looks for copies that should not be there. The drive may be
/// running: what does not fit is compared with the log as it is then.
pub async fn audit_blobs(
    log: &dyn EventStore,
    stores: &Stores,
    contents: &Contents,
    deep: bool,
    report: &mut (dyn FnMut(Finding) + Send),
    progress: &(dyn Fn(u64) + Send + Sync),
) -> Result<Looked, Trouble> {
    let mut looked = Looked::default();
    let look = Look { log, stores, deep };
    for (sha256, blob) in contents.stored() {
        let found = look.content(sha256, blob, &mut looked).await?;
        if !found.is_empty() {
            // Something may have moved since the log was read.
            let now = look.now(sha256).await?;
            let still = look.content(sha256, &now, &mut Looked::default()).await?;
            still.into_iter().filter(|finding| found.contains(finding)).for_each(&mut *report);
        }
        progress(looked.copies);
    }
    look.strangers(contents, report).await?;
    Ok(looked)
}

struct Look<'a> {
    log: &'a dyn EventStore,
    stores: &'a Stores,
    deep: bool,
}

impl Look<'_> {
    async fn content(&self, sha256: Sha256, blob: &Blob, looked: &mut Looked) -> Result<Vec<Finding>, Trouble> {
        let Some(content) = blob.content() else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for (name, health) in blob.copies() {
            looked.copies += 1;
            let key = blob.key_in(name, sha256);
            let finding = match (self.stores.get(name), health) {
                (None, _) => Some(Finding::NoSuchStore { key, store: name.to_owned() }),
                (Some(_), Health::Damaged) => Some(Finding::KnownDamage { key, store: name.to_owned() }),
                (Some(store), Health::Sound) => self.copy(store, key, content.size, looked).await?,
            };
            found.extend(finding);
        }
        Ok(found)
    }

    async fn copy(
        &self,
        store: &Arc<dyn BlobStore>,
        key: BlobKey,
        expected: u64,
        looked: &mut Looked,
    ) -> Result<Option<Finding>, Trouble> {
        let name = || store.name().to_owned();
        match store.size(key).await? {
            None => return Ok(Some(Finding::Lost { key, store: name() })),
            Some(found) if found != expected => return Ok(Some(Finding::Size { key, store: name(), found, expected })),
            Some(_) => {}
        }
        if !self.deep {
            return Ok(None);
        }
        looked.bytes += expected;
        let sound = is_sound(store, key, expected, None).await?;
        Ok((!sound).then(|| Finding::Damaged { key, store: name() }))
    }

    /// Copies of which no event speaks, and did not speak a little later either.
    async fn strangers(&self, contents: &Contents, report: &mut (dyn FnMut(Finding) + Send)) -> Result<(), Trouble> {
        let mut strangers = Vec::new();
        for store in self.stores.each() {
            let mut after = None;
            loop {
                let page = store.list(after, LIST_PAGE).await?;
                let strange = |key: &&BlobKey| !contents.get(key.sha256).is_some_and(|blob| knows(blob, store.name(), **key));
                strangers.extend(page.iter().filter(strange).map(|key| (store, *key)));
                match page.last() {
                    Some(last) if page.len() == LIST_PAGE => after = Some(*last),
                    _ => break,
                }
            }
        }
        if !strangers.is_empty() {
            tokio::time::sleep(UNDER_WAY).await;
        }
        for (store, key) in strangers {
            let unknown = !knows(&self.now(key.sha256).await?, store.name(), key);
            if unknown && store.size(key).await?.is_some() {
                report(Finding::Orphan { key, store: store.name().to_owned() });
            }
        }
        Ok(())
    }

    /// What the log says about a content now.
    async fn now(&self, sha256: Sha256) -> Result<Blob, Trouble> {
        let stream = StreamName::blob(sha256);
        let (mut blob, mut next) = (Blob::default(), Version(0));
        loop {
            let page = self.log.read_stream(&stream, next, STREAM_PAGE).await?;
            for stored in &page {
                if let Ok(Event::Blob(event)) = codec::decode(stored) {
                    blob = blob.evolve(&event);
                }
                next = stored.version.next();
            }
            if page.len() < STREAM_PAGE {
                return Ok(blob);
            }
        }
    }
}

/// Whether a copy of that name is needed in the store, or was once and is about to go.
fn knows(blob: &Blob, store: &str, key: BlobKey) -> bool {
    let current = blob.key_in(store, key.sha256);
    key.generation < current.generation || (key == current && blob.health_in(store).is_some())
}
