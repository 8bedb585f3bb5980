//! Ports that break at one effect, for good or for once, and let others in before and after each: what a crash does, and a busy machine.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use cairn_domain::blob::BlobKey;
use cairn_domain::{Expected, NewEvent, Position, StoredEvent, StreamName, Version};
use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::yield_now;

use crate::ports::ByteStream;
use crate::ports::blobs::{BlobError, BlobStore, MemoryBlobs, OpenLink, Opened};
use crate::ports::checkpoints::{CheckpointError, Checkpoints, MemoryCheckpoints};
use crate::ports::event_store::{Append, Appended, EventStore, MemoryEventStore, StoreError, append_one_by_one};
use crate::ports::tasks::{Delivery, QueueError, StoreKind, Task, TaskQueue};

/// How many effects still work.
pub(super) struct Effects {
    /// Negative for broken.
    left: AtomicI64,
    /// How many break before they work again.
    breaks: AtomicI64,
    /// Whether the effect that breaks happens all the same.
    happens: bool,
    /// Whether whoever asks for the effect that breaks panics.
    panics: AtomicBool,
    /// Every task that got into a queue.
    pushed: Mutex<Vec<Task>>,
    /// A store that is away for whatever changes it.
    away: Mutex<Option<&'static str>>,
    /// How often a store was asked for bytes.
    reads: AtomicUsize,
}

impl Effects {
    pub(super) fn breaking_at(effect: i64, happens: bool) -> Arc<Self> {
        Arc::new(Self {
            left: effect.into(),
            breaks: i64::MAX.into(),
            happens,
            panics: AtomicBool::new(false),
            pushed: Mutex::default(),
            away: Mutex::default(),
            reads: AtomicUsize::new(0),
        })
    }

    /// From now on so many still work.
    pub(super) fn break_after(&self, effects: i64) {
        self.left.store(effects, Ordering::SeqCst);
    }

    /// From now on so many break, and then all work again.
    pub(super) fn break_times(&self, times: i64) {
        self.breaks.store(times, Ordering::SeqCst);
        self.left.store(0, Ordering::SeqCst);
    }

    /// From now on so many still work, then one breaks, and then all work again.
    pub(super) fn break_once_after(&self, effects: i64) {
        self.breaks.store(1, Ordering::SeqCst);
        self.left.store(effects, Ordering::SeqCst);
    }

    /// What breaks from now on is a panic.
    pub(super) fn panic(&self) {
        self.panics.store(true, Ordering::SeqCst);
    }

    /// Every task that got into a queue.
    pub(super) fn pushed(&self) -> Vec<Task> {
        self.pushed.lock().expect("a lock").clone()
    }

    pub(super) fn mend(&self) {
        self.left.store(i64::MAX, Ordering::SeqCst);
    }

    /// Nothing can be removed from that store any more; none for all is well.
    pub(super) fn keep_away(&self, store: Option<&'static str>) {
        *self.away.lock().expect("a lock") = store;
    }

    /// How often stores were asked for bytes since it was asked last.
    pub(super) fn take_reads(&self) -> usize {
        self.reads.swap(0, Ordering::SeqCst)
    }

    /// Whether so many effects were asked for that one broke.
    pub(super) fn broke(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }

    async fn of<T, E>(&self, effect: impl Future<Output = Result<T, E>>, broken: impl FnOnce() -> E) -> Result<T, E> {
        yield_now().await;
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        let breaks = left <= 0 && -left < self.breaks.load(Ordering::SeqCst);
        let done = if breaks {
            if left == 0 && self.happens {
                effect.await?;
            }
            assert!(!self.panics.load(Ordering::SeqCst), "the roof falls in");
            Err(broken())
        } else {
            effect.await
        };
        yield_now().await;
        done
    }
}

/// A log that breaks, and counts what is read of its streams.
pub(super) struct BreakingLog {
    pub(super) inner: MemoryEventStore,
    pub(super) effects: Arc<Effects>,
    /// Calls, and events that they gave.
    read: (AtomicUsize, AtomicUsize),
    /// What another process does just before an event of that name.
    meanwhile: Mutex<Option<(&'static str, BoxFuture<'static, ()>)>>,
}

impl BreakingLog {
    pub(super) fn new(effects: Arc<Effects>) -> Self {
        Self { inner: MemoryEventStore::default(), effects, read: Default::default(), meanwhile: Mutex::default() }
    }

    /// Has that happen, once, just before an event of that name is appended.
    pub(super) fn before(&self, event: &'static str, what: impl Future<Output = ()> + Send + 'static) {
        *self.meanwhile.lock().expect("a lock") = Some((event, Box::pin(what)));
    }

