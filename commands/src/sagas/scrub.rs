//! Reads every copy of every content again from time to time, notes those that are no longer what they were, and mends them from others.

use std::collections::BTreeSet;
use std::sync::Arc;

use cairn_domain::blob::{Blob, BlobCommand, BlobKey, Health};
use cairn_domain::{Position, Sha256, StreamName, Timestamp};

use super::collect::{Judged, UNMADE_SECONDS, delete_unreferenced, seconds_ago};
use super::copies::{change_copy, is_named, is_sound, note_damage};
use super::pace::Pace;
use crate::content::{ContentError, Copies};
use crate::ports::blobs::{BlobError, BlobStore};
use crate::ports::checkpoints::Checkpoints;
use crate::{Drive, Request, Trouble};

/// Name of the scrubber's checkpoint: the first 63 bits of the hash up to which it has come. A place that can be saved is no larger.
const NAME: &str = "scrub";
/// The last place among all hashes.
const LAST: u64 = u64::MAX >> 1;
/// Contents that one look asks for.
const ROUND: u64 = 100;

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scrubbed {
    /// Copies that were read to their end.
    pub copies: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Copies that were found to be damaged.
    pub damaged: u64,
    /// Copies that were written anew from sound ones.
    pub repaired: u64,
    /// Copies that could not be read just now.
    pub unreachable: u64,
}

/// Reads copies again.
pub struct Scrubber {
    drive: Arc<Drive>,
    pace: Option<Pace>,
    /// In which everything is read once, in seconds.
    period_seconds: u64,
}

impl Scrubber {
    /// Everything once in so many seconds, at most so many bytes in each.
    pub fn new(drive: Arc<Drive>, period_seconds: u64, bytes_per_second_max: Option<u64>) -> Self {
        Self { drive, pace: Pace::of(bytes_per_second_max), period_seconds: period_seconds.max(1) }
    }

    /// Reads every copy there is.
    pub async fn everything(&self) -> Result<Scrubbed, Trouble> {
        let mut scrubbed = Scrubbed::default();
        let mut after = None;
        while let Some(last) = self.page(after, LAST, &mut scrubbed).await? {
            after = Some(last);
        }
        Ok(scrubbed)
    }

    /// Goes on to where it should be by now: the time within the period is the place among all hashes, which lie evenly.
    pub async fn step(&self, checkpoints: &dyn Checkpoints) -> Result<Scrubbed, Trouble> {
        let unavailable = |error| Trouble::Unavailable(Box::new(error));
        let Position(begin) = checkpoints.load(NAME).await.map_err(unavailable)?;
        let end = place(self.drive.ports().clock.now(), self.period_seconds);
        let mut scrubbed = Scrubbed::default();
        let ranges = if begin <= end { vec![(begin, end)] } else { vec![(begin, LAST), (0, end)] };
        for (begin, end) in ranges {
            let mut after = before(begin);
            while let Some(last) = self.page(after, end, &mut scrubbed).await? {
                checkpoints.save(NAME, Position(place_of(last))).await.map_err(unavailable)?;
                after = Some(last);
            }
        }
        checkpoints.save(NAME, Position(end)).await.map_err(unavailable)?;
        Ok(scrubbed)
    }

    /// Reads every content of which downloads in this process have got a wrong copy.
    pub async fn suspected(&self) -> Result<Scrubbed, Trouble> {
        let mut scrubbed = Scrubbed::default();
        for sha256 in self.drive.trust.suspects() {
            let mut suspected = self.drive.trust.suspected_in(sha256);
            // Those that can't be read just now stay suspected.
            let open = self.content_if_possible(sha256, Some(&suspected), &mut scrubbed).await;
            suspected.retain(|name| !open.contains(name));
            if !suspected.is_empty() {
                // Nobody must be led back to it by tables that are behind.
                let blob = self.drive.journal().load::<Blob>(&StreamName::blob(sha256)).await?;
                self.drive.visible(blob.position).await;
                self.drive.trust.is_judged(sha256, &suspected);
            }
        }
        Ok(scrubbed)
    }

    /// The next contents, up to those whose hashes stand behind that place. Tells the last one; none when there are no more.
    async fn page(&self, after: Option<Sha256>, end: u64, scrubbed: &mut Scrubbed) -> Result<Option<Sha256>, Trouble> {
        let contents = self.drive.ports().views.contents(after, ROUND).await?;
        let within: Vec<Sha256> = contents.into_iter().take_while(|sha256| place_of(*sha256) <= end).collect();
        for sha256 in &within {
            self.content_if_possible(*sha256, None, scrubbed).await;
        }
        Ok(within.last().copied())
    }

    /// One that can't be judged must not keep the others. Tells the stores, of these or of all, whose copies could not be judged.
    async fn content_if_possible(
        &self,
        sha256: Sha256,
        only: Option<&BTreeSet<String>>,
        scrubbed: &mut Scrubbed,
    ) -> BTreeSet<String> {
        match self.content(sha256, only, scrubbed).await {
            Ok(open) => open,
            Err(error) => {
                scrubbed.unreachable += 1;
                tracing::warn!(%sha256, error = ?error, "a content can't be read again just now");
                only.cloned().unwrap_or_default()
            }
        }
    }

