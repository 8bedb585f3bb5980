//! The one connection to a Redis, made again whenever it was lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};
use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, FromRedisValue, Pipeline, RedisError, ScriptInvocation};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::server::{Server, touch, within};

/// How long a question may take. Whoever asks when the server has just gone away waits so long, and after him nobody.
const ANSWER_MAX: Duration = Duration::from_millis(250);

/// How long a try to connect again may take.
const CONNECT_MAX: Duration = Duration::from_millis(500);

/// How long the first connection of a process may take.
const OPEN_MAX: Duration = Duration::from_secs(2);

/// How often the server is asked for a sign of life, so that its absence is known before somebody needs it.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A connection that has lasted so long was a good one: should it break, the next is tried at once.
const LASTING: Duration = Duration::from_secs(5);

/// Why a Redis can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nothing answers there.
    #[error("{server} does not answer")]
    Unreachable {
        /// Where.
        server: Server,
        /// What is the matter.
        #[source]
        source: RedisError,
    },
    /// User or password are not right, or they may not do what is needed.
    #[error("{server} does not let us in")]
    NotLetIn {
        /// Where.
        server: Server,
        /// What it says.
        #[source]
        source: RedisError,
    },
    /// It has no such database, only reads, or is full.
    #[error("{server} refuses to serve us")]
    Refused {
        /// Where.
        server: Server,
        /// What it says.
        #[source]
        source: RedisError,
    },
    /// Something else listens there.
    #[error("what answers at {server} is not Redis")]
    NotRedis {
        /// Where.
        server: Server,
        /// What could not be understood.
        #[source]
        source: RedisError,
    },
}

/// The server does not answer just now. Why was logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Away;

/// A connection that is there whenever the server is.
pub struct Link {
    shared: Arc<Shared>,
    supervisor: AbortOnDropHandle<()>,
}

struct Shared {
    server: Server,
    prefix: String,
    connected: watch::Sender<Option<Connected>>,
}

#[derive(Clone)]
struct Connected {
    connection: MultiplexedConnection,
    /// Which of the connections that were made one after the other.
    number: u64,
}

impl Link {
    /// Connects. All keys will begin with the prefix.
    pub async fn open(server: &Server, prefix: &str) -> Result<Arc<Self>, OpenError> {
        let connection = server.connect(prefix, OPEN_MAX).await.map_err(|error| why(server, error))?;
        let (connected, _) = watch::channel(Some(Connected { connection, number: 0 }));
        let shared = Arc::new(Shared { server: server.clone(), prefix: prefix.to_owned(), connected });
        metrics::describe_gauge!("cairn_cache_connected", "Whether the shared cache answers.");
        let supervisor = AbortOnDropHandle::new(tokio::spawn(supervise(Arc::clone(&shared))));
        Ok(Arc::new(Self { shared, supervisor }))
    }

    /// Whether the server answers, as far as is known.
    pub fn is_up(&self) -> bool {
        self.shared.connected.borrow().is_some()
    }

    /// Waits until the server answers.
    pub(super) async fn up(&self) {
        // It can't be closed: this holds the sending half.
        let _ = self.shared.connected.subscribe().wait_for(Option::is_some).await;
    }

    /// Gives the connection up for good.
    pub fn close(&self) {
        self.supervisor.abort();
        self.shared.connected.send_replace(None);
    }

    /// The name of a key.
    pub(super) fn key(&self, kind: &str, name: &str) -> String {
        format!("{}{kind}:{name}", self.shared.prefix)
    }

    /// Runs a script, which is one step that nobody sees half of.
    pub(super) async fn run<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, Away> {
        let Connected { mut connection, number } = self.shared.current()?;
        let answer = within(ANSWER_MAX, script.invoke_async(&mut connection)).await;
        answer.map_err(|error| self.shared.lost(number, &error))
    }

    /// Sends commands together.
    pub(super) async fn send(&self, commands: &Pipeline) -> Result<(), Away> {
        let Connected { mut connection, number } = self.shared.current()?;
        let answer = within(ANSWER_MAX, commands.query_async(&mut connection)).await;
        answer.map_err(|error| self.shared.lost(number, &error))
    }
}

impl Shared {
    fn current(&self) -> Result<Connected, Away> {
        self.connected.borrow().clone().ok_or(Away)
    }

    /// Nobody uses this connection any more. Whatever the server complains of, it is of no use as it is.
    fn lost(&self, number: u64, error: &RedisError) -> Away {
        let is_news = self.connected.send_if_modified(|connected| {
            let is_current = connected.as_ref().is_some_and(|connected| connected.number == number);
            if is_current {
                *connected = None;
            }
            is_current
        });
        if is_news {
            tracing::warn!(server = %self.server, %error, "the shared cache does not answer: going on without it");
        }
        Away
    }

    /// Returns when the connection is lost.
    async fn watch(&self, mut connected: Connected) {
        let mut seen = self.connected.subscribe();
        while timeout(LOOK_EVERY, seen.wait_for(Option::is_none)).await.is_err() {
            if let Err(error) = within(ANSWER_MAX, touch(&mut connected.connection, &self.prefix)).await {
                self.lost(connected.number, &error);
            }
        }
    }
}

async fn supervise(shared: Arc<Shared>) {
    let patience = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(20))
        .with_max_delay(Duration::from_secs(1))
        .without_max_times()
        .with_jitter();
    let mut pauses = patience.build();
    let mut number = 0;
    loop {
        if let Ok(connected) = shared.current() {
            let since = Instant::now();
            metrics::gauge!("cairn_cache_connected").set(1.0);
            shared.watch(connected).await;
            metrics::gauge!("cairn_cache_connected").set(0.0);
            if since.elapsed() > LASTING {
                pauses = patience.build();
            }
        }
        tokio::time::sleep(pauses.next().unwrap_or(LOOK_EVERY)).await;
        match shared.server.connect(&shared.prefix, CONNECT_MAX).await {
            Ok(connection) => {
                number += 1;
                shared.connected.send_replace(Some(Connected { connection, number }));
                tracing::info!(server = %shared.server, "the shared cache answers again");
            }
            Err(error) => tracing::debug!(server = %shared.server, %error, "the shared cache still does not answer"),
        }
    }
}

fn why(server: &Server, source: RedisError) -> OpenError {
    let server = server.clone();
    match (source.kind(), source.code()) {
        (ErrorKind::AuthenticationFailed, _) | (_, Some("NOAUTH" | "WRONGPASS" | "NOPERM")) => {
            OpenError::NotLetIn { server, source }
        }
        (ErrorKind::Server(_) | ErrorKind::Extension, _) => OpenError::Refused { server, source },
        (ErrorKind::Parse | ErrorKind::UnexpectedReturnType, _) => OpenError::NotRedis { server, source },
        _ => OpenError::Unreachable { server, source },
    }
}
