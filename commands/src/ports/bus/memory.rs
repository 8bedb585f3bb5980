//! The bus in memory: for tests, and the plainest statement of the contract.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use cairn_domain::{EventId, Position, StoredEvent};
use tokio::sync::watch;

use super::{Bus, BusError, Reached, Tip};

/// What several processes publish to. It forgets everything when it is dropped, or when it is told to.
#[derive(Debug, Clone)]
pub struct MemoryBusServer {
    events: Arc<Mutex<Events>>,
    told: watch::Sender<Position>,
}

#[derive(Debug, Default)]
struct Events {
    kept: Vec<(Position, EventId)>,
    /// How many there were, with those that are forgotten.
    count: u64,
}

impl Default for MemoryBusServer {
    fn default() -> Self {
        Self { events: Arc::default(), told: watch::Sender::new(Position::START) }
    }
}

impl MemoryBusServer {
    /// One process's end of it.
    pub fn connect(&self) -> MemoryBus {
        MemoryBus(self.clone())
    }

    /// Every event that it still has, in the order of their arrival.
    pub fn kept(&self) -> Vec<(Position, EventId)> {
        self.events().kept.clone()
    }

    /// Forgets all events, as one that was told to keep none for long.
    pub fn forget(&self) {
        self.events().kept.clear();
    }

    /// Loses its last events, as in a crash.
    pub fn lose(&self, count: usize) {
        let mut events = self.events();
        let left = events.kept.len().saturating_sub(count);
        events.count -= (events.kept.len() - left) as u64;
        events.kept.truncate(left);
    }

    fn events(&self) -> MutexGuard<'_, Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The twin.
#[derive(Debug, Clone)]
pub struct MemoryBus(MemoryBusServer);

#[async_trait]
impl Bus for MemoryBus {
    async fn reached(&self) -> Result<Reached, BusError> {
        let events = self.0.events();
        let tip = Tip(events.count);
        Ok(match events.kept.last() {
            Some(&(position, event)) => Reached::At { position, event, tip },
            None if events.count > 0 => Reached::Forgotten(tip),
            None => Reached::Empty(tip),
        })
    }

    async fn publish(&self, behind: Tip, events: &[StoredEvent]) -> Result<Tip, BusError> {
        let mut all = self.0.events();
        if Tip(all.count) != behind {
            return Err(BusError::Moved);
        }
        all.kept.extend(events.iter().map(|event| (event.position, event.id)));
        all.count += events.len() as u64;
        Ok(Tip(all.count))
    }

    fn tell(&self, position: Position) {
        self.0.told.send_replace(position);
    }

    fn heard(&self) -> watch::Receiver<Position> {
        self.0.told.subscribe()
    }

    async fn reachable(&self) -> Result<(), BusError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::contract::{self, Scene};
    use super::*;

    impl Scene for MemoryBusServer {
        type Bus = MemoryBus;

        async fn connect(&self) -> MemoryBus {
            self.connect()
        }

        async fn kept(&self) -> Vec<(Position, EventId)> {
            self.kept()
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn keeps_the_contract() {
        contract::suite(&MemoryBusServer::default()).await;
    }

    #[tokio::test]
    async fn what_it_has_lost_it_tells() {
        let server = MemoryBusServer::default();
        let bus = server.connect();
        let tip = bus.publish(Tip(0), &contract::events(1..4)).await.expect("published");
        server.lose(1);
        assert!(matches!(bus.publish(tip, &contract::events(4..5)).await, Err(BusError::Moved)));
        assert!(matches!(bus.reached().await, Ok(Reached::At { position: Position(2), tip: Tip(2), .. })));
        server.forget();
        assert!(matches!(bus.reached().await, Ok(Reached::Forgotten(Tip(2)))));
    }
}
