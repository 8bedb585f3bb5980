//! What every resource holds in its hands.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use cairn_commands::ports::bus::Bus;
use cairn_commands::{Caller, Drive};
use cairn_domain::{AccountId, Position};
use cairn_projections::Runner;
use cairn_projections::ports::{Copies, ReadError, ReadTables};
use moka::sync::Cache;
use poem::Request;
use poem::http::HeaderMap;
use poem::web::RemoteAddr;
use tokio::time::timeout;

use crate::http::problem::{Explain, Problem, common};
use crate::service::Section;

/// The drive as the REST interface sees it.
pub struct App {
    /// The use cases.
    pub drive: Arc<Drive>,
    /// The read tables as they are written: no answer from them is older than what the runner has reached.
    pub tables: Arc<dyn ReadTables>,
    /// The same, and copies of them.
    pub copies: Arc<dyn Copies>,
    /// What keeps the read tables up with the log.
    pub runner: Runner,
    /// Where others follow the drive's events; none where nobody does.
    pub bus: Option<Arc<dyn Bus>>,
    /// Renders the metrics for Prometheus.
    pub metrics: Box<dyn Fn() -> String + Send + Sync>,
    /// How the drive presents itself.
    pub settings: AppSettings,
    /// Where the log stood when somebody last changed something here: what he reads next shows it, also without the header.
    written: Cache<AccountId, Position>,
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
    /// What this process answers; the rest is for others.
    pub served: Vec<Section>,
}

/// How long a change is kept in mind: the copies of the read tables that are used at all are not as far behind.
const WRITTEN_KEPT: Duration = Duration::from_secs(30);
/// Accounts of which it is.
const WRITERS_MAX: u64 = 100_000;

impl App {
    /// An interface to this drive.
    pub fn new(
        drive: Arc<Drive>,
        tables: Arc<dyn ReadTables>,
        copies: Arc<dyn Copies>,
        runner: Runner,
        bus: Option<Arc<dyn Bus>>,
        metrics: Box<dyn Fn() -> String + Send + Sync>,
        settings: AppSettings,
    ) -> Arc<Self> {
        let written = Cache::builder().max_capacity(WRITERS_MAX).time_to_live(WRITTEN_KEPT).build();
        Arc::new(Self { drive, tables, copies, runner, bus, metrics, settings, written })
    }

    /// Read tables that show what the caller has last changed through this process, and the position that the read asks for
    /// (`Cairn-Min-Position`), which is waited for if the log has come so far.
    pub(crate) async fn reach(&self, caller: &Caller, position: Option<u64>) -> Result<Arc<dyn ReadTables>, Problem> {
        let wanted = Position(position.unwrap_or_default());
        if self.runner.reached().now() < wanted && !self.comes_to(wanted).await? {
            return Err(Problem::of(common::unavailable).detail("The read tables have not reached this position yet; try again."));
        }
        let own = self.written.get(&caller.account).unwrap_or_default();
        Ok(self.copies.reached(wanted.max(own)))
    }

    /// Waits until the read tables show the position; false when they do not in time. A position that the log has not given out is refused: it
    /// would be waited for in vain. Other processes append as well, so the log is asked.
    async fn comes_to(&self, wanted: Position) -> Result<bool, Problem> {
        let wait_max = self.settings.wait_max;
        let waited = timeout(wait_max, async {
            if wanted > self.drive.ports().log.head().await? {
                return Err(Problem::invalid("Cairn-Min-Position", "is beyond the end of the log"));
            }
            Ok(self.runner.reached().shows(&*self.tables, wanted, wait_max).await)
        });
        waited.await.unwrap_or(Ok(false))
    }

    /// Notes that the account has changed something.
    pub(crate) fn wrote(&self, account: AccountId, position: Position) {
        // Commands may end in another order than that of the log.
        self.written.entry(account).and_upsert_with(|known| known.map_or(position, |known| known.into_value().max(position)));
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
