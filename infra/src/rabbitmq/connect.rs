//! Reaching a server. A connection that is lost is not mended but replaced, by whoever needs the next one.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use cairn_commands::ports::BoxError;
use lapin::uri::AMQPUri;

use crate::config::QueueKind;

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
        if uri.authority.host.is_empty() {
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
