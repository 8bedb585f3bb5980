use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use cairn_domain::blob::BlobKey;
use cairn_domain::{Sha256, Timestamp};
use moka::sync::Cache;

use crate::ports::blobs::Revision;

/// What this process knows of copies because it has read them.
pub(crate) struct Trust {
    /// Copies that were right when they were read to their end, by store and name: as what the store knew them, and until when that counts.
    verified: Cache<(String, BlobKey), (Revision, Timestamp)>,
    /// Copies that were wrong, by content and store. Nobody reads them until the scrubber has judged them.
    suspected: Mutex<BTreeMap<Sha256, BTreeSet<String>>>,
}

/// What was right is taken to be so for an hour: a disk can spoil what nobody writes. So a content that is much asked for is hashed once an
/// hour, and one that is seldom asked for each time.
const VERIFIED_SECONDS: u64 = 60 * 60;
/// Copies that are remembered.
const VERIFIED_MAX: u64 = 10_000;
/// Contents that are remembered. Of any more the damage is found again at each download.
const SUSPECTED_MAX: usize = 10_000;

impl Default for Trust {
    fn default() -> Self {
        Self { verified: Cache::new(VERIFIED_MAX), suspected: Mutex::default() }
    }
}

impl Trust {
    /// The copy was read to its end, and was right.
    pub(super) fn verified(&self, store: &str, key: BlobKey, revision: &Revision, now: Timestamp) {
        self.verified.insert((store.to_owned(), key), (revision.clone(), now.plus_seconds(VERIFIED_SECONDS)));
    }

    /// Whether it was read to its end not long ago, was right, and is still the same as far as the store can tell.
    pub(super) fn is_verified(&self, store: &str, key: BlobKey, revision: &Revision, now: Timestamp) -> bool {
        let known = self.verified.get(&(store.to_owned(), key));
        known.is_some_and(|(right, until)| right == *revision && now < until)
    }

    /// The copies in these stores were wrong, or one of them was.
    pub(crate) fn suspect(&self, sha256: Sha256, stores: impl IntoIterator<Item = String>) {
        let mut stores = stores.into_iter().peekable();
        let mut suspected = self.suspected();
        if stores.peek().is_none() {
            return;
        }
        if suspected.len() < SUSPECTED_MAX || suspected.contains_key(&sha256) {
            suspected.entry(sha256).or_default().extend(stores);
        }
    }

    /// The stores in which its copies were wrong.
    pub(crate) fn suspected_in(&self, sha256: Sha256) -> BTreeSet<String> {
        self.suspected().get(&sha256).cloned().unwrap_or_default()
    }

    /// Every content of which a copy was wrong.
    pub(crate) fn suspects(&self) -> Vec<Sha256> {
        self.suspected().keys().copied().collect()
    }

    /// The log says by now how its copies are in these stores.
    pub(crate) fn is_judged(&self, sha256: Sha256, stores: &BTreeSet<String>) {
        let mut suspected = self.suspected();
        if let Some(left) = suspected.get_mut(&sha256) {
            left.retain(|name| !stores.contains(name));
            if left.is_empty() {
                suspected.remove(&sha256);
            }
        }
    }

    fn suspected(&self) -> MutexGuard<'_, BTreeMap<Sha256, BTreeSet<String>>> {
        self.suspected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: BlobKey = BlobKey::first(Sha256([1; 32]));

    fn revision(text: &str) -> Revision {
        Revision(text.to_owned())
    }

    #[test]
    fn what_was_right_is_taken_to_be_so_for_an_hour_and_while_it_is_the_same() {
        let (trust, now) = (Trust::default(), Timestamp(0));
        trust.verified("local", KEY, &revision("a"), now);
        assert!(trust.is_verified("local", KEY, &revision("a"), now.plus_seconds(3_599)));
        assert!(!trust.is_verified("local", KEY, &revision("a"), now.plus_seconds(3_600)));
        assert!(!trust.is_verified("local", KEY, &revision("b"), now));
        assert!(!trust.is_verified("oss", KEY, &revision("a"), now));
        assert!(!trust.is_verified("local", BlobKey { generation: 1, ..KEY }, &revision("a"), now));
    }

    #[test]
    fn what_was_wrong_is_remembered_until_it_is_judged_and_there_is_a_limit() {
        let trust = Trust::default();
        for number in 0..SUSPECTED_MAX as u64 + 10 {
            let mut sha256 = Sha256([0; 32]);
            sha256.0[..8].copy_from_slice(&number.to_be_bytes());
            trust.suspect(sha256, ["local".to_owned()]);
        }
        let suspects = trust.suspects();
        assert_eq!(suspects.len(), SUSPECTED_MAX);
        trust.suspect(suspects[0], ["oss".to_owned()]);
        assert_eq!(trust.suspected_in(suspects[0]), BTreeSet::from(["local".to_owned(), "oss".to_owned()]));
        trust.is_judged(suspects[0], &["local".to_owned()].into());
        assert_eq!(trust.suspected_in(suspects[0]), ["oss".to_owned()].into());
        trust.is_judged(suspects[0], &["oss".to_owned()].into());
        assert_eq!(trust.suspects().len(), SUSPECTED_MAX - 1);
    }
}
