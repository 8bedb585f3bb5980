//! Joins the changes of a batch, so that each row is touched once, and sorts them into runs of one shape.

use std::collections::HashMap;
use std::mem;

use super::{Change, Statement, Value};
use crate::table::Table;

/// Many changes of one shape: the same SQL text serves them all, with other values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Where.
    pub table: &'static Table,
    /// What.
    pub action: Action,
    /// How many rows.
    pub rows: usize,
    /// The values of all rows, in the order in which the text takes them (see [`Action`]).
    pub values: Vec<Value>,
}

/// The shape of a change.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Action {
    /// Insert or replace; a row's values are all columns, the key first.
    Put,
    /// Update the columns of these numbers; a row's values are theirs, the key last.
    Set(Vec<usize>),
    /// Insert or add; a row's values are all columns, the key first.
    Add,
    /// Delete; a row's only value is its key.
    Remove,
}

impl Run {
    /// How many values each row has.
    pub fn row_values(&self) -> usize {
        self.action.row_values(self.table)
    }
}

impl Action {
    /// How many values a row has in the SQL text.
    pub fn row_values(&self, table: &Table) -> usize {
        match self {
            Self::Put | Self::Add => table.columns.len(),
            Self::Set(numbers) => numbers.len() + 1,
            Self::Remove => 1,
        }
    }
}

/// The runs that have the effect of the statements in order. Runs may follow one another in the given order only.
pub fn combine(statements: Vec<Statement>) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut pending = Pending::default();
    for statement in statements {
        if let Err(statement) = pending.join(statement) {
            mem::take(&mut pending).write(&mut runs);
            // An empty set of pending changes takes anything.
            let _ = pending.join(statement);
        }
    }
    pending.write(&mut runs);
    runs
}

/// The joined change of every key so far, in the order in which the keys came.
#[derive(Default)]
struct Pending(Vec<OfTable>);

struct OfTable {
    table: &'static Table,
    places: HashMap<String, usize>,
    changes: Vec<Change>,
}

impl Pending {
    /// Takes the statement in; gives it back if it can't be joined with what is there for its key.
    fn join(&mut self, statement: Statement) -> Result<(), Statement> {
        let of_table = self.of_table(statement.table);
        let Some(place) = of_table.places.get(&statement.key) else {
            of_table.places.insert(statement.key, of_table.changes.len());
            of_table.changes.push(statement.change);
            return Ok(());
        };
        let there = &mut of_table.changes[*place];
        if !composes(there, &statement.change) {
            return Err(statement);
        }
        compose(there, statement.change);
        Ok(())
    }

    fn of_table(&mut self, table: &'static Table) -> &mut OfTable {
        let place = self.0.iter().position(|known| known.table == table).unwrap_or_else(|| {
            self.0.push(OfTable { table, places: HashMap::new(), changes: Vec::new() });
            self.0.len() - 1
        });
        &mut self.0[place]
    }

    fn write(self, runs: &mut Vec<Run>) {
        for of_table in self.0 {
            let mut keys: Vec<(String, usize)> = of_table.places.into_iter().collect();
            keys.sort_unstable_by_key(|(_, place)| *place);
            let first = runs.len();
            for ((key, _), change) in keys.into_iter().zip(of_table.changes) {
                write_change(runs, first, of_table.table, key, change);
            }
        }
    }
}

/// Adding to numbers of which some were set, or the other way round, would need a change of two kinds. No table does both.
fn composes(first: &Change, then: &Change) -> bool {
    !matches!((first, then), (Change::Add(_), Change::Set(_)) | (Change::Set(_), Change::Add(_)))
}

/// Makes `first` have the effect of `first`, `then`.
fn compose(first: &mut Change, then: Change) {
    match (&mut *first, then) {
        (_, then @ (Change::Put(_) | Change::Remove)) => *first = then,
        (Change::Put(row), Change::Set(values)) => {
            for (number, value) in values {
                row[number - 1] = value;
            }
        }
        (Change::Put(row), Change::Add(sums)) => row.iter_mut().zip(sums).for_each(|(value, sum)| add(value, sum)),
        (Change::Set(before), Change::Set(after)) => merge(before, after),
        (Change::Add(before), Change::Add(after)) => {
            before.iter_mut().zip(after).for_each(|(sum, more)| *sum = sum.saturating_add(more));
        }
        (Change::Remove, Change::Add(sums)) => *first = Change::Put(sums.into_iter().map(Value::Integer).collect()),
        (Change::Remove | Change::Add(_), Change::Set(_)) | (Change::Set(_), Change::Add(_)) => {}
    }
}

fn add(value: &mut Value, sum: i64) {
    *value = match value {
        Value::Integer(number) => Value::Integer(number.saturating_add(sum)),
        Value::Null | Value::Text(_) => Value::Integer(sum),
    };
}

fn merge(before: &mut Vec<(usize, Value)>, after: Vec<(usize, Value)>) {
    for (number, value) in after {
        match before.binary_search_by_key(&number, |(number, _)| *number) {
            Ok(place) => before[place].1 = value,
            Err(place) => before.insert(place, (number, value)),
        }
    }
}

fn write_change(runs: &mut Vec<Run>, first: usize, table: &'static Table, key: String, change: Change) {
    let key = Value::from(key);
    match change {
        Change::Put(row) => run(runs, first, table, &Action::Put).extend(std::iter::once(key).chain(row)),
        Change::Add(sums) => {
            let sums = sums.into_iter().map(Value::Integer);
            run(runs, first, table, &Action::Add).extend(std::iter::once(key).chain(sums));
        }
        Change::Remove => run(runs, first, table, &Action::Remove).push(key),
        Change::Set(values) => {
            let (numbers, values): (Vec<_>, Vec<_>) = values.into_iter().unzip();
            run(runs, first, table, &Action::Set(numbers)).extend(values.into_iter().chain(std::iter::once(key)));
        }
    }
}

/// The values of the run of that shape, after one more row was counted. Each key stands in one run only, so their order is free.
fn run<'a>(runs: &'a mut Vec<Run>, first: usize, table: &'static Table, action: &Action) -> &'a mut Vec<Value> {
    let place = runs[first..].iter().position(|run| run.action == *action).unwrap_or_else(|| {
        runs.push(Run { table, action: action.clone(), rows: 0, values: Vec::new() });
        runs.len() - 1 - first
    });
    let run = &mut runs[first + place];
    run.rows += 1;
    &mut run.values
}
