//! What all connections share, and what outlives a restart.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::UNIX_EPOCH;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::access::User;
use crate::double::SubscriptionEnd;
use crate::fault::{Faults, Method};
use crate::store::Store;

pub(crate) struct Shared {
    pub(crate) address: SocketAddr,
    pub(crate) faults: Faults,
    /// The length of the log, for whoever waits for more of it.
    pub(crate) log_length: watch::Sender<usize>,
    /// How the last order to end all subscriptions wants them to end.
    pub(crate) endings: watch::Sender<SubscriptionEnd>,
    pub(crate) subscriptions: AtomicUsize,
    subscriptions_ever: AtomicU64,
    store: Mutex<Store>,
    user: Mutex<Option<User>>,
    calls: Mutex<HashMap<Method, usize>>,
    connections: Mutex<CancellationToken>,
}

impl Shared {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let store = Store::new(ticks_now());
        Self {
            address,
            faults: Faults::default(),
            log_length: watch::Sender::new(store.log().len()),
            endings: watch::Sender::new(SubscriptionEnd::Clean),
            subscriptions: AtomicUsize::new(0),
            subscriptions_ever: AtomicU64::new(0),
            store: Mutex::new(store),
            user: Mutex::default(),
            calls: Mutex::default(),
            connections: Mutex::default(),
        }
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        lock(&self.store)
    }

    /// Changes the store at the current time and wakes the subscriptions.
    pub(crate) fn write<T>(&self, change: impl FnOnce(&mut Store, u64) -> T) -> T {
        let mut store = self.store();
        let result = change(&mut store, ticks_now());
        self.log_length.send_replace(store.log().len());
        result
    }

    pub(crate) fn let_in_only(&self, user: User) {
        *lock(&self.user) = Some(user);
    }

    /// The one who is let in; none while everybody is.
    pub(crate) fn user(&self) -> Option<User> {
        lock(&self.user).clone()
    }

    pub(crate) fn count_call(&self, method: Method) {
        *lock(&self.calls).entry(method).or_default() += 1;
    }

    pub(crate) fn calls(&self, method: Method) -> usize {
        lock(&self.calls).get(&method).copied().unwrap_or_default()
    }

    /// Unlike any other subscription's.
    pub(crate) fn next_subscription_id(&self) -> uuid::Uuid {
        uuid::Uuid::from_u64_pair(0xE5DB, self.subscriptions_ever.fetch_add(1, Ordering::Relaxed))
    }

    /// Cancelled when this connection, and perhaps no other, is to be cut.
    pub(crate) fn new_connection(&self) -> CancellationToken {
        lock(&self.connections).child_token()
    }

    pub(crate) fn cut_connections(&self) {
        std::mem::take(&mut *lock(&self.connections)).cancel();
    }
}

/// A test that panicked while it held a lock left nothing half-done that another could see.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The time in whole units of 100 ns since 1970: more the server does not keep.
pub(crate) fn ticks_now() -> u64 {
    let since_1970 = UNIX_EPOCH.elapsed().unwrap_or_default();
    since_1970.as_secs() * 10_000_000 + u64::from(since_1970.subsec_nanos() / 100)
}
