//! From definitions and statements to SQL text, for each dialect, by way of sea-query.
//!
//! Adapters execute the text with its values and need no SQL of their own. Texts of runs depend on their shape only, so adapters keep them.

use sea_query::{
    DeleteStatement, Expr, ExprTrait, InsertStatement, MysqlQueryBuilder, OnConflict, Query, SelectStatement, SqliteQueryBuilder,
    UpdateStatement, Values,
};

use crate::statement::{Action, Value};
use crate::table::Table;

/// The SQL that a database speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite 3.35 or later.
    Sqlite,
    /// MySQL 8 and MariaDB 10.5 or later.
    MySql,
}

/// A text with `?` for its values, and the values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sql {
    /// The text.
    pub text: String,
    /// One per `?`, in order.
    pub values: Vec<Value>,
}

impl Dialect {
    /// The statements that make a table without its indexes.
    pub fn create_table(self, table: &Table) -> String {
        match self {
            Self::Sqlite => table.create().build(SqliteQueryBuilder),
            Self::MySql => table.create().build(MysqlQueryBuilder),
        }
    }

    /// The statements that make a table's indexes.
    pub fn create_indexes(self, table: &Table) -> Vec<String> {
        let indexes = table.create_indexes();
        let build = |index: &sea_query::IndexCreateStatement| match self {
            Self::Sqlite => index.build(SqliteQueryBuilder),
            Self::MySql => index.build(MysqlQueryBuilder),
        };
        indexes.iter().map(build).collect()
    }

    /// A query with its values.
    pub fn select(self, query: &SelectStatement) -> Sql {
        let (text, values) = match self {
            Self::Sqlite => query.build(SqliteQueryBuilder),
            Self::MySql => query.build(MysqlQueryBuilder),
        };
        Sql { text, values: plain(values) }
    }

    pub(crate) fn insert(self, insert: &InsertStatement) -> Sql {
        let (text, values) = match self {
            Self::Sqlite => insert.build(SqliteQueryBuilder),
            Self::MySql => insert.build(MysqlQueryBuilder),
        };
        Sql { text, values: plain(values) }
    }

    pub(crate) fn update(self, update: &UpdateStatement) -> Sql {
        let (text, values) = match self {
            Self::Sqlite => update.build(SqliteQueryBuilder),
            Self::MySql => update.build(MysqlQueryBuilder),
        };
        Sql { text, values: plain(values) }
    }

    pub(crate) fn delete(self, delete: &DeleteStatement) -> Sql {
        let (text, values) = match self {
            Self::Sqlite => delete.build(SqliteQueryBuilder),
            Self::MySql => delete.build(MysqlQueryBuilder),
        };
        Sql { text, values: plain(values) }
    }

    /// The text that does `action` to that many rows of the table at once; it takes the values of so many rows of a
    /// [`Run`](crate::statement::Run).
    pub fn action(self, table: &'static Table, action: &Action, rows: usize) -> String {
        match action {
            Action::Put => self.insert(put(table, rows).on_conflict(replace(table))).text,
            Action::Add => self.insert(put(table, rows).on_conflict(self.grow(table))).text,
            Action::Remove => self.delete(&remove(table, rows)).text,
            Action::Set(numbers) => {
                let one = self.update(&set(table, numbers)).text;
                vec![one; rows].join(";")
            }
        }
    }

    fn grow(self, table: &'static Table) -> OnConflict {
        let mut conflict = OnConflict::column(table.columns[0].name);
        for column in &table.columns[1..] {
            let more = match self {
                Self::Sqlite => Expr::col(("excluded", column.name)),
                Self::MySql => Expr::cust(format!("VALUES(`{}`)", column.name)),
            };
            conflict.value(column.name, Expr::col(column.name).add(more));
        }
        conflict
    }
}

fn put(table: &'static Table, rows: usize) -> InsertStatement {
    let mut insert = Query::insert();
    insert.into_table(table.name).columns(table.columns.iter().map(|column| column.name));
    for _ in 0..rows {
        insert.values_panic(table.columns.iter().map(|_| placeholder()));
    }
    insert
}

fn replace(table: &'static Table) -> OnConflict {
    let mut conflict = OnConflict::column(table.columns[0].name);
    conflict.update_columns(table.columns[1..].iter().map(|column| column.name));
    conflict
}

fn set(table: &'static Table, numbers: &[usize]) -> UpdateStatement {
    let mut update = Query::update();
    update.table(table.name).and_where(Expr::col(table.columns[0].name).eq(placeholder()));
    for number in numbers {
        update.value(table.columns[*number].name, placeholder());
    }
    update
}

fn remove(table: &'static Table, rows: usize) -> DeleteStatement {
    let mut delete = Query::delete();
    delete.from_table(table.name).and_where(Expr::col(table.columns[0].name).is_in((0..rows).map(|_| placeholder())));
    delete
}

fn placeholder() -> Expr {
    Expr::val(0_i64)
}

impl From<Value> for sea_query::Value {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::String(None),
            Value::Integer(number) => Self::BigInt(Some(number)),
            Value::Text(text) => Self::String(Some(text.into_owned())),
        }
    }
}

/// This crate gives sea-query numbers and texts only (`LIMIT` comes back as an unsigned number).
fn plain(values: Values) -> Vec<Value> {
    let plain = |value| match value {
        sea_query::Value::String(Some(text)) => Value::from(text),
        sea_query::Value::BigInt(Some(number)) => Value::Integer(number),
        sea_query::Value::BigUnsigned(Some(number)) => Value::Integer(i64::try_from(number).unwrap_or(i64::MAX)),
        sea_query::Value::Int(Some(number)) => Value::Integer(number.into()),
        _ => Value::Null,
    };
    values.0.into_iter().map(plain).collect()
}

#[cfg(test)]
mod tests;
