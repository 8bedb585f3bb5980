//! Removes the bytes of copies that the log has declared dead.

use std::collections::BTreeSet;
use std::sync::Arc;

use cairn_domain::blob::{Blob, BlobEvent};
use cairn_domain::{Event, Sha256, StoredEvent, StreamName, codec};

use super::follower::Follower;
use crate::ports::blobs::BlobStore;
use crate::ports::checkpoints::Checkpoints;
use crate::{Drive, Trouble};

/// What the name of a store's checkpoint begins with.
const NAME: &str = "remove_dead";
/// After so many failures a store is left alone until the next round: it is away, and would have each of them waited for.
const FAILURES_MAX: usize = 3;

/// Removes what is dead, in each store as far as it can be reached: one that is away keeps no other waiting. Names of copies never come to
/// life again, so this may be done at any time, and again: what can't be removed just now is met once more. Returns how many contents had
/// something dead, counted for each store.
pub async fn remove_dead(drive: &Drive, checkpoints: &dyn Checkpoints) -> Result<u64, Trouble> {
    let (mut removed, mut trouble) = (0, None);
    for store in drive.ports().stores.each() {
        match remove_dead_in(drive, store, checkpoints).await {
            Ok(contents) => removed += contents,
            Err(error) => {
                tracing::warn!(store = store.name(), error = &error as &dyn std::error::Error, "dead copies stay for now");
                trouble = trouble.or(Some(error));
            }
        }
    }
    trouble.map_or(Ok(removed), Err)
}

async fn remove_dead_in(drive: &Drive, store: &Arc<dyn BlobStore>, checkpoints: &dyn Checkpoints) -> Result<u64, Trouble> {
    let names = ["BlobDeleted", "BlobCopyRemoved"];
    let mut follower = Follower::open(drive, checkpoints, format!("{NAME} {}", store.name()), &names).await?;
    let mut removed = 0;
    loop {
        let page = follower.next().await?;
        let (mut seen, mut failures) = (BTreeSet::new(), Vec::new());
        for (index, stored) in page.events.iter().enumerate() {
            let Some(sha256) = dead_in(store.name(), stored).filter(|sha256| seen.insert(*sha256)) else { continue };
            match remove_all(drive, store, sha256).await {
                Ok(()) => removed += 1,
                Err(error) => failures.push((index, error)),
            }
            if failures.len() == FAILURES_MAX {
                break;
            }
        }
        if let Some((index, error)) = failures.into_iter().next() {
            follower.dealt_with(&page, index).await?;
            return Err(error);
        }
        follower.dealt_with(&page, page.events.len()).await?;
        if page.last {
            return Ok(removed);
        }
    }
}

/// The content of which the event has declared a copy in that store dead. Where one is deleted, somebody may have been writing it anywhere.
fn dead_in(store: &str, stored: &StoredEvent) -> Option<Sha256> {
    let is_dead = match stored.name.as_str() {
        "BlobDeleted" => true,
        "BlobCopyRemoved" => match codec::decode(stored) {
            Ok(Event::Blob(BlobEvent::BlobCopyRemoved(removed))) => removed.store == store,
            Ok(_) => false,
            Err(error) => {
                tracing::error!(position = stored.position.0, error = %error, "an event can't be read and is not followed up");
                false
            }
        },
        _ => false,
    };
    if is_dead { stored.stream.id().parse().ok() } else { None }
}

async fn remove_all(drive: &Drive, store: &Arc<dyn BlobStore>, sha256: Sha256) -> Result<(), Trouble> {
    let blob = drive.journal().load::<Blob>(&StreamName::blob(sha256)).await?.state;
    for key in blob.dead_keys_in(store.name(), sha256) {
        store.remove(key).await?;
    }
    Ok(())
}