    async fn content(
        &self,
        sha256: Sha256,
        only: Option<&BTreeSet<String>>,
        scrubbed: &mut Scrubbed,
    ) -> Result<BTreeSet<String>, Trouble> {
        let blob = self.drive.journal().load::<Blob>(&StreamName::blob(sha256)).await?.state;
        let mut open = BTreeSet::new();
        let Some(content) = blob.content() else { return Ok(open) };
        let mut damaged = Vec::new();
        for (name, health) in blob.copies().filter(|(name, _)| only.is_none_or(|only| only.contains(*name))) {
            let Some(store) = self.drive.ports().stores.get(name) else { continue };
            let key = blob.key_in(name, sha256);
            match self.is_certainly_sound(store, key, content.size).await {
                Ok(true) if health == Health::Sound => scrubbed.count(content.size),
                Ok(true) => {
                    scrubbed.count(content.size);
                    scrubbed.repaired += u64::from(self.note_repair(store, key).await?);
                }
                Ok(false) => {
                    scrubbed.count(content.size);
                    scrubbed.damaged += u64::from(note_damage(&self.drive, name, key).await?);
                    damaged.push((store.clone(), key));
                }
                Err(error) => {
                    scrubbed.unreachable += 1;
                    open.insert(name.to_owned());
                    tracing::warn!(%key, store = name, error = &error as &dyn std::error::Error, "a copy can't be read just now");
                }
            }
        }
        for (store, key) in damaged {
            scrubbed.repaired += u64::from(self.repair(&store, key, content.size).await?);
        }
        // The collector follows purges and references. This finds what it could not judge.
        delete_unreferenced(&self.drive, sha256, None, seconds_ago(&self.drive, UNMADE_SECONDS), &Judged::default()).await?;
        Ok(open)
    }

    /// A copy is condemned by two readings, not by one: bytes may be spoilt on their way.
    async fn is_certainly_sound(&self, store: &Arc<dyn BlobStore>, key: BlobKey, size: u64) -> Result<bool, BlobError> {
        let pace = self.pace.as_ref();
        Ok(is_sound(store, key, size, pace).await? || is_sound(store, key, size, pace).await?)
    }

    /// Writes the copy anew from a sound one, if there is one.
    async fn repair(&self, store: &Arc<dyn BlobStore>, key: BlobKey, size: u64) -> Result<bool, Trouble> {
        let blob = self.drive.journal().load::<Blob>(&StreamName::blob(key.sha256)).await?.state;
        if blob.key_in(store.name(), key.sha256) != key || blob.health_in(store.name()) != Some(Health::Damaged) {
            return Ok(false);
        }
        let source = match Copies::of(&self.drive.ports().stores, &blob, key.sha256).read(0, size).await {
            Ok(source) => Pace::slow(self.pace.as_ref(), source),
            Err(ContentError::Trouble(trouble)) => {
                tracing::warn!(%key, error = &trouble as &dyn std::error::Error, "a damaged copy can't be mended just now");
                return Ok(false);
            }
            Err(ContentError::Lost(_) | ContentError::OutOfRange) => {
                tracing::error!(%key, store = store.name(), "a damaged copy can't be mended: no sound one is left");
                return Ok(false);
            }
        };
        match store.write(key, size, source).await {
            Ok(()) => {}
            Err(error @ (BlobError::NotTheContent(_) | BlobError::Body(_) | BlobError::Full | BlobError::Unavailable(_))) => {
                tracing::warn!(%key, error = &error as &dyn std::error::Error, "a damaged copy can't be mended just now");
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        }
        self.note_repair(store, key).await
    }

    /// False when the copy was removed meanwhile: then what was written under its name goes, too.
    async fn note_repair(&self, store: &Arc<dyn BlobStore>, key: BlobKey) -> Result<bool, Trouble> {
        let request = Request::of_system(self.drive.ports().ids.command());
        let command = BlobCommand::Repair { store: store.name().to_owned() };
        let blob = change_copy(&self.drive, store.name(), key, &request, command).await?.loaded.state;
        if !is_named(&blob, store.name(), key) {
            store.remove(key).await?;
            return Ok(false);
        }
        tracing::info!(%key, store = store.name(), "a damaged copy is sound again");
        Ok(true)
    }
}

impl Scrubbed {
    const fn count(&mut self, bytes: u64) {
        self.copies += 1;
        self.bytes += bytes;
    }
}

/// Where among all hashes the scrubber should be at this time.
fn place(now: Timestamp, period_seconds: u64) -> u64 {
    let period = u128::from(period_seconds) * 1_000_000;
    let within = u128::try_from(now.0).unwrap_or(0) % period;
    (u128::from(LAST) * within / period) as u64
}

/// Where a hash stands: its first 63 bits.
fn place_of(sha256: Sha256) -> u64 {
    sha256.0[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte)) >> 1
}

/// The last hash before all those that stand there; none at the very beginning.
fn before(place: u64) -> Option<Sha256> {
    let last = (place << 1).checked_sub(1)?;
    let mut hash = [0xff; 32];
    hash[..8].copy_from_slice(&last.to_be_bytes());
    Some(Sha256(hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_and_hashes_run_side_by_side() {
        assert_eq!(place(Timestamp(0), 100), 0);
        assert!(i64::try_from(LAST).is_ok(), "it can be saved");
        assert_eq!(place(Timestamp(50_000_000), 100), LAST / 2);
        assert_eq!(place(Timestamp(150_000_000), 100), LAST / 2);
        assert!(place(Timestamp(99_000_000), 100) < LAST);
        assert_eq!(place(Timestamp(7_500_000), 1), LAST / 2, "also within a second");
        assert_eq!(before(0), None);
        for byte in [0, 1, 0x7f, 0x80, 0xff] {
            let hash = Sha256([byte; 32]);
            assert!(before(place_of(hash)).is_none_or(|before| before < hash && place_of(before) < place_of(hash)), "{byte}");
        }
    }
}
