use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::rules::{NameError, Rules};

/// Finds the addresses of a name.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// All of them. [`io::ErrorKind::ResourceBusy`] when too many others are looked up.
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// What the system says: its hosts file, then DNS. It blocks a thread for as long as a name server says nothing, whoever has stopped waiting
/// for it, so that only a few names are looked up at once: the others of those threads are for the disk.
#[derive(Debug)]
pub struct SystemLookup {
    turns: Arc<Semaphore>,
    /// How long a name waits for its turn.
    patience: Duration,
}

/// Names that are looked up at once.
const AT_ONCE: usize = 8;
/// How long a name waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

impl Default for SystemLookup {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)), patience: PATIENCE }
    }
}

#[async_trait]
impl Lookup for SystemLookup {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let turn = timeout(self.patience, self.turns.clone().acquire_owned()).await;
        let turn = turn.map_err(|_| io::ErrorKind::ResourceBusy)?.map_err(io::Error::other)?;
        let name = name.to_owned();
        let lookup = move || {
            let _turn = turn;
            Ok((name.as_str(), 0).to_socket_addrs()?.map(|address| address.ip()).collect())
        };
        tokio::task::spawn_blocking(lookup).await?
    }
}

/// The resolver of the client that connects: what it says is where the connection goes, so what it says was judged.
pub(super) struct Guarded(pub(super) Rules);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let rules = self.0.clone();
        Box::pin(async move {
            match rules.resolve(name.as_str()).await {
                // The port is that of the URL.
                Ok(addresses) => Ok(Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs),
                Err(NameError::Refused(refused)) => Err(refused.into()),
                Err(NameError::Lookup(error)) => Err(error.into()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_waits_for_its_turn_and_not_for_ever() {
        let lookup = SystemLookup { patience: Duration::from_millis(1), ..SystemLookup::default() };
        let others = lookup.turns.clone().acquire_many_owned(u32::try_from(AT_ONCE).expect("a number")).await.expect("all turns");
        assert_eq!(lookup.addresses("localhost").await.expect_err("no turn").kind(), io::ErrorKind::ResourceBusy);
        drop(others);
        assert!(lookup.addresses("localhost").await.expect("addresses").iter().all(IpAddr::is_loopback));
    }
}
