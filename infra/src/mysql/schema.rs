//! Making and checking the tables. Each part of the drive that keeps something in a database has its own schema, numbered by its migrations.

use cairn_commands::ports::BoxError;
use sqlx::{AssertSqlSafe, Executor, MySqlConnection};

use super::connect::{Server, in_time};
use super::trouble;

/// Which schema each part has here.
const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS cairn_schema (
    part    VARCHAR(32) NOT NULL PRIMARY KEY,
    version INT UNSIGNED NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin";

/// Only one process at a time changes the schema; the others wait this long, in seconds.
const LOCK_SECONDS: u32 = 30;

/// What one part of the drive keeps in a database.
pub(super) struct Part {
    pub(super) name: &'static str,
    /// Each makes the next schema from the one before; the first makes it from nothing. They never change once released.
    pub(super) migrations: &'static [&'static str],
}

/// Whether this process may change the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migrate {
    /// It brings the schema to its own version.
    Yes,
    /// It only looks: the schema is another process's to change.
    No,
}

/// Why a database can't be used.
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
    /// User, password or database are not right.
    #[error("{server} does not let us in")]
    NotLetIn {
        /// Where.
        server: Server,
        /// What it says.
        #[source]
        source: BoxError,
    },
    /// A newer program has made the tables.
    #[error("the {part} in {server} has schema {found}, newer than the {known} of this program: run a newer cairn")]
    Newer {
        /// Where.
        server: Server,
        /// Which part.
        part: &'static str,
        /// As stored.
        found: u32,
        /// As known.
        known: u32,
    },
    /// The tables are missing or old, and this process was not told to make them.
    #[error(
        "the {part} in {server} has schema {found}, this program needs {known}: run `cairn migrate` with the same configuration"
    )]
    Unmigrated {
        /// Where.
        server: Server,
        /// Which part.
        part: &'static str,
        /// As stored; 0 for nothing.
        found: u32,
        /// As known.
        known: u32,
    },
    /// The tables can't be made or looked at.
    #[error("the {part} in {server} can't be used")]
    Unusable {
        /// Where.
        server: Server,
        /// Which part.
        part: &'static str,
        /// What is the matter.
        #[source]
        source: BoxError,
    },
}

impl Part {
    /// Brings the tables up to this program, or checks that they are.
    pub(super) async fn prepare(&self, server: &Server, migrate: Migrate) -> Result<(), OpenError> {
        let mut connection = server.connect().await.map_err(|error| unreachable(server, error))?;
        let found = self.found(&mut connection).await.map_err(|error| self.unusable(server, error))?;
        let known = u32::try_from(self.migrations.len()).unwrap_or(u32::MAX);
        if found > known {
            return Err(OpenError::Newer { server: server.clone(), part: self.name, found, known });
        }
        if found == known {
            return Ok(());
        }
        if migrate == Migrate::No {
            return Err(OpenError::Unmigrated { server: server.clone(), part: self.name, found, known });
        }
        self.migrate(&mut connection).await.map_err(|error| self.unusable(server, error))
    }

    fn unusable(&self, server: &Server, source: sqlx::Error) -> OpenError {
        OpenError::Unusable { server: server.clone(), part: self.name, source: source.into() }
    }

    /// 0 when there is nothing.
    async fn found(&self, connection: &mut MySqlConnection) -> Result<u32, sqlx::Error> {
        let there =
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = database() AND table_name = 'cairn_schema'";
        let there: i64 = in_time(sqlx::query_scalar(there).fetch_one(&mut *connection)).await?;
        if there == 0 {
            return Ok(0);
        }
        let version = sqlx::query_scalar("SELECT version FROM cairn_schema WHERE part = ?").bind(self.name);
        Ok(in_time(version.fetch_optional(connection)).await?.unwrap_or(0))
    }

    /// The server commits each change of a table by itself, so a migration must be repeatable; its number is written last.
    async fn migrate(&self, connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
        lock(connection).await?;
        connection.execute(sqlx::raw_sql(VERSIONS)).await?;
        let found = self.found(connection).await?;
        for (version, migration) in (1_u32..).zip(self.migrations).skip(found as usize) {
            connection.execute(sqlx::raw_sql(AssertSqlSafe(*migration))).await?;
            let written =
                "INSERT INTO cairn_schema (part, version) VALUES (?, ?) ON DUPLICATE KEY UPDATE version = VALUES(version)";
            sqlx::query(written).bind(self.name).bind(version).execute(&mut *connection).await?;
            tracing::info!(part = self.name, version, "the schema was brought up to date");
        }
        unlock(connection).await
    }
}

/// From here on no other process changes the schema of this database, until [`unlock`] or the end of the connection.
pub(super) async fn lock(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    let lock = sqlx::query_scalar("SELECT GET_LOCK(CONCAT('cairn.schema.', MD5(database())), ?)").bind(LOCK_SECONDS);
    let locked: Option<i64> = lock.fetch_one(connection).await?;
    let locked = locked.filter(|locked| *locked == 1);
    locked.map(drop).ok_or_else(|| sqlx::Error::Protocol("another process has been changing the schema for too long".to_owned()))
}

pub(super) async fn unlock(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    sqlx::query("DO RELEASE_LOCK(CONCAT('cairn.schema.', MD5(database())))").execute(connection).await.map(drop)
}

fn unreachable(server: &Server, error: sqlx::Error) -> OpenError {
    let (server, not_let_in) = (server.clone(), trouble::is_not_let_in(&error));
    let source = error.into();
    if not_let_in { OpenError::NotLetIn { server, source } } else { OpenError::Unreachable { server, source } }
}
