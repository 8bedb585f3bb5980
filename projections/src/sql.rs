//! From definitions and statements to SQL text, for each dialect, by way of sea-query.
//!
//! Adapters execute the text with its values and need no SQL of their own. Texts of runs depend on their shape only, so adapters keep them.

use sea_query::{
    Alias, DeleteStatement, Expr, ExprTrait, InsertStatement, MysqlQueryBuilder, OnConflict, Query, SelectStatement,
    SqliteQueryBuilder, UpdateStatement, Values,
};

use crate::statement::{Action, Value};
use crate::table::{Column, Table};

/// The SQL that a database speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite 3.35 or later.
    Sqlite,
    /// MySQL 8.0 or MariaDB 10.6 and later.
    MySql(Place),
}

/// Where in a database the tables stand. In SQLite each set of tables has a file of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Under their own names.
    Live,
    /// Beside the live ones, while they are being made: `new_` and the name.
    Beside,
    /// Those that were live before the last promotion: `old_` and the name.
    Before,
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
    /// How a table is called there.
    pub fn name(self, table: &Table) -> String {
        match self {
            Self::Sqlite | Self::MySql(Place::Live) => table.name.to_owned(),
            Self::MySql(Place::Beside) => format!("new_{}", table.name),
            Self::MySql(Place::Before) => format!("old_{}", table.name),
        }
    }

    pub(crate) fn alias(self, table: &Table) -> Alias {
        Alias::new(self.name(table))
    }

    /// The statement that makes a table, if it is not there. In SQLite without its indexes; in MySQL, where making an index is not part of a
    /// transaction, with them.
    pub fn create_table(self, table: &Table) -> String {
        let mut create = table.create(self.alias(table));
        match self {
            Self::Sqlite => create.build(SqliteQueryBuilder),
            Self::MySql(_) => {
                for mut index in table.create_indexes() {
                    create.index(&mut index);
                }
                create.engine("InnoDB").character_set("utf8mb4").collate("utf8mb4_bin").build(MysqlQueryBuilder)
            }
        }
    }

    /// The statement that adds a column to a table. It must be one that may be nothing: that is what it is in the rows that are there.
    pub fn add_column(self, table: &Table, column: &Column) -> String {
        let alter = table.add_column(self.alias(table), column);
        match self {
            Self::Sqlite => alter.build(SqliteQueryBuilder),
            Self::MySql(_) => alter.build(MysqlQueryBuilder),
        }
    }

    /// The statements that make a table's indexes, as far as they are not made with it.
    pub fn create_indexes(self, table: &Table) -> Vec<String> {
        match self {
            Self::Sqlite => table.create_indexes().iter().map(|index| index.build(SqliteQueryBuilder)).collect(),
            Self::MySql(_) => Vec::new(),
        }
    }

    /// A query with its values.
    pub fn select(self, query: &SelectStatement) -> Sql {
        let (text, values) = match self {
            Self::Sqlite => query.build(SqliteQueryBuilder),
            Self::MySql(_) => query.build(MysqlQueryBuilder),
        };
        Sql { text, values: plain(values) }
    }

    /// The database's clock, in microseconds since 1970: the one that all processes share.
    pub(crate) fn now(self) -> Expr {
        Expr::cust(match self {
            Self::Sqlite => "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
            Self::MySql(_) => "CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)",
        })
    }

    pub(crate) fn insert(self, insert: &InsertStatement) -> Sql {
        let (text, values) = match self {
            Self::Sqlite => insert.build(SqliteQueryBuilder),
            Self::MySql(_) => insert.build(MysqlQueryBuilder),
        };
        Sql { text, values: plain(values) }
    }

    pub(crate) fn update(self, update: &UpdateStatement) -> Sql {
        let (text, values) = match self {
            Self::Sqlite => update.build(SqliteQueryBuilder),
            Self::MySql(_) => update.build(MysqlQueryBuilder),
        };
        Sql { text, values: plain(values) }
    }

    pub(crate) fn delete(self, delete: &DeleteStatement) -> Sql {
        let (text, values) = match self {
            Self::Sqlite => delete.build(SqliteQueryBuilder),
            Self::MySql(_) => delete.build(MysqlQueryBuilder),
        };
        Sql { text, values: plain(values) }
    }

    /// The text that does `action` to that many rows of the table at once; it takes the values of so many rows of a
    /// [`Run`](crate::statement::Run).
    pub fn action(self, table: &'static Table, action: &Action, rows: usize) -> String {
        match action {
            Action::Put => self.insert(self.put(table, rows).on_conflict(replace(table))).text,
            Action::Add => self.insert(self.put(table, rows).on_conflict(self.grow(table))).text,
            Action::Remove => self.delete(&self.remove(table, rows)).text,
            Action::Set(numbers) => match self {
                Self::Sqlite => set_together(table, numbers, rows),
                Self::MySql(_) => vec![self.update(&self.set(table, numbers)).text; rows].join(";"),
            },
        }
    }

    fn put(self, table: &'static Table, rows: usize) -> InsertStatement {
        let mut insert = Query::insert();
        insert.into_table(self.alias(table)).columns(table.columns.iter().map(|column| column.name));
        for _ in 0..rows {
            insert.values_panic(table.columns.iter().map(|_| placeholder()));
        }
        insert
    }

    fn set(self, table: &'static Table, numbers: &[usize]) -> UpdateStatement {
        let mut update = Query::update();
        update.table(self.alias(table)).and_where(Expr::col(table.columns[0].name).eq(placeholder()));
        for number in numbers {
            update.value(table.columns[*number].name, placeholder());
        }
        update
    }

    fn remove(self, table: &'static Table, rows: usize) -> DeleteStatement {
        let mut delete = Query::delete();
        delete.from_table(self.alias(table)).and_where(Expr::col(table.columns[0].name).is_in((0..rows).map(|_| placeholder())));
        delete
    }

    fn grow(self, table: &'static Table) -> OnConflict {
        let mut conflict = OnConflict::column(table.columns[0].name);
        for column in &table.columns[1..] {
            let more = match self {
                Self::Sqlite => Expr::col(("excluded", column.name)),
                Self::MySql(_) => Expr::cust(format!("VALUES(`{}`)", column.name)),
            };
            conflict.value(column.name, Expr::col(column.name).add(more));
        }
        conflict
    }
}

/// One statement for all rows: a connection to SQLite answers each statement by itself, and wakes whoever waits for it. sea-query knows
/// no `UPDATE` from a list of values.
fn set_together(table: &Table, numbers: &[usize], rows: usize) -> String {
    let changes = numbers.iter().enumerate();
    let changes: Vec<_> =
        changes.map(|(place, number)| format!(r#""{}" = "given"."column{}""#, table.columns[*number].name, place + 1)).collect();
    let row = format!("({})", vec!["?"; numbers.len() + 1].join(", "));
    format!(
        r#"UPDATE "{0}" SET {1} FROM (VALUES {2}) AS "given" WHERE "{0}"."{3}" = "given"."column{4}""#,
        table.name,
        changes.join(", "),
        vec![row; rows].join(", "),
        table.columns[0].name,
        numbers.len() + 1,
    )
}

fn replace(table: &'static Table) -> OnConflict {
    let mut conflict = OnConflict::column(table.columns[0].name);
    conflict.update_columns(table.columns[1..].iter().map(|column| column.name));
    conflict
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
