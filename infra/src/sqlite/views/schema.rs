//! Making the tables.

use std::sync::Arc;

use cairn_projections::ports::{BoxError, Checkpoint};
use cairn_projections::runner::serving;
use cairn_projections::sql::Sql;
use cairn_projections::table::Table;
use cairn_projections::{Projection, bookkeeping};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use super::write::bind_all;
use super::{DIALECT, read};

/// Makes what is missing. Tables that other code made are left as they are, but for columns that they need to serve: only a rebuild can
/// replace them.
pub(super) async fn make_missing(connection: &mut SqliteConnection, projections: &[Arc<dyn Projection>]) -> Result<(), BoxError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    for table in bookkeeping::TABLES {
        make_table(&mut transaction, table).await?;
        extend(&mut transaction, table).await?;
        make_indexes(&mut transaction, table).await?;
    }
    let known = checkpoints(&mut transaction).await?;
    for projection in serving(&known, projections) {
        for table in projection.tables() {
            make_table(&mut transaction, table).await?;
            extend(&mut transaction, table).await?;
            make_indexes(&mut transaction, table).await?;
        }
    }
    let is_new = |projection: &&Arc<dyn Projection>| known.iter().all(|known| known.projection != projection.name());
    for projection in projections.iter().filter(is_new) {
        let mut holds_rows = false;
        for table in projection.tables() {
            make_table(&mut transaction, table).await?;
            make_indexes(&mut transaction, table).await?;
            holds_rows |= !read::rows(&mut *transaction, bookkeeping::any_row(DIALECT, table)).await?.is_empty();
        }
        // Rows of which nobody knows where they end are not to be gone on with.
        if !holds_rows {
            execute(&mut transaction, bookkeeping::begin(DIALECT, &**projection)).await?;
        }
    }
    Ok(transaction.commit().await?)
}

/// Makes all tables in an empty file, without indexes.
pub(super) async fn make_all(connection: &mut SqliteConnection, projections: &[Arc<dyn Projection>]) -> Result<(), BoxError> {
    for table in all_tables(projections) {
        make_table(connection, table).await?;
    }
    for projection in projections {
        execute(connection, bookkeeping::begin(DIALECT, &**projection)).await?;
    }
    Ok(())
}

/// Makes the indexes of all tables.
pub(super) async fn index_all(connection: &mut SqliteConnection, projections: &[Arc<dyn Projection>]) -> Result<(), sqlx::Error> {
    for table in all_tables(projections) {
        make_indexes(connection, table).await?;
    }
    Ok(())
}

fn all_tables(projections: &[Arc<dyn Projection>]) -> impl Iterator<Item = &'static Table> {
    let rows = projections.iter().flat_map(|projection| projection.tables());
    bookkeeping::TABLES.iter().copied().chain(rows.copied())
}

async fn make_table(connection: &mut SqliteConnection, table: &Table) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(DIALECT.create_table(table))).execute(connection).await?;
    Ok(())
}

/// The names of the columns that a table has; none when it is not there.
pub(super) async fn columns(connection: &mut SqliteConnection, table: &Table) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT name FROM pragma_table_info(?)").bind(table.name).fetch_all(connection).await
}

/// Adds the columns that a table lacks which earlier code has made.
async fn extend(connection: &mut SqliteConnection, table: &Table) -> Result<(), BoxError> {
    let there = columns(connection, table).await?;
    let lacking = table.lacking(&there).ok_or_else(|| format!("the table {} lacks a column", table.name))?;
    for column in lacking {
        sqlx::raw_sql(AssertSqlSafe(DIALECT.add_column(table, column))).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn make_indexes(connection: &mut SqliteConnection, table: &Table) -> Result<(), sqlx::Error> {
    for index in DIALECT.create_indexes(table) {
        sqlx::raw_sql(AssertSqlSafe(index)).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn execute(connection: &mut SqliteConnection, sql: Sql) -> Result<(), sqlx::Error> {
    bind_all(&sql.text.into(), sql.values).execute(connection).await?;
    Ok(())
}

pub(super) async fn checkpoints(connection: &mut SqliteConnection) -> Result<Vec<Checkpoint>, BoxError> {
    let rows = read::rows(connection, bookkeeping::checkpoints(DIALECT)).await?;
    Ok(rows.iter().map(bookkeeping::checkpoint).collect::<Result<_, _>>()?)
}
