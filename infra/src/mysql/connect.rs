//! Reaching a server. Nothing here waits for ever: a server may be frozen, or a connection half-open, without anybody being told.

use std::fmt;
use std::io::{Error, ErrorKind};
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::mysql::{MySqlArguments, MySqlConnectOptions, MySqlPoolOptions, MySqlRow};
use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use sqlx::{ConnectOptions, Connection, Executor, MySql, MySqlConnection, MySqlPool};

use super::pulse::Pulse;

/// How long connecting, or waiting for a free connection, may take.
const CONNECT_MAX: Duration = Duration::from_secs(2);

/// How long one question or one transaction may take, with whatever connection it needs: a request that needs the server fails within
/// three seconds when there is no answer.
const ANSWER_MAX: Duration = Duration::from_millis(2_500);

/// How long a connection that is only tried may take to answer.
pub(super) const TRIED_FOR: Duration = Duration::from_millis(500);

/// Connections that were idle this long are tried before they are used: the server may have been away.
const TRUSTED_FOR: Duration = Duration::from_millis(500);

/// A connection that nobody used for so long is given back to the server.
const IDLE_MAX: Duration = Duration::from_mins(1);

/// Texts that a connection keeps prepared.
const STATEMENTS_KEPT: usize = 512;

/// What every connection is told first. Nobody is waited for very long, neither for his rows nor for his tables.
const GREETING: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;
    SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'), SESSION innodb_lock_wait_timeout = 2, SESSION lock_wait_timeout = 2";

/// What a writer's connection is told. One that is idle for seconds in a transaction belongs to a process or network that is gone, and its locks
/// must not outlive it.
const WRITER: &str = "SET SESSION autocommit = 0, SESSION wait_timeout = 5, SESSION net_read_timeout = 5";

/// A database on a server, and how to reach it.
#[derive(Clone)]
pub struct Server(Arc<(MySqlConnectOptions, Pulse)>);

/// The URL of a server can't be understood.
#[derive(Debug, thiserror::Error)]
#[error("it must look like mysql://user:password@host:3306/database")]
pub struct BadUrl(#[source] pub Option<sqlx::Error>);

impl FromStr for Server {
    type Err = BadUrl;

    fn from_str(url: &str) -> Result<Self, BadUrl> {
        let options = MySqlConnectOptions::from_str(url).map_err(|error| BadUrl(Some(error)))?;
        if options.get_database().is_none_or(str::is_empty) {
            return Err(BadUrl(None));
        }
        // Texts compare and sort by their bytes, as in SQLite. The errors reach someone who logs them.
        let options = options.charset("utf8mb4").collation("utf8mb4_bin").statement_cache_capacity(STATEMENTS_KEPT);
        Ok(Self(Arc::new((options.disable_statement_logging(), Pulse::default()))))
    }
}

/// Where it is, without the password.
impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = self.options();
        let database = options.get_database().unwrap_or_default();
        write!(formatter, "mysql://{}@{}:{}/{database}", options.get_username(), options.get_host(), options.get_port())
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

impl Server {
    fn options(&self) -> &MySqlConnectOptions {
        &self.0.0
    }

    /// The answer to work that ends with a flush to the server's disk, which may be busy: it is waited for while the server lives.
    pub(super) async fn while_alive<T>(&self, answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
        self.0.1.while_alive(self.options(), answer).await
    }

    /// A connection of its own.
    pub(super) async fn connect(&self) -> Result<MySqlConnection, sqlx::Error> {
        within(CONNECT_MAX, async {
            let mut connection = self.options().connect().await?;
            greet(&mut connection).await?;
            Ok(connection)
        })
        .await
    }

    /// What the server says of its version, such as `10.11.6-MariaDB`.
    pub async fn version(&self) -> Result<String, sqlx::Error> {
        let mut connection = self.connect().await?;
        let version = in_time(sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut connection)).await?;
        connection.close().await?;
        Ok(version)
    }

    /// Connections to be shared. None is made before it is needed.
    pub(super) fn pool(&self, connections_max: u32) -> Pool {
        let pool = MySqlPoolOptions::new()
            .max_connections(connections_max)
            .acquire_timeout(CONNECT_MAX)
            .idle_timeout(IDLE_MAX)
            .test_before_acquire(false)
            .before_acquire(|connection, seen| {
                Box::pin(async move {
                    if seen.idle_for > TRUSTED_FOR {
                        within(TRIED_FOR, connection.ping()).await?;
                    }
                    Ok(true)
                })
            })
            .after_connect(|connection, _| Box::pin(greet(connection)));
        Pool { connections: pool.connect_lazy_with(self.options().clone()), server: self.clone() }
    }
}

async fn greet(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    connection.execute(sqlx::raw_sql(GREETING)).await.map(drop)
}

/// Connections to one server.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    connections: MySqlPool,
    server: Server,
}

impl Pool {
    pub(super) async fn borrow(&self) -> Result<Borrowed, sqlx::Error> {
        // Making a connection is a large future, and seldom needed.
        Ok(Borrowed(Some(Box::pin(self.connections.acquire()).await?)))
    }

