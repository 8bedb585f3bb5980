use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cairn_domain::AccountId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

type Taken = HashMap<AccountId, usize>;

/// Where downloads run. No account has more than half of the places, so that nobody waits for the slow sources of one other.
pub(super) struct Places {
    free: Arc<Semaphore>,
    share: usize,
    taken: Arc<Mutex<Taken>>,
}

/// One of them, as long as this is there.
#[derive(Debug)]
pub(super) struct Place {
    owner: AccountId,
    taken: Arc<Mutex<Taken>>,
    _permit: OwnedSemaphorePermit,
}

/// Why there is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// The account has its share.
    ForThisAccount,
    /// All are taken.
    AtAll,
}

impl Places {
    pub(super) fn new(count: usize) -> Self {
        let count = count.max(1);
        Self { free: Arc::new(Semaphore::new(count)), share: count.div_ceil(2), taken: Arc::default() }
    }

    pub(super) fn take(&self, owner: AccountId) -> Result<Place, NoPlace> {
        let permit = self.free.clone().try_acquire_owned().map_err(|_| NoPlace::AtAll)?;
        let mut taken = lock(&self.taken);
        let own = taken.entry(owner).or_default();
        if *own >= self.share {
            return Err(NoPlace::ForThisAccount);
        }
        *own += 1;
        Ok(Place { owner, taken: self.taken.clone(), _permit: permit })
    }

    /// Waits until one is free for somebody.
    pub(super) async fn free(&self) {
        // They are never closed.
        let _ = self.free.acquire().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        if let Some(own) = taken.get_mut(&self.owner) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.owner);
            }
        }
    }
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn account(n: u128) -> AccountId {
        AccountId(Uuid::from_u128(n))
    }

    #[test]
    fn one_account_leaves_half_to_others() {
        let places = Places::new(5);
        let mut own: Vec<_> = (0..3).map(|_| places.take(account(1)).expect("a place")).collect();
        assert_eq!(places.take(account(1)).expect_err("no place"), NoPlace::ForThisAccount);
        let _others = [2, 3].map(|other| places.take(account(other)).expect("a place"));
        assert_eq!(places.take(account(4)).expect_err("no place"), NoPlace::AtAll);
        own.pop();
        own.push(places.take(account(1)).expect("a place again"));
    }

    #[test]
    fn the_only_place_is_for_whoever_comes() {
        let places = Places::new(1);
        drop(places.take(account(1)).expect("a place"));
        let _place = places.take(account(2)).expect("a place");
        assert_eq!(places.take(account(1)).expect_err("no place"), NoPlace::AtAll);
    }
}
