//! Where a Redis is, and connections to it.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo, RedisError};

/// Questions that may be on their way at once over the one connection; beyond, they wait for each other.
const ON_THEIR_WAY_MAX: usize = 1_024;

/// A server, and how to reach it.
#[derive(Clone)]
pub struct Server(Arc<Client>);

/// The URL of a server can't be understood.
#[derive(Debug, thiserror::Error)]
#[error("it must look like redis://user:password@host:6379/0, or rediss:// for TLS")]
pub struct BadUrl(#[source] RedisError);

impl FromStr for Server {
    type Err = BadUrl;

    fn from_str(url: &str) -> Result<Self, BadUrl> {
        let info = url.into_connection_info().map_err(BadUrl)?;
        // Or an answer waits for 40 ms for nothing.
        let tcp = info.tcp_settings().clone().set_nodelay(true);
        let client = Client::open(info.set_tcp_settings(tcp)).map_err(BadUrl)?;
        Ok(Self(Arc::new(client)))
    }
}

/// Where it is, without user and password.
impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let info = self.0.get_connection_info();
        let database = info.redis_settings().db();
        match info.addr() {
            ConnectionAddr::Tcp(host, port) => write!(formatter, "redis://{host}:{port}/{database}"),
            ConnectionAddr::TcpTls { host, port, .. } => write!(formatter, "rediss://{host}:{port}/{database}"),
            other => write!(formatter, "{other}"),
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

/// How long the server may take to say which version it has.
const VERSION_MAX: Duration = Duration::from_secs(2);

impl Server {
    /// What the server says of its version, also to users who may ask little.
    pub async fn version(&self) -> Result<String, RedisError> {
        crate::tls::install();
        within(VERSION_MAX, async {
            let mut connection = self.0.get_multiplexed_async_connection().await?;
            let mut told: HashMap<String, redis::Value> = redis::cmd("HELLO").query_async(&mut connection).await?;
            Ok(redis::from_redis_value(told.remove("version").unwrap_or(redis::Value::Nil))?)
        })
        .await
    }

    /// A connection on which something could be written just now: also a server that only reads, or is full, is of no use.
    pub(super) async fn connect(&self, prefix: &str, limit: Duration) -> Result<MultiplexedConnection, RedisError> {
        crate::tls::install();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(limit))
            .set_response_timeout(None)
            .set_pipeline_buffer_size(ON_THEIR_WAY_MAX);
        within(limit, async {
            let mut connection = self.0.get_multiplexed_async_connection_with_config(&config).await?;
            touch(&mut connection, prefix).await.map(|()| connection)
        })
        .await
    }
}

/// Writes something of no importance.
pub(super) async fn touch(connection: &mut MultiplexedConnection, prefix: &str) -> Result<(), RedisError> {
    redis::cmd("SET").arg(format!("{prefix}alive")).arg("1").arg("PX").arg(1_000).query_async(connection).await
}

/// The answer, if it comes in time.
pub(super) async fn within<T>(limit: Duration, answer: impl Future<Output = Result<T, RedisError>>) -> Result<T, RedisError> {
    let late = || io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} ms", limit.as_millis()));
    tokio::time::timeout(limit, answer).await.unwrap_or_else(|_| Err(late().into()))
}
