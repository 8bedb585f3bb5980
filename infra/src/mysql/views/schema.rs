//! Making the tables.

use std::collections::HashMap;
use std::sync::Arc;

use cairn_projections::bookkeeping;
use cairn_projections::sql::{Dialect, Sql};
use cairn_projections::table::Table;
use cairn_projections::{Projection, bookkeeping::TABLES};
use sqlx::{AssertSqlSafe, Executor, MySqlConnection, RawSql, Row};

use super::{BEFORE, DIALECT};
use crate::mysql::connect::Server;
use crate::mysql::{literal, schema, trouble};

/// How often a rename is tried that others are in the way of.
const RENAME_TRIES: u32 = 4;

/// Makes what is missing. Tables that other code made are left as they are: only a rebuild can replace them.
pub(super) async fn make_missing(server: &Server, projections: &[Arc<dyn Projection>]) -> Result<(), sqlx::Error> {
    let mut connection = server.connect().await?;
    schema::lock(&mut connection).await?;
    for table in TABLES {
        make_table(&mut connection, DIALECT, table).await?;
        extend(&mut connection, table).await?;
    }
    let known = connection.fetch_all(sqlx::raw_sql("SELECT projection, version FROM tbl_checkpoint")).await?;
    let known: HashMap<String, i64> =
        known.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, sqlx::Error>>()?;
    for projection in projections {
        let Some(version) = known.get(projection.name()).and_then(|version| u32::try_from(*version).ok()) else { continue };
        if version < projection.version() && projection.serves(version) {
            for table in projection.tables() {
                make_table(&mut connection, DIALECT, table).await?;
                extend(&mut connection, table).await?;
            }
        }
    }
    for projection in projections.iter().filter(|projection| !known.contains_key(projection.name())) {
        let mut holds_rows = false;
        for table in projection.tables() {
            make_table(&mut connection, DIALECT, table).await?;
            holds_rows |= connection.fetch_optional(filled(&bookkeeping::any_row(DIALECT, table))).await?.is_some();
        }
        // Rows of which nobody knows where they end are not to be gone on with.
        if !holds_rows {
            execute(&mut connection, &bookkeeping::begin(DIALECT, &**projection)).await?;
        }
    }
    schema::unlock(&mut connection).await
}

/// Makes all tables, after what an earlier attempt left has gone.
pub(super) async fn make_all(
    connection: &mut MySqlConnection,
    dialect: Dialect,
    projections: &[Arc<dyn Projection>],
) -> Result<(), sqlx::Error> {
    drop_all(connection, dialect, projections).await?;
    for table in all_tables(projections) {
        make_table(connection, dialect, table).await?;
    }
    for projection in projections {
        execute(connection, &bookkeeping::begin(dialect, &**projection)).await?;
    }
    Ok(())
}

pub(super) async fn drop_all(
    connection: &mut MySqlConnection,
    dialect: Dialect,
    projections: &[Arc<dyn Projection>],
) -> Result<(), sqlx::Error> {
    for table in all_tables(projections) {
        drop_table(connection, &dialect.name(table)).await?;
    }
    Ok(())
}

/// Puts the tables of a draft in the place of the live ones, all at once: `RENAME TABLE` is atomic. It waits for whoever is reading them,
/// and while it waits nobody can begin to: so it gives up after a moment (`lock_wait_timeout`) and tries again.
pub(super) async fn promote(
    connection: &mut MySqlConnection,
    draft: Dialect,
    projections: &[Arc<dyn Projection>],
) -> Result<(), sqlx::Error> {
    let mut renames = Vec::new();
    for table in all_tables(projections) {
        drop_table(connection, &BEFORE.name(table)).await?;
        if is_there(connection, table.name).await? {
            renames.push(format!("`{}` TO `{}`", table.name, BEFORE.name(table)));
        }
        renames.push(format!("`{}` TO `{}`", draft.name(table), table.name));
    }
    rename(connection, &format!("RENAME TABLE {}", renames.join(", "))).await
}

/// Exchanges the live tables for those before, all at once.
pub(super) async fn exchange(connection: &mut MySqlConnection, projections: &[Arc<dyn Projection>]) -> Result<(), sqlx::Error> {
    let three = |table: &Table| {
        let (live, before) = (table.name, BEFORE.name(table));
        format!("`{live}` TO `{before}_`, `{before}` TO `{live}`, `{before}_` TO `{before}`")
    };
    let renames: Vec<_> = all_tables(projections).map(three).collect();
    rename(connection, &format!("RENAME TABLE {}", renames.join(", "))).await
}

/// Whether every table is there under its name in this place.
pub(super) async fn are_there(
    connection: &mut MySqlConnection,
    dialect: Dialect,
    projections: &[Arc<dyn Projection>],
) -> Result<bool, sqlx::Error> {
    for table in all_tables(projections) {
        if !is_there(connection, &dialect.name(table)).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn is_there(connection: &mut MySqlConnection, name: &str) -> Result<bool, sqlx::Error> {
    let there = "SELECT 1 FROM information_schema.tables WHERE table_schema = database() AND table_name = ?";
    Ok(sqlx::query(there).bind(name).fetch_optional(connection).await?.is_some())
}

/// Adds the columns that a table lacks which earlier code has made.
async fn extend(connection: &mut MySqlConnection, table: &Table) -> Result<(), sqlx::Error> {
    let there = "SELECT column_name FROM information_schema.columns WHERE table_schema = database() AND table_name = ?";
    let there: Vec<String> = sqlx::query_scalar(there).bind(table.name).fetch_all(&mut *connection).await?;
    let lacks = || sqlx::Error::Protocol(format!("the table {} lacks a column", table.name));
    for column in table.lacking(&there).ok_or_else(lacks)? {
        connection.execute(sqlx::raw_sql(AssertSqlSafe(DIALECT.add_column(table, column)))).await?;
    }
    Ok(())
}

async fn rename(connection: &mut MySqlConnection, text: &str) -> Result<(), sqlx::Error> {
    let mut tries = 0;
    loop {
        tries += 1;
        match connection.execute(sqlx::raw_sql(AssertSqlSafe(text))).await {
            Err(error) if trouble::is_lock_wait(&error) && tries < RENAME_TRIES => {}
            done => return done.map(drop),
        }
    }
}

fn all_tables(projections: &[Arc<dyn Projection>]) -> impl Iterator<Item = &'static Table> {
    let rows = projections.iter().flat_map(|projection| projection.tables());
    TABLES.iter().copied().chain(rows.copied())
}

async fn make_table(connection: &mut MySqlConnection, dialect: Dialect, table: &Table) -> Result<(), sqlx::Error> {
    connection.execute(sqlx::raw_sql(AssertSqlSafe(dialect.create_table(table)))).await.map(drop)
}

async fn drop_table(connection: &mut MySqlConnection, name: &str) -> Result<(), sqlx::Error> {
    connection.execute(sqlx::raw_sql(AssertSqlSafe(format!("DROP TABLE IF EXISTS `{name}`")))).await.map(drop)
}

async fn execute(connection: &mut MySqlConnection, sql: &Sql) -> Result<(), sqlx::Error> {
    connection.execute(filled(sql)).await.map(drop)
}

fn filled(sql: &Sql) -> RawSql {
    sqlx::raw_sql(AssertSqlSafe(literal::fill(&sql.text, &sql.values)))
}
