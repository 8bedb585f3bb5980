//! A log whose growth is also told to, and heard from, other processes over the bus.

use std::sync::Arc;

use async_trait::async_trait;
use cairn_commands::ports::bus::Bus;
use cairn_commands::ports::event_store::{Append, Appended, EventStore, Sifted, StoreError};
use cairn_domain::{Expected, NewEvent, Position, StoredEvent, StreamName, Version};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Any log, with hints that come over the bus. Dropping it ends its tasks.
pub struct WokenLog {
    inner: Arc<dyn EventStore>,
    growth: watch::Sender<Position>,
    _stop_when_dropped: DropGuard,
}

impl WokenLog {
    /// From now on others are told when this log grows, and this one is woken when they tell.
    pub fn start(inner: Arc<dyn EventStore>, bus: &Arc<dyn Bus>) -> Self {
        let growth = watch::Sender::new(*inner.growth().borrow());
        let stop = CancellationToken::new();
        let own = tell(inner.growth(), bus.clone(), growth.clone());
        let others = hear(inner.clone(), bus.heard(), growth.clone());
        tokio::spawn(stop.clone().run_until_cancelled_owned(own));
        tokio::spawn(stop.clone().run_until_cancelled_owned(others));
        Self { inner, growth, _stop_when_dropped: stop.drop_guard() }
    }
}

/// What the log itself has noticed is told on, unless somebody else has told it: that is no news.
async fn tell(mut own: watch::Receiver<Position>, bus: Arc<dyn Bus>, growth: watch::Sender<Position>) {
    let heard = bus.heard();
    while own.changed().await.is_ok() {
        let position = *own.borrow_and_update();
        raise(&growth, position);
        // Not by what is known: an append of somebody else, heard of just before this, may be known with its head, which is this one.
        if position > *heard.borrow() {
            bus.tell(position);
        }
    }
}

/// Nothing vouches for what is heard, so the log is asked.
async fn hear(inner: Arc<dyn EventStore>, mut heard: watch::Receiver<Position>, growth: watch::Sender<Position>) {
    while heard.changed().await.is_ok() {
        let position = *heard.borrow_and_update();
        if position <= *growth.borrow() {
            continue;
        }
        match inner.head().await {
            Ok(head) => raise(&growth, head),
            Err(error) => tracing::debug!(error = &error as &dyn std::error::Error, "the event log did not tell its head"),
        }
    }
}

fn raise(growth: &watch::Sender<Position>, position: Position) {
    growth.send_if_modified(|known| {
        let higher = position > *known;
        if higher {
            *known = position;
        }
        higher
    });
}

#[async_trait]
impl EventStore for WokenLog {
    async fn append(&self, stream: &StreamName, expected: Expected, events: Vec<NewEvent>) -> Result<Appended, StoreError> {
        self.inner.append(stream, expected, events).await
    }

    async fn append_in_order(&self, appends: Vec<Append>) -> Result<Vec<Appended>, StoreError> {
        self.inner.append_in_order(appends).await
    }

    async fn read_stream(&self, stream: &StreamName, from: Version, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.inner.read_stream(stream, from, limit).await
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.inner.read_all(after, limit).await
    }

    async fn read_named(&self, after: Position, names: &[&str], limit: usize) -> Result<Sifted, StoreError> {
        self.inner.read_named(after, names, limit).await
    }

    async fn head(&self) -> Result<Position, StoreError> {
        self.inner.head().await
    }

    fn growth(&self) -> watch::Receiver<Position> {
        self.growth.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use cairn_commands::ports::bus::MemoryBusServer;
    use cairn_commands::ports::event_store::{MemoryEventStore, contract};

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn keeps_the_contract_of_a_log() {
        let bus: Arc<dyn Bus> = Arc::new(MemoryBusServer::default().connect());
        contract::suite(Arc::new(WokenLog::start(Arc::new(MemoryEventStore::new()), &bus)), "woken").await;
    }

    #[tokio::test]
    async fn a_position_that_the_log_does_not_have_wakes_nobody() {
        let server = MemoryBusServer::default();
        let bus: Arc<dyn Bus> = Arc::new(server.connect());
        let log = WokenLog::start(Arc::new(MemoryEventStore::new()), &bus);
        let mut growth = log.growth();
        server.connect().tell(Position(1_000_000));
        let woken = tokio::time::timeout(std::time::Duration::from_millis(100), growth.changed()).await;
        assert!(woken.is_err());
    }
}
