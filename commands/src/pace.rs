//! How many requests are taken from one account, or from one address.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use cairn_domain::AccountId;

use crate::Drive;

/// Whose requests count together.
#[derive(Debug, Clone, Copy)]
pub enum Asker<'a> {
    /// All sessions of an account.
    Account(AccountId),
    /// Everybody at an address who has not signed in.
    Address(&'a str),
}

impl Drive {
    /// Takes a request; or tells how long it is too early.
    pub async fn pace(&self, asker: Asker<'_>) -> Option<Duration> {
        let rate = match asker {
            Asker::Account(_) => self.limits.requests_per_account,
            Asker::Address(_) => self.limits.requests_per_address,
        }?;
        let key = match asker {
            Asker::Account(account) => format!("requests/account/{account}"),
            Asker::Address(address) => format!("requests/address/{}", network_of(address)),
        };
        self.ports.rates.take(&key, self.ports.clock.now(), rate).await.map(Duration::from_micros)
    }
}

/// A household has a whole /64 of IPv6 addresses (RFC 6177), so all of them count as one.
pub(crate) fn network_of(address: &str) -> String {
    match address.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)).to_string(),
        Ok(IpAddr::V4(_)) | Err(_) => address.to_owned(),
    }
}
