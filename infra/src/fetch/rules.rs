use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use url::{Host, Url};

use super::address::is_public;
use super::network::Network;
use super::resolver::Lookup;

/// Which addresses are asked, and how names are found.
#[derive(Clone)]
pub(super) struct Rules {
    allow: Arc<[Network]>,
    refuse: Arc<[Network]>,
    lookup: Arc<dyn Lookup>,
}

/// Why a URL is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refused(pub(super) &'static str);

const NOT_PUBLIC: Refused = Refused("it leads to an address that is not asked");
/// There is no such name, or nobody says so in time.
pub(super) const NO_ADDRESS: Refused = Refused("its host can't be found");
const NO_HOST: Refused = Refused("it names no host");

/// Why a name leads nowhere.
#[derive(Debug)]
pub(super) enum NameError {
    /// To an address that is not asked.
    Refused(Refused),
    /// It can't be found just now.
    Lookup(io::Error),
}

impl Rules {
    pub(super) fn new(allow: Vec<Network>, refuse: Vec<Network>, lookup: Arc<dyn Lookup>) -> Self {
        Self { allow: allow.into(), refuse: refuse.into(), lookup }
    }

    /// Judges every address to which the URL leads. A name that nobody knows is refused; nothing is known while too many others are looked up.
    pub(super) async fn judge(&self, url: &Url) -> Result<(), NameError> {
        self.judge_literal(url).map_err(NameError::Refused)?;
        let Some(Host::Domain(name)) = url.host() else { return Ok(()) };
        match self.resolve(name).await {
            Ok(_) => Ok(()),
            Err(NameError::Lookup(error)) if error.kind() != io::ErrorKind::ResourceBusy => Err(NameError::Refused(NO_ADDRESS)),
            Err(error) => Err(error),
        }
    }

    /// Judges the address that stands in the URL itself, if one does.
    pub(super) fn judge_literal(&self, url: &Url) -> Result<(), Refused> {
        match url.host() {
            None => Err(NO_HOST),
            Some(Host::Domain(_)) => Ok(()),
            Some(Host::Ipv4(address)) => self.judge_address(address.into()),
            Some(Host::Ipv6(address)) => self.judge_address(address.into()),
        }
    }

    /// The addresses of a name. One that is not asked spoils them all: nobody honest has both kinds.
    pub(super) async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, NameError> {
        let addresses = self.lookup.addresses(name).await.map_err(NameError::Lookup)?;
        if addresses.is_empty() {
            return Err(NameError::Refused(NO_ADDRESS));
        }
        addresses.iter().try_for_each(|address| self.judge_address(*address)).map_err(NameError::Refused)?;
        Ok(addresses)
    }

    fn judge_address(&self, address: IpAddr) -> Result<(), Refused> {
        let lies_in = |networks: &[Network]| networks.iter().any(|network| network.contains(address));
        let is_asked = !lies_in(&self.refuse) && (is_public(address) || lies_in(&self.allow));
        if is_asked { Ok(()) } else { Err(NOT_PUBLIC) }
    }
}
