//! Whether a server lives: told by a connection that has nothing else to do.
//!
//! A server whose disk is busy takes seconds to flush a transaction (seen: 3 s beside 32 uploads that flush 2 GiB to the same disk), and answers
//! everything else at once. One that is frozen, gone or behind a broken network answers nothing. Only the first is worth waiting for.

use std::pin::pin;
use std::time::{Duration, Instant};

use sqlx::mysql::MySqlConnectOptions;
use sqlx::{ConnectOptions, Connection, MySqlConnection};
use tokio::sync::Mutex;

use super::connect::{TRIED_FOR, late, within};

/// How long work may take before somebody asks whether the server lives. With [`TRIED_FOR`] it is less than the three seconds within which a
/// request fails that needs a server which is away.
const UNASKED: Duration = Duration::from_secs(2);

/// How long work may take on a server that lives: its connection may have been forgotten on the way.
const PATIENCE_MAX: Duration = Duration::from_secs(15);

/// How long the connection of the last look may take to answer, before a new one is made.
const KNOWN_TRIED_FOR: Duration = Duration::from_millis(200);

/// How long an answer, good or bad, is good for everybody who asks.
const KNOWN_FOR: Duration = Duration::from_millis(500);

#[derive(Default)]
pub(super) struct Pulse(Mutex<Felt>);

#[derive(Default)]
struct Felt {
    connection: Option<MySqlConnection>,
    last: Option<(bool, Instant)>,
}

impl Pulse {
    /// Waits for work that the server does, for as long as it lives, and that is not too long.
    pub(super) async fn while_alive<T>(
        &self,
        server: &MySqlConnectOptions,
        answer: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        let began = Instant::now();
        let mut answer = pin!(answer);
        loop {
            if let Ok(answer) = tokio::time::timeout(UNASKED, answer.as_mut()).await {
                return answer;
            }
            tokio::select! {
                biased;
                answer = answer.as_mut() => return answer,
                lives = self.feel(server) => if !lives || began.elapsed() > PATIENCE_MAX {
                    return Err(late(began.elapsed()));
                },
            }
        }
    }

    /// Many may ask at once: one of them looks.
    async fn feel(&self, server: &MySqlConnectOptions) -> bool {
        let look = async {
            let mut felt = self.0.lock().await;
            if let Some((lives, at)) = felt.last
                && at.elapsed() < KNOWN_FOR
            {
                return Ok(lives);
            }
            // One that was idle for long may have been forgotten on the way.
            let known = match felt.connection.take() {
                Some(connection) => within(KNOWN_TRIED_FOR, ask(connection)).await.ok(),
                None => None,
            };
            let answered = match known {
                Some(connection) => Ok(connection),
                None => within(TRIED_FOR, async { ask(server.connect().await?).await }).await,
            };
            // A server that says no, for instance to one more connection, lives.
            let lives = matches!(answered, Ok(_) | Err(sqlx::Error::Database(_)));
            felt.last = Some((lives, Instant::now()));
            felt.connection = answered.ok();
            Ok(lives)
        };
        // Connecting is a large future, and seldom needed.
        within(TRIED_FOR * 2, Box::pin(look)).await.unwrap_or(false)
    }
}

async fn ask(mut connection: MySqlConnection) -> Result<MySqlConnection, sqlx::Error> {
    connection.ping().await?;
    Ok(connection)
}
