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
pub struct SystemLookup(Arc<Semaphore>);

/// Names that are looked up at once.
const AT_ONCE: usize = 8;
/// How long a name waits for its turn.
const TURN_MAX: Duration = Duration::from_secs(5);

impl Default for SystemLookup {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

#[async_trait]
impl Lookup for SystemLookup {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let turn = timeout(TURN_MAX, self.0.clone().acquire_owned()).await;
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
