//! Reaching a server. The client connects again by itself, for ever; what is asked meanwhile fails in time.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, ConnectError, ConnectErrorKind, ConnectOptions, ServerAddr};
use cairn_commands::ports::BoxError;

use crate::{backoff, tls};

/// How long connecting to one server may take.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// A connection on which nothing comes back for three of these is given up: it is half-open, or the server is frozen.
const PING_EVERY: Duration = Duration::from_secs(1);
/// The longest wait between two attempts to connect again.
const RECONNECT_WAIT_MAX: Duration = Duration::from_secs(2);

/// One server or several of one cluster, and how to log in.
#[derive(Clone)]
pub struct Server(Arc<Parts>);

struct Parts {
    addresses: Vec<ServerAddr>,
    login: Login,
    tls: bool,
}

enum Login {
    None,
    Token(String),
    Password { user: String, password: String },
}

/// The URL of a server can't be understood.
#[derive(Debug, thiserror::Error)]
#[error("it must look like nats://user:password@host:4222 or nats://token@host:4222, more servers of one cluster behind commas")]
pub struct BadUrl(#[source] Option<io::Error>);

/// Why the bus can't be used.
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
    /// User, password or token are not right.
    #[error("{server} does not let us in")]
    NotLetIn {
        /// Where.
        server: Server,
        /// What it says.
        #[source]
        source: BoxError,
    },
    /// The server runs without JetStream, or has it switched off for this account.
    #[error("{server} has no JetStream for us: switch it on, or ask for the right account")]
    NoJetStream {
        /// Where.
        server: Server,
        /// What it says.
        #[source]
        source: BoxError,
    },
    /// There is a stream of that name which is not this drive's.
    #[error("{server} has a stream {stream} that is not ours ({what}): choose another bus.stream")]
    OtherStream {
        /// Where.
        server: Server,
        /// Its name.
        stream: String,
        /// What differs.
        what: String,
    },
    /// The stream can't be made or looked at.
    #[error("the stream {stream} in {server} can't be used")]
    Unusable {
        /// Where.
        server: Server,
        /// Its name.
        stream: String,
        /// What is the matter.
        #[source]
        source: BoxError,
    },
}

impl FromStr for Server {
    type Err = BadUrl;

    fn from_str(url: &str) -> Result<Self, BadUrl> {
        let parsed: Vec<ServerAddr> = url.split(',').map(|one| parse(one.trim())).collect::<Result<_, _>>()?;
        let first = parsed.first().ok_or(BadUrl(None))?;
        let decoded = |part: Option<&str>| part.map(percent_decoded).transpose();
        let login = match (decoded(first.username())?, decoded(first.password())?) {
            (Some(user), Some(password)) => Login::Password { user, password },
            (Some(token), None) => Login::Token(token),
            (None, _) => Login::None,
        };
        let tls = parsed.iter().any(ServerAddr::tls_required);
        let addresses = parsed.into_iter().map(without_login).collect::<Result<_, _>>()?;
        Ok(Self(Arc::new(Parts { addresses, login, tls })))
    }
}

fn parse(one: &str) -> Result<ServerAddr, BadUrl> {
    let address: ServerAddr = one.parse().map_err(|error| BadUrl(Some(error)))?;
    let usable = matches!(address.scheme(), "nats" | "tls") && !address.host().is_empty();
    if usable { Ok(address) } else { Err(BadUrl(None)) }
}

/// The client logs addresses, so they hold no password.
fn without_login(address: ServerAddr) -> Result<ServerAddr, BadUrl> {
    let mut url = address.into_inner();
    let cleared = url.set_username("").is_ok() && url.set_password(None).is_ok();
    if !cleared {
        return Err(BadUrl(None));
    }
    ServerAddr::from_url(url).map_err(|error| BadUrl(Some(error)))
}

/// RFC 3986, section 2.1.
fn percent_decoded(text: &str) -> Result<String, BadUrl> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap_or_default(), rest.next().unwrap_or_default()];
            let mut decoded = [0];
            hex::decode_to_slice(digits, &mut decoded).map_err(|_| BadUrl(None))?;
            bytes.push(decoded[0]);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).map_err(|_| BadUrl(None))
}

/// Where it is, without the password.
impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, address) in self.0.addresses.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            let (scheme, host, port) = (address.scheme(), address.host(), address.port());
            if host.contains(':') {
                write!(formatter, "{comma}{scheme}://[{host}]:{port}")?;
            } else {
                write!(formatter, "{comma}{scheme}://{host}:{port}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

impl Server {
    /// What the server says of its version.
    pub async fn version(&self) -> Result<String, OpenError> {
        Ok(self.connect().await?.server_info().version)
    }

    /// Connects, and from then on stays connected as well as it can.
    pub(super) async fn connect(&self) -> Result<Client, OpenError> {
        tls::install();
        let options = ConnectOptions::new()
            .name("cairn")
            .no_echo()
            .connection_timeout(CONNECT_MAX)
            .ping_interval(PING_EVERY)
            .reconnect_delay_callback(wait_before)
            // What becomes of the connection is told by whoever needs it.
            .event_callback(|event| async move { tracing::debug!(%event, "the connection to the bus") })
            .require_tls(self.0.tls);
        let options = match &self.0.login {
            Login::None => options,
            Login::Token(token) => options.token(token.clone()),
            Login::Password { user, password } => options.user_and_password(user.clone(), password.clone()),
        };
        let limit = CONNECT_MAX * u32::try_from(self.0.addresses.len().min(5)).unwrap_or(1);
        match tokio::time::timeout(limit, options.connect(self.0.addresses.clone())).await {
            Ok(connected) => connected.map_err(|error| self.not_connected(error)),
            Err(_) => Err(OpenError::Unreachable { server: self.clone(), source: "no answer in time".into() }),
        }
    }

    fn not_connected(&self, error: ConnectError) -> OpenError {
        let server = self.clone();
        match error.kind() {
            ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
                OpenError::NotLetIn { server, source: error.into() }
            }
            _ => OpenError::Unreachable { server, source: error.into() },
        }
    }
}

/// At once the first time.
fn wait_before(attempt: usize) -> Duration {
    if attempt <= 1 { Duration::ZERO } else { backoff::wait(attempt - 1, RECONNECT_WAIT_MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str) -> String {
        url.parse::<Server>().map_or_else(|error| error.to_string(), |server| format!("{server} {server:?}"))
    }

    #[test]
    fn one_server_or_several_with_or_without_login_are_understood_and_no_password_is_shown() {
        let server: Server = "nats://ada:p%40ss@one:4223, two,tls://three".parse().expect("a server");
        assert!(matches!(&server.0.login, Login::Password { user, password } if user == "ada" && password == "p@ss"));
        assert!(server.0.tls);
        assert_eq!(server.to_string(), "nats://one:4223,nats://two:4222,tls://three:4222");
        let server: Server = "nats://s3cret@[::1]".parse().expect("a server");
        assert!(matches!(&server.0.login, Login::Token(token) if token == "s3cret"));
        assert_eq!(server.to_string(), "nats://[::1]:4222");
        assert!(!shown("nats://ada:hunter2@host,nats://hunter2@other").contains("hunter2"));
    }

    #[test]
    fn what_is_no_address_is_refused_without_showing_it() {
        for wrong in ["nats://", "http://host", "nats://host:notaport", "nats://a:%zz@host", "ws://host", "nats://host,,"] {
            assert!(wrong.parse::<Server>().is_err(), "{wrong}");
        }
        assert!(!shown("nats://ada:hunter2@host:port").contains("hunter2"));
    }
}