    /// The rows of one question. If the connection turns out to be dead, it is put once more, on one that lives: a server that was away
    /// for a moment leaves many dead ones. All of it together is in time, or late.
    pub(super) async fn fetch<'q>(
        &self,
        question: impl Fn() -> Query<'q, MySql, MySqlArguments> + Send + Sync,
    ) -> Result<Vec<MySqlRow>, sqlx::Error> {
        self.fetch_within(ANSWER_MAX, question).await
    }

    /// The same, for an answer that may take longer.
    pub(super) async fn fetch_within<'q>(
        &self,
        limit: Duration,
        question: impl Fn() -> Query<'q, MySql, MySqlArguments> + Send + Sync,
    ) -> Result<Vec<MySqlRow>, sqlx::Error> {
        within(limit, async {
            match fetch(self.borrow().await?, question()).await {
                Err(sqlx::Error::Io(error)) if error.kind() != ErrorKind::TimedOut => {
                    fetch(self.borrow_tried().await?, question()).await
                }
                rows => rows,
            }
        })
        .await
    }

    /// A connection that has just answered. Those that do not are closed, until there are no more and a new one is made.
    async fn borrow_tried(&self) -> Result<Borrowed, sqlx::Error> {
        within(TRIED_FOR, async {
            loop {
                let mut borrowed = self.borrow().await?;
                match borrowed.connection()?.ping().await {
                    Err(sqlx::Error::Io(_)) => {}
                    answered => return answered.map(|()| borrowed),
                }
            }
        })
        .await
    }

    /// Changes rows, and tells how many.
    pub(super) async fn execute(&self, query: Query<'_, MySql, MySqlArguments>) -> Result<u64, sqlx::Error> {
        self.while_alive(async {
            let mut borrowed = self.borrow().await?;
            let done = query.execute(borrowed.connection()?).await?;
            borrowed.give_back();
            Ok(done.rows_affected())
        })
        .await
    }

    /// As of its server.
    pub(super) async fn while_alive<T>(&self, answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
        self.server.while_alive(answer).await
    }

    pub(super) async fn close(&self) {
        // Connections that are in use end with their use.
        let _ = tokio::time::timeout(CONNECT_MAX, self.connections.close()).await;
    }
}

async fn fetch(mut borrowed: Borrowed, query: Query<'_, MySql, MySqlArguments>) -> Result<Vec<MySqlRow>, sqlx::Error> {
    let rows = query.fetch_all(borrowed.connection()?).await?;
    borrowed.give_back();
    Ok(rows)
}

/// A connection that goes back to the others only by [`give_back`](Self::give_back). Dropped otherwise, because of an error, or because
/// whoever asked went away in the middle of an answer, it is closed: nobody knows what is still on its way in it.
pub(super) struct Borrowed(Option<PoolConnection<MySql>>);

impl Borrowed {
    pub(super) fn connection(&mut self) -> Result<&mut MySqlConnection, sqlx::Error> {
        self.0.as_deref_mut().ok_or(sqlx::Error::PoolClosed)
    }

    pub(super) fn give_back(mut self) {
        if let Some(mut connection) = self.0.take() {
            // The pool asks a connection for a sign of life before it takes it back, and would wait for it for ever.
            tokio::spawn(tokio::time::timeout(TRIED_FOR, connection.return_to_pool()));
        }
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(connection.detach());
        }
    }
}

/// The one connection of a writer, made again when it was lost. Nothing is committed by itself on it.
pub(super) struct Writing {
    server: Server,
    open: Option<(MySqlConnection, Instant)>,
    fresh: bool,
}

impl Writing {
    pub(super) fn new(server: Server) -> Self {
        Self { server, open: None, fresh: true }
    }

    /// Whoever takes it puts it back when all went well. Dropped otherwise, the server takes back what was begun on it.
    pub(super) async fn take(&mut self) -> Result<MySqlConnection, sqlx::Error> {
        if let Some((mut connection, used)) = self.open.take()
            && (used.elapsed() < TRUSTED_FOR || within(TRIED_FOR, connection.ping()).await.is_ok())
        {
            self.fresh = false;
            return Ok(connection);
        }
        self.fresh = true;
        let mut connection = self.server.connect().await?;
        in_time(connection.execute(sqlx::raw_sql(WRITER))).await?;
        Ok(connection)
    }

    /// Whether the connection that was taken last is a new one, perhaps to a server that is not what it was.
    pub(super) fn is_fresh(&self) -> bool {
        self.fresh
    }

    pub(super) fn put_back(&mut self, connection: MySqlConnection) {
        self.open = Some((connection, Instant::now()));
    }

    pub(super) async fn close(&mut self) {
        if let Some((connection, _)) = self.open.take() {
            // The server notices also without a farewell.
            let _ = in_time(connection.close()).await;
        }
    }
}

/// The answer, if it comes in time.
pub(super) async fn in_time<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    within(ANSWER_MAX, answer).await
}

pub(super) async fn within<T>(limit: Duration, answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    tokio::time::timeout(limit, answer).await.unwrap_or_else(|_| Err(late(limit)))
}

pub(super) fn late(limit: Duration) -> sqlx::Error {
    sqlx::Error::Io(Error::new(ErrorKind::TimedOut, format!("no answer within {} ms", limit.as_millis())))
}
