//! A change to one row, as data.
//!
//! A row is found by its key alone, so changes of different keys commute, and two changes of one key can be joined into one
//! (see [`combine()`]). That is where the speed of a rebuild comes from: an upload that starts, gets its parts and is merged within one
//! batch is one inserted row.

pub mod combine;
pub mod value;

pub use combine::{Action, Run, combine};
pub use value::Value;

use crate::table::{Columns, Table};

/// A change to the row of one key.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// Where.
    pub table: &'static Table,
    /// The key of the row.
    pub key: String,
    /// What.
    pub change: Change,
}

/// What happens to a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The row stands as given, whatever stood there: every column but the key, in order.
    Put(Vec<Value>),
    /// Some columns, by number and in ascending order, have new values. A row that is not there stays away.
    Set(Vec<(usize, Value)>),
    /// These numbers are added to the columns after the key. A row that is not there begins with zeros.
    Add(Vec<i64>),
    /// The row goes, if it is there.
    Remove,
}

impl Statement {
    /// The row stands as given; what is not named is null.
    pub fn put<C: Columns, const N: usize>(key: impl Into<String>, row: [(C, Value); N]) -> Self {
        let mut values = vec![Value::Null; C::TABLE.columns.len() - 1];
        for (column, value) in row {
            if let Some(place) = column.number().checked_sub(1).and_then(|number| values.get_mut(number)) {
                *place = value;
            }
        }
        Self { table: C::TABLE, key: key.into(), change: Change::Put(values) }
    }

    /// The row, if it is there, has these new values.
    pub fn set<C: Columns>(key: impl Into<String>, values: impl IntoIterator<Item = (C, Value)>) -> Self {
        let mut values: Vec<_> = values.into_iter().map(|(column, value)| (column.number(), value)).collect();
        values.sort_unstable_by_key(|(number, _)| *number);
        Self { table: C::TABLE, key: key.into(), change: Change::Set(values) }
    }

    /// The numbers grow by these.
    pub fn add<C: Columns, const N: usize>(key: impl Into<String>, values: [(C, i64); N]) -> Self {
        let mut sums = vec![0; C::TABLE.columns.len() - 1];
        for (column, value) in values {
            if let Some(place) = column.number().checked_sub(1).and_then(|number| sums.get_mut(number)) {
                *place += value;
            }
        }
        Self { table: C::TABLE, key: key.into(), change: Change::Add(sums) }
    }

    /// The row goes.
    pub fn remove<C: Columns>(key: impl Into<String>) -> Self {
        Self { table: C::TABLE, key: key.into(), change: Change::Remove }
    }
}

/// Two tables are the same when they have the same name: a constant may have many addresses.
impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Table {}

#[cfg(test)]
mod tests;