    fn take_meanwhile(&self, events: &[NewEvent]) -> Option<BoxFuture<'static, ()>> {
        let mut meanwhile = self.meanwhile.lock().expect("a lock");
        meanwhile.take_if(|(name, _)| events.iter().any(|new| new.event.name() == *name)).map(|(_, what)| what)
    }

    /// Calls since it was asked last, and events that they gave.
    pub(super) fn take_reads(&self) -> (usize, usize) {
        (self.read.0.swap(0, Ordering::SeqCst), self.read.1.swap(0, Ordering::SeqCst))
    }
}

#[async_trait]
impl EventStore for BreakingLog {
    async fn append(&self, stream: &StreamName, expected: Expected, events: Vec<NewEvent>) -> Result<Appended, StoreError> {
        if let Some(meanwhile) = self.take_meanwhile(&events) {
            meanwhile.await;
        }
        let append = self.inner.append(stream, expected, events);
        self.effects.of(append, || StoreError::Unavailable("the cable is out".into())).await
    }

    async fn append_in_order(&self, appends: Vec<Append>) -> Result<Vec<Appended>, StoreError> {
        append_one_by_one(self, appends).await
    }

    async fn read_stream(&self, stream: &StreamName, from: Version, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        let events = self.inner.read_stream(stream, from, limit).await?;
        self.read.0.fetch_add(1, Ordering::SeqCst);
        self.read.1.fetch_add(events.len(), Ordering::SeqCst);
        Ok(events)
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.inner.read_all(after, limit).await
    }

    async fn head(&self) -> Result<Position, StoreError> {
        self.inner.head().await
    }

    fn growth(&self) -> watch::Receiver<Position> {
        self.inner.growth()
    }
}

/// A store that breaks.
pub(super) struct BreakingStore {
    pub(super) inner: Arc<MemoryBlobs>,
    pub(super) effects: Arc<Effects>,
}

fn no_store() -> BlobError {
    BlobError::Unavailable("the cable is out".into())
}

impl BreakingStore {
    fn is_there(&self) -> Result<(), BlobError> {
        if *self.effects.away.lock().expect("a lock") == Some(self.inner.name()) { Err(no_store()) } else { Ok(()) }
    }
}

#[async_trait]
impl BlobStore for BreakingStore {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn kind(&self) -> StoreKind {
        self.inner.kind()
    }

    fn address(&self, key: BlobKey) -> String {
        self.inner.address(key)
    }

    async fn size(&self, key: BlobKey) -> Result<Option<u64>, BlobError> {
        self.inner.size(key).await
    }

    async fn read(&self, key: BlobKey, offset: u64, length: u64) -> Result<Opened, BlobError> {
        self.effects.reads.fetch_add(1, Ordering::SeqCst);
        self.inner.read(key, offset, length).await
    }

    async fn write(&self, key: BlobKey, size: u64, body: ByteStream) -> Result<(), BlobError> {
        self.is_there()?;
        self.effects.of(self.inner.write(key, size, body), no_store).await
    }

    async fn remove(&self, key: BlobKey) -> Result<(), BlobError> {
        self.is_there()?;
        self.effects.of(self.inner.remove(key), no_store).await
    }

    async fn tidy(&self, key: BlobKey, size: u64) -> Result<(), BlobError> {
        self.effects.of(self.inner.tidy(key, size), no_store).await
    }

    async fn list(&self, after: Option<BlobKey>, limit: usize) -> Result<Vec<BlobKey>, BlobError> {
        self.inner.list(after, limit).await
    }

    async fn link(&self, key: BlobKey, wish: &OpenLink) -> Result<Option<String>, BlobError> {
        self.inner.link(key, wish).await
    }

    async fn reachable(&self) -> Result<(), BlobError> {
        self.is_there()?;
        self.inner.reachable().await
    }
}

/// A queue that breaks.
pub(super) struct BreakingQueue<Q> {
    pub(super) inner: Q,
    pub(super) effects: Arc<Effects>,
}

#[async_trait]
impl<Q: TaskQueue> TaskQueue for BreakingQueue<Q> {
    async fn push(&self, task: &Task) -> Result<(), QueueError> {
        let pushed = self.effects.of(self.inner.push(task), || QueueError::Unavailable("the cable is out".into())).await;
        if pushed.is_ok() {
            self.effects.pushed.lock().expect("a lock").push(task.clone());
        }
        pushed
    }

    async fn take(&self) -> Delivery {
        self.inner.take().await
    }

    async fn reachable(&self) -> Result<(), QueueError> {
        self.inner.reachable().await
    }
}

/// Checkpoints that break.
pub(super) struct BreakingCheckpoints {
    pub(super) inner: MemoryCheckpoints,
    pub(super) effects: Arc<Effects>,
}

#[async_trait]
impl Checkpoints for BreakingCheckpoints {
    async fn load(&self, saga: &str) -> Result<Position, CheckpointError> {
        self.inner.load(saga).await
    }

    async fn save(&self, saga: &str, position: Position) -> Result<(), CheckpointError> {
        self.effects.of(self.inner.save(saga, position), || CheckpointError("the cable is out".into())).await
    }
}
