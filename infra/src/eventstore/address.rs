//! Where a server is.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use eventstore::ClientSettings;

/// What the client is told unless the URL says otherwise. A follower may be behind, so it is asked nothing; and whoever waits here is a
/// request of a person, so that many short tries are better than few long ones.
const DEFAULTS: [(&str, &str); 3] = [("nodePreference", "leader"), ("discoveryInterval", "100"), ("gossipTimeout", "1000")];

/// The smallest number of tries with which the client connects at all.
const DISCOVER_ATTEMPTS_MIN: usize = 2;

/// A server or a cluster, and how to reach it.
#[derive(Clone)]
pub struct Server(Arc<ClientSettings>);

/// The URL of a server can't be understood.
#[derive(Debug, thiserror::Error)]
#[error("it must look like esdb://host:2113?tls=false, or esdb://user:password@host1:2113,host2:2113?tls=true for a cluster: {0}")]
pub struct BadUrl(String);

impl FromStr for Server {
    type Err = BadUrl;

    fn from_str(url: &str) -> Result<Self, BadUrl> {
        let mut url = url.to_owned();
        for (name, value) in DEFAULTS {
            if !names(&url, name) {
                let separator = if url.contains('?') { '&' } else { '?' };
                url = format!("{url}{separator}{name}={value}");
            }
        }
        // The error of the client shows the URL only in parts, but one of them may be the password: only its kind is told.
        let settings = url.parse::<ClientSettings>().map_err(|error| BadUrl(reason(&error)))?;
        if settings.hosts().iter().any(|host| host.host.is_empty()) {
            return Err(BadUrl("it names no host".to_owned()));
        }
        if settings.max_discover_attempts() < DISCOVER_ATTEMPTS_MIN {
            return Err(BadUrl(format!("maxDiscoverAttempts must be at least {DISCOVER_ATTEMPTS_MIN}")));
        }
        Ok(Self(Arc::new(settings)))
    }
}

fn names(url: &str, parameter: &str) -> bool {
    let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters);
    let mut known = parameters.split('&').map(|one| one.split('=').next().unwrap_or_default());
    known.any(|name| name.eq_ignore_ascii_case(parameter))
}

fn reason(error: &eventstore::ClientSettingsParseError) -> String {
    match error.message() {
        text if text.starts_with("Invalid format for param") || text.starts_with("Unknown node preference") => text.to_owned(),
        text if text.starts_with("Invalid keepAlive") || text.starts_with("Unsupported URL path") => text.to_owned(),
        _ => error.error().map_or_else(|| "it is no such URL".to_owned(), ToString::to_string),
    }
}

/// Where it is, without the password.
impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<_> = self.0.hosts().iter().map(|host| format!("{}:{}", host.host, host.port)).collect();
        let scheme = if self.0.is_dns_discovery_enabled() { "esdb+discover" } else { "esdb" };
        write!(formatter, "{scheme}://{}", hosts.join(","))
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

impl Server {
    pub(super) fn settings(&self) -> ClientSettings {
        (*self.0).clone()
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.0.is_secure_mode_enabled()
    }

    /// Those that can be looked at from here: behind a name that is only to be discovered there may be no server.
    pub(super) fn hosts(&self) -> Vec<(String, u16)> {
        let hosts = self.0.hosts().iter().filter(|_| !self.0.is_dns_discovery_enabled());
        hosts.map(|host| (host.host.clone(), u16::try_from(host.port).unwrap_or_default())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_url_is_understood_and_no_password_is_shown() {
        for (url, shown) in [
            ("esdb://localhost?tls=false", "esdb://localhost:2113"),
            ("esdb://admin:hunter2@localhost:2114?tls=false", "esdb://localhost:2114"),
            ("esdb://admin:hunter2@a:1,b:2,c:3", "esdb://a:1,b:2,c:3"),
            ("esdb+discover://admin:hunter2@cluster.example.org:2113", "esdb+discover://cluster.example.org:2113"),
            ("kurrentdb://localhost:2113?tls=false&NodePreference=follower", "esdb://localhost:2113"),
        ] {
            let server: Server = url.parse().expect("a server");
            assert_eq!((server.to_string(), format!("{server:?}")), (shown.to_owned(), shown.to_owned()));
        }
    }

    #[test]
    fn what_the_url_says_is_kept() {
        let server: Server = "esdb://h?tls=false&nodePreference=follower&discoveryInterval=7".parse().expect("a server");
        assert_eq!(server.0.node_preference(), eventstore::NodePreference::Follower);
        assert_eq!(server.0.discovery_interval(), std::time::Duration::from_millis(7));
        assert_eq!(server.0.gossip_timeout(), std::time::Duration::from_secs(1));
    }

    #[test]
    fn what_can_not_be_meant_is_refused_without_the_password() {
        for url in
            ["esdb://", "esdb://h/db?tls=false", "esdb://h?tls=maybe", "esdb://h?maxDiscoverAttempts=1", "esdb://u:hunter2@h:x"]
        {
            let error = url.parse::<Server>().expect_err(url);
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
    }
}
