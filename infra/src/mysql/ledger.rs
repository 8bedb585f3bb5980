//! The ledger of requests in MySQL.

use async_trait::async_trait;
use cairn_commands::ports::BoxError;
use cairn_commands::ports::ledger::{Begun, Ledger, LedgerError, StoredAnswer};
use cairn_domain::Timestamp;
use sqlx::Row;
use sqlx::mysql::MySqlRow;

use super::connect::{Borrowed, Pool, Server};
use super::schema::{Migrate, OpenError, Part};
use super::trouble;

const PART: Part = Part {
    name: "request ledger",
    migrations: &["
CREATE TABLE IF NOT EXISTS request_ledger (
    request     VARBINARY(512) NOT NULL PRIMARY KEY,
    fingerprint VARBINARY(512) NOT NULL,
    at          BIGINT NOT NULL COMMENT 'microseconds since 1970',
    status      SMALLINT UNSIGNED NULL COMMENT 'NULL until it was answered',
    position    BIGINT NULL,
    body        MEDIUMTEXT NULL,
    KEY ix_request_ledger_at (at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
"],
};

/// Connections at most; each use is one short statement.
const CONNECTIONS_MAX: u32 = 8;

/// Requests that are forgotten in one transaction: more would hold their locks for too long.
const FORGOTTEN_AT_ONCE: u64 = 1_000;

/// Shared by all processes that use the database.
#[derive(Debug, Clone)]
pub struct MysqlLedger {
    pool: Pool,
}

impl MysqlLedger {
    /// Opens the ledger, and makes its table if it may.
    pub async fn open(server: &Server, migrate: Migrate) -> Result<Self, OpenError> {
        PART.prepare(server, migrate).await?;
        Ok(Self { pool: server.pool(CONNECTIONS_MAX) })
    }

    /// Closes the connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn begin_or_find(&self, key: &str, fingerprint: &str, now: Timestamp) -> Result<Begun, BoxError> {
        let entered = self.pool.while_alive(async {
            let mut borrowed = self.pool.borrow().await?;
            let begun = enter(&mut borrowed, key, fingerprint, now).await?;
            borrowed.give_back();
            Ok(begun)
        });
        entered.await?.ok_or_else(|| "the request was forgotten this moment: try again".into())
    }
}

/// The key of the table decides who is first. None if the request is forgotten while it is looked for.
async fn enter(borrowed: &mut Borrowed, key: &str, fingerprint: &str, now: Timestamp) -> Result<Option<Begun>, sqlx::Error> {
    let insert = sqlx::query("INSERT INTO request_ledger (request, fingerprint, at) VALUES (?, ?, ?)");
    let insert = insert.bind(key.as_bytes()).bind(fingerprint.as_bytes()).bind(now.0);
    match insert.execute(borrowed.connection()?).await {
        Ok(_) => return Ok(Some(Begun::New)),
        Err(error) if trouble::is_taken(&error) => {}
        Err(error) => return Err(error),
    }
    let select =
        sqlx::query("SELECT fingerprint, status, position, body FROM request_ledger WHERE request = ?").bind(key.as_bytes());
    let row = select.fetch_optional(borrowed.connection()?).await?;
    row.map(|row| judge(&row, fingerprint)).transpose()
}

fn judge(row: &MySqlRow, fingerprint: &str) -> Result<Begun, sqlx::Error> {
    if row.try_get::<&[u8], _>(0)? != fingerprint.as_bytes() {
        return Ok(Begun::Reused);
    }
    let Some(status) = row.try_get::<Option<u16>, _>(1)? else { return Ok(Begun::Unanswered) };
    let position = row.try_get::<Option<i64>, _>(2)?.map(i64::unsigned_abs);
    Ok(Begun::Answered(StoredAnswer { status, position, body: row.try_get(3)? }))
}

#[async_trait]
impl Ledger for MysqlLedger {
    async fn begin(&self, key: &str, fingerprint: &str, now: Timestamp) -> Result<Begun, LedgerError> {
        self.begin_or_find(key, fingerprint, now).await.map_err(LedgerError)
    }

    async fn finish(&self, key: &str, answer: &StoredAnswer) -> Result<(), LedgerError> {
        let position = answer.position.map(|position| i64::try_from(position).unwrap_or(i64::MAX));
        let update = "UPDATE request_ledger SET status = ?, position = ?, body = ? WHERE request = ? AND status IS NULL";
        let update = sqlx::query(update).bind(answer.status).bind(position).bind(answer.body.clone()).bind(key.as_bytes());
        self.pool.execute(update).await.map(drop).map_err(|error| LedgerError(error.into()))
    }

    async fn forget(&self, before: Timestamp) -> Result<u64, LedgerError> {
        let mut forgotten = 0;
        loop {
            let some = sqlx::query("DELETE FROM request_ledger WHERE at < ? LIMIT ?").bind(before.0).bind(FORGOTTEN_AT_ONCE);
            let some = self.pool.execute(some).await.map_err(|error| LedgerError(error.into()))?;
            forgotten += some;
            if some < FORGOTTEN_AT_ONCE {
                return Ok(forgotten);
            }
        }
    }
}
