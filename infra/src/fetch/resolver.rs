use std::io;
use std::net::{IpAddr, SocketAddr};

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::rules::{NameError, Rules};

/// Finds the addresses of a name.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// All of them.
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// What the system says: its hosts file, then DNS.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
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
