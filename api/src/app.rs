//! What every resource holds in its hands.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use cairn_commands::Drive;
use cairn_domain::Position;
use cairn_projections::Runner;
use cairn_projections::ports::{ReadError, ReadTables};
use poem::Request;
use poem::http::HeaderMap;
use poem::web::RemoteAddr;

use crate::auth::Sessions;
use crate::http::problem::{Explain, Problem, common};

/// The drive as the REST interface sees it.
pub struct App {
    /// The use cases.
    pub drive: Arc<Drive>,
    /// The read tables.
    pub tables: Arc<dyn ReadTables>,
    /// What keeps the read tables up with the log.
    pub runner: Runner,
    /// Renders the metrics for Prometheus.
    pub metrics: Box<dyn Fn() -> String + Send + Sync>,
    /// How the drive presents itself.
    pub settings: AppSettings,
    pub(crate) sessions: Sessions,
}

/// How the drive presents itself.
#[derive(Debug, Clone)]
pub struct AppSettings {
    /// The address under which people reach the drive, without a slash at its end.
    pub public_url: String,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// How long a read waits for the position that it asks for.
    pub wait_max: Duration,
}

impl App {
    /// An interface to this drive.
    pub fn new(
        drive: Arc<Drive>,
        tables: Arc<dyn ReadTables>,
        runner: Runner,
        metrics: Box<dyn Fn() -> String + Send + Sync>,
        settings: AppSettings,
    ) -> Arc<Self> {
        Arc::new(Self { drive, tables, runner, metrics, settings, sessions: Sessions::default() })
    }

    /// Waits until the read tables have reached the position that a read asks for (`Cairn-Min-Position`).
    pub(crate) async fn reach(&self, position: Option<u64>) -> Result<(), Problem> {
        let Some(position) = position else { return Ok(()) };
        if self.runner.reached().reaches(Position(position), self.settings.wait_max).await {
            return Ok(());
        }
        Err(Problem::of(common::unavailable).detail("The read tables have not reached this position yet; try again."))
    }

    /// The client's address: the peer's, or what a trusted proxy says it is.
    pub(crate) fn client_address(&self, request: &Request) -> Option<String> {
        let peer = peer_of(request.remote_addr())?;
        let proxied = self.settings.trusted_proxies.contains(&peer);
        let told = if proxied { forwarded_for(request.headers(), &self.settings.trusted_proxies) } else { None };
        Some(told.unwrap_or(peer).to_string())
    }
}

fn peer_of(remote: &RemoteAddr) -> Option<IpAddr> {
    remote.as_socket_addr().map(SocketAddr::ip).map(|address| address.to_canonical())
}

/// The last address in `X-Forwarded-For` that is not one of our own proxies: anything before it is the client's own claim.
fn forwarded_for(headers: &HeaderMap, trusted: &[IpAddr]) -> Option<IpAddr> {
    let values = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
    let addresses = hops.iter().rev().map_while(|hop| hop.parse::<IpAddr>().ok());
    addresses.map(|address| address.to_canonical()).find(|address| !trusted.contains(address))
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unavailable(_) => Self::of(common::unavailable).because(error),
            ReadError::Unreadable { .. } => Self::of(common::internal).because(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_behind_trusted_proxies_is_believed() {
        let proxy: IpAddr = "10.0.0.1".parse().expect("an address");
        let told = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", value.parse().expect("a value"));
            forwarded_for(&headers, &[proxy]).map(|address| address.to_string())
        };
        assert_eq!(told("6.6.6.6, 1.2.3.4"), Some("1.2.3.4".to_owned()));
        assert_eq!(told("6.6.6.6, 1.2.3.4, 10.0.0.1"), Some("1.2.3.4".to_owned()));
        assert_eq!(told("nonsense"), None);
    }
}
