//! Making the tables.

use std::sync::Arc;

use cairn_projections::bookkeeping;
use cairn_projections::sql::{Dialect, Sql};
use cairn_projections::table::Table;
use cairn_projections::{Projection, bookkeeping::TABLES};
use sqlx::{AssertSqlSafe, Executor, MySqlConnection, Row};

use super::DIALECT;
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
    }
    let known = connection.fetch_all(sqlx::raw_sql("SELECT projection FROM tbl_checkpoint")).await?;
    let known: Vec<String> = known.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    for projection in projections.iter().filter(|projection| !known.iter().any(|known| known == projection.name())) {
        for table in projection.tables() {
            make_table(&mut connection, DIALECT, table).await?;
        }
        execute(&mut connection, &bookkeeping::begin(DIALECT, &**projection)).await?;
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
    let tables: Vec<_> = all_tables(projections).collect();
    let mut renames = Vec::new();
    for table in &tables {
        drop_table(connection, &old(table)).await?;
        let there = "SELECT 1 FROM information_schema.tables WHERE table_schema = database() AND table_name = ?";
        let there = sqlx::query(there).bind(table.name).fetch_optional(&mut *connection).await?;
        renames.extend(there.map(|_| format!("`{}` TO `{}`", table.name, old(table))));
        renames.push(format!("`{}` TO `{}`", draft.name(table), table.name));
    }
    rename(connection, &format!("RENAME TABLE {}", renames.join(", "))).await?;
    for table in &tables {
        if let Err(error) = drop_table(connection, &old(table)).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                table = old(table),
                "an old table is left until the next rebuild"
            );
        }
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

fn old(table: &Table) -> String {
    format!("old_{}", table.name)
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
    connection.execute(sqlx::raw_sql(AssertSqlSafe(literal::fill(&sql.text, &sql.values)))).await.map(drop)
}
