use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What a process of the drive can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Answers about accounts and sessions, the pages, and operators.
    Account,
    /// Takes files, whole, in parts or by their hash.
    Upload,
    /// Gives files out, lists and changes them.
    Download,
    /// Answers about shares.
    Share,
    /// Keeps the read tables up with the log; of several processes one does, and the others stand by.
    Projector,
    /// Finishes what a process that has ended left half-way.
    Saga,
    /// Moves blobs between stores.
    Transfer,
    /// Fetches files from elsewhere.
    Offline,
    /// Publishes the log on the bus.
    Relay,
    /// Ends what has expired, forgets what is old, and gives back its space.
    Janitor,
}

const ALL: [(Service, &str); 10] = [
    (Service::Account, "account"),
    (Service::Upload, "upload"),
    (Service::Download, "download"),
    (Service::Share, "share"),
    (Service::Projector, "projector"),
    (Service::Saga, "saga"),
    (Service::Transfer, "transfer"),
    (Service::Offline, "offline"),
    (Service::Relay, "relay"),
    (Service::Janitor, "janitor"),
];

/// All of them at once.
const EVERYTHING: &str = "all";

/// What one process of the drive does. Never empty.
#[derive(Clone, PartialEq, Eq)]
pub struct Services(BTreeSet<Service>);

/// A word that is no service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadServices {
    /// There is no such service.
    #[error(
        "{0:?} is no service; there are: all, account, upload, download, share, projector, saga, transfer, offline, relay, janitor"
    )]
    Unknown(String),
    /// A process that does nothing.
    #[error("no service is named; `all` means every one")]
    None,
}

impl Services {
    /// Whether this process does that.
    pub fn include(&self, service: Service) -> bool {
        self.0.contains(&service)
    }

    /// Whether it does everything.
    pub fn are_all(&self) -> bool {
        self.0.len() == ALL.len()
    }

    fn named<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, BadServices> {
        let mut services = BTreeSet::new();
        for word in words.into_iter().map(str::trim).filter(|word| !word.is_empty()) {
            match ALL.iter().find(|(_, name)| *name == word) {
                Some((service, _)) => services.extend([*service]),
                None if word == EVERYTHING => services.extend(ALL.map(|(service, _)| service)),
                None => return Err(BadServices::Unknown(word.to_owned())),
            }
        }
        if services.is_empty() { Err(BadServices::None) } else { Ok(Self(services)) }
    }

    fn names(&self) -> Vec<&'static str> {
        if self.are_all() {
            return vec![EVERYTHING];
        }
        ALL.iter().filter(|(service, _)| self.include(*service)).map(|(_, name)| *name).collect()
    }
}

impl Default for Services {
    fn default() -> Self {
        Self(ALL.map(|(service, _)| service).into())
    }
}

impl FromStr for Services {
    type Err = BadServices;

    fn from_str(list: &str) -> Result<Self, Self::Err> {
        Self::named(list.split(','))
    }
}

impl fmt::Display for Services {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.names().join(","))
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

impl Serialize for Services {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.names().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Services {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = Vec::<String>::deserialize(deserializer)?;
        Self::named(words.iter().map(String::as_str)).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_words_says_what_a_process_does() {
        let services: Services = "upload, projector".parse().expect("services");
        assert!(services.include(Service::Upload) && services.include(Service::Projector));
        assert!(!services.include(Service::Account) && !services.are_all());
        assert_eq!(services.to_string(), "upload,projector");
        assert_eq!("relay,all".parse::<Services>().expect("services"), Services::default());
        assert_eq!(Services::default().to_string(), "all");
    }

    #[test]
    fn a_word_that_is_no_service_is_refused_with_those_that_are() {
        let refused = "uplaod".parse::<Services>().expect_err("refused");
        let said = refused.to_string();
        assert!(ALL.iter().all(|(_, name)| said.contains(name)), "{said}");
        assert_eq!(" ,".parse::<Services>(), Err(BadServices::None));
    }
}
