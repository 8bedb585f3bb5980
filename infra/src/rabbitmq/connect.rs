//! Reaching a server. A connection that is lost is not mended but replaced, by whoever needs the next one.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use cairn_commands::ports::BoxError;
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties, Error, ErrorKind};

use crate::config::QueueKind;
use crate::tls;

/// How long connecting and logging in may take.
const CONNECT_MAX: Duration = Duration::from_secs(2);

/// A connection on which nothing comes back for twice as long is given up, by either side. In seconds.
const HEARTBEAT_SECONDS: u16 = 2;

/// A virtual host on a server, and how to log in.
#[derive(Clone)]
pub struct Server(Arc<AMQPUri>);

/// How the queue is kept and taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The exchange, and what the names of the queues begin with.
    pub exchange: String,
    /// How the server keeps it.
    pub kind: QueueKind,
    /// How many tasks are taken before one of them is done.
    pub prefetch: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self { exchange: "uploadserver.trans".to_owned(), kind: QueueKind::Classic, prefetch: 4 }
    }
}

/// The URL of a server can't be understood.
#[derive(Debug, thiserror::Error)]
#[error("it must look like amqp://user:password@host:5672/vhost")]
pub struct BadUrl;

/// Why the queue can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nothing answers there.
    #[error("{server} does not answer")]
    Unreachable {
        /// Where.
        server: Server,
        /// What is the matter.
        #[source]
        source: BoxError,
    },
    /// User or password are not right.
    #[error("{server} does not let us in: is the password right?")]
    NotLetIn {
        /// Where.
        server: Server,
        /// What it says.
        #[source]
        source: BoxError,
    },
    /// The virtual host is not there, or not for this user.
    #[error("{server} does not let us into the virtual host")]
    NoVirtualHost {
        /// Where.
        server: Server,
        /// What it says.
        #[source]
        source: BoxError,
    },
    /// There is an exchange or a queue of that name with other settings, which can't be changed in place.
    #[error("{server} has {what} already, made in another way (queue.kind?): remove it when it is empty, or configure as it is")]
    OtherQueue {
        /// Where.
        server: Server,
        /// What is there.
        what: String,
        /// What it says.
        #[source]
        source: BoxError,
    },
    /// The queue can't be made.
    #[error("the queue in {server} can't be used")]
    Unusable {
        /// Where.
        server: Server,
        /// What is the matter.
        #[source]
        source: BoxError,
    },
}

impl FromStr for Server {
    type Err = BadUrl;

    /// The client's own errors show the URL, so they are not passed on.
    fn from_str(url: &str) -> Result<Self, BadUrl> {
        let mut uri: AMQPUri = url.parse().map_err(|_| BadUrl)?;
        // The client takes an IPv6 address in brackets for none, and would connect to this machine.
        if uri.authority.host.is_empty() || url.contains('[') {
            return Err(BadUrl);
        }
        // `amqp://host/` is what people write who mean the default one.
        if uri.vhost.is_empty() {
            "/".clone_into(&mut uri.vhost);
        }
        uri.query.heartbeat.get_or_insert(HEARTBEAT_SECONDS);
        Ok(Self(Arc::new(uri)))
    }
}

/// Where it is, without the password.
impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AMQPUri { scheme, authority, vhost, .. } = &*self.0;
        let vhost = if vhost == "/" { "" } else { vhost };
        write!(formatter, "{scheme}://{}@{}:{}/{vhost}", authority.userinfo.username, authority.host, authority.port)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

impl Server {
    /// A connection of its own.
    pub(super) async fn connect(&self) -> Result<Connection, OpenError> {
        tls::install();
        let properties = ConnectionProperties::default().with_connection_name("cairn".into());
        match tokio::time::timeout(CONNECT_MAX, Connection::connect_uri((*self.0).clone(), properties)).await {
            Ok(connected) => connected.map_err(|error| self.not_connected(error)),
            Err(_) => Err(OpenError::Unreachable { server: self.clone(), source: "no answer in time".into() }),
        }
    }

    fn not_connected(&self, error: Error) -> OpenError {
        let server = self.clone();
        match reply_code(&error) {
            Some(ACCESS_REFUSED) => OpenError::NotLetIn { server, source: error.into() },
            Some(NOT_ALLOWED) => OpenError::NoVirtualHost { server, source: error.into() },
            _ => OpenError::Unreachable { server, source: error.into() },
        }
    }
}

/// `ACCESS_REFUSED` (AMQP 0-9-1, section 1.2): at the login, user or password are not right.
const ACCESS_REFUSED: u16 = 403;
/// `PRECONDITION_FAILED`: what is to be declared is there, made in another way.
pub(super) const PRECONDITION_FAILED: u16 = 406;
/// `NOT_ALLOWED`: at the opening of a virtual host, it is not there or not for this user.
const NOT_ALLOWED: u16 = 530;

/// What the server itself gave as the reason.
pub(super) fn reply_code(error: &Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::ProtocolError(said) => Some(said.get_id()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_understood_and_its_password_never_shown() {
        for (url, shown) in [
            ("amqp://ada:hunter2@host", "amqp://ada@host:5672/"),
            ("amqp://ada:hunter2@host:1234/", "amqp://ada@host:1234/"),
            ("amqps://ada:hunter2@host/%2f", "amqps://ada@host:5671/"),
            ("amqp://ada:hunter%2F2@host/drive", "amqp://ada@host:5672/drive"),
        ] {
            let server: Server = url.parse().expect("a server");
            assert_eq!(format!("{server}"), shown);
            assert_eq!(format!("{server:?}"), shown);
            assert_eq!(server.0.query.heartbeat, Some(HEARTBEAT_SECONDS));
        }
        let server: Server = "amqp://ada:a%40b@host?heartbeat=30".parse().expect("a server");
        assert_eq!((server.0.authority.userinfo.password.as_str(), server.0.query.heartbeat), ("a@b", Some(30)));
    }

    #[test]
    fn what_is_no_address_is_refused_without_showing_it() {
        for wrong in ["amqp:hunter2", "http://hunter2@host", "amqp://ada:hunter2@host:port", "amqp://ada:hunter2@[::1]/"] {
            let refused = wrong.parse::<Server>().expect_err("refused");
            assert!(!format!("{refused} {refused:?}").contains("hunter2"), "{wrong}");
        }
    }
}
