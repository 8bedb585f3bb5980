//! The event log in EventStoreDB.
//!
//! An append is always made at an exact revision, which this adapter knows or looks up: the server's own recognition of repeats is only
//! promised then, and can't tell a repeat from a success. What stands in a stream is remembered as far as it was seen; whether that is
//! still all is judged by the server, when it compares the revision. So two processes that try the same append at once can't both land,
//! whatever either of them remembers, and what another process did is never overlooked.
//!
//! A position is the commit position of the server, a byte offset: positions grow and have gaps. `$all` is read in pages, not
//! subscribed to: whoever follows the log asks for pages anyway, from where he is, and a subscription that the server ends can keep a
//! thread busy for ever. The [growth](EventStore::growth) of other processes is seen by asking for the head now and then.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cairn_commands::ports::event_store::{Append, Appended, EventStore, StoreError, append_one_by_one};
use cairn_commands::ports::intake::{Intake, expected_before};
use cairn_domain::{Expected, NewEvent, Position, StoredEvent, StreamName, Version};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::address::Server;
use super::link::{Link, OpenError};
use super::record::Encoded;
use crate::group_commit::{describe_metrics, tell_growth};

mod append;
mod known;
mod places;
mod read;

use append::Appender;
use places::Places;

/// How often the log is asked whether another process has appended to it.
const FOREIGN_GROWTH_PERIOD: Duration = Duration::from_millis(100);

/// How long an append may take, with everything that it waits for. What becomes of it later is as unknown as with any lost answer.
const APPEND_MAX: Duration = Duration::from_millis(2_800);

/// Bytes that may be on their way to the server at once: the client itself would queue any amount.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// The log on a server. Dropping it ends its tasks.
pub struct EventStoreLog {
    link: Arc<Link>,
    appender: Appender,
    places: Places,
    growth: watch::Sender<Position>,
    tasks: TaskTracker,
    stop: CancellationToken,
    _stop_when_dropped: DropGuard,
}

impl std::fmt::Debug for EventStoreLog {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("EventStoreLog").field("head", &*self.growth.borrow()).finish_non_exhaustive()
    }
}

impl EventStoreLog {
    /// Opens the log. There is nothing to be made: streams are there as soon as they are appended to.
    pub async fn open(server: &Server) -> Result<Self, OpenError> {
        describe_metrics();
        let (link, head) = Link::open(server).await?;
        let link = Arc::new(link);
        let (stop, tasks, growth) = (CancellationToken::new(), TaskTracker::new(), watch::Sender::new(head));
        tasks.spawn({
            let (link, seen, stop) = (Arc::clone(&link), growth.subscribe(), stop.clone());
            async move { link.supervise(seen, stop).await }
        });
        tasks.spawn(watch_foreign_growth(Arc::clone(&link), growth.clone(), stop.clone()));
        tasks.close();
        let appender = Appender::new(Arc::clone(&link), Semaphore::new(BYTES_MAX));
        Ok(Self { link, appender, places: Places::default(), growth, tasks, _stop_when_dropped: stop.clone().drop_guard(), stop })
    }

    /// Lets the server go. What is on its way may still arrive.
    pub async fn close(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

impl EventStoreLog {
    async fn append_encoded(&self, stream: &StreamName, expected: Expected, events: &[Encoded]) -> Result<Appended, StoreError> {
        let late = |_| Err(StoreError::Unavailable("the append was not answered in time".into()));
        let appended = tokio::time::timeout(APPEND_MAX, self.appender.append(stream, expected, events)).await;
        let appended = appended.unwrap_or_else(late);
        append::count(&appended, events.len());
        if let Ok(Appended { position, .. }) = appended {
            self.places.note(position);
            tell_growth(&self.growth, position);
        }
        appended
    }
}

/// One event after the other: the order over all streams is that in which they arrive.
#[async_trait]
impl Intake for EventStoreLog {
    async fn held(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.read_all(after, limit).await
    }

    async fn take_in(&self, events: Vec<StoredEvent>) -> Result<(), StoreError> {
        for event in events {
            let (stream, expected) = (event.stream.clone(), expected_before(event.version));
            self.append_encoded(&stream, expected, &[Encoded::of_stored(event)?]).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl EventStore for EventStoreLog {
    async fn append(&self, stream: &StreamName, expected: Expected, events: Vec<NewEvent>) -> Result<Appended, StoreError> {
        let events = events.iter().map(Encoded::new).collect::<Result<Vec<_>, _>>()?;
        self.append_encoded(stream, expected, &events).await
    }

    /// The server commits to one stream at a time.
    async fn append_in_order(&self, appends: Vec<Append>) -> Result<Vec<Appended>, StoreError> {
        append_one_by_one(self, appends).await
    }

    async fn read_stream(&self, stream: &StreamName, from: Version, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        let events = read::stream(&self.link, stream, from, limit).await?;
        self.appender.learn(stream, &events);
        Ok(events)
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        read::all(&self.link, &self.places, after, limit).await
    }

    async fn head(&self) -> Result<Position, StoreError> {
        read::head(&self.link).await
    }

    fn growth(&self) -> watch::Receiver<Position> {
        self.growth.subscribe()
    }
}

/// Whoever appends here tells of it at once; this tells of what other processes append.
async fn watch_foreign_growth(link: Arc<Link>, growth: watch::Sender<Position>, stop: CancellationToken) {
    let look = async {
        loop {
            tokio::time::sleep(FOREIGN_GROWTH_PERIOD).await;
            match link.ask(|live| async move { live.head().await }).await {
                Ok(head) => tell_growth(&growth, head),
                Err(failure) => tracing::debug!(?failure, "the event log did not tell its head"),
            }
        }
    };
    stop.run_until_cancelled(look).await;
}
