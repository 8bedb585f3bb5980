//! A run of any length as one statement with one value: its rows as a JSON list.
//!
//! A row costs half as much again as with a value of its own each, but the text is always the same one, and runs of a few rows travel
//! together: following the log takes four trips to the connection's thread for each batch instead of one for each few rows.

use std::fmt::Write;

use cairn_projections::statement::{Action, Value};
use cairn_projections::table::Table;
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

/// The text that does `action` to all rows of a list.
pub(super) fn text(table: &Table, action: &Action) -> String {
    let name = table.name;
    let key = table.columns[0].name;
    match action {
        Action::Put => insert(table, |column| format!(r#""{column}" = excluded."{column}""#)),
        Action::Add => insert(table, |column| format!(r#""{column}" = "{name}"."{column}" + excluded."{column}""#)),
        Action::Remove => format!(r#"DELETE FROM "{name}" WHERE "{key}" IN (SELECT value ->> 0 FROM json_each(?))"#),
        Action::Set(numbers) => {
            let values = numbers.iter().enumerate();
            let values = values.map(|(place, number)| format!(r#""{}" = given.value ->> {place}"#, table.columns[*number].name));
            let (values, last) = (listed(values), numbers.len());
            format!(r#"UPDATE "{name}" SET {values} FROM json_each(?) AS given WHERE "{name}"."{key}" = given.value ->> {last}"#)
        }
    }
}

fn insert(table: &Table, change: impl Fn(&str) -> String) -> String {
    let columns = listed(table.columns.iter().map(|column| format!(r#""{}""#, column.name)));
    let values = listed((0..table.columns.len()).map(|place| format!("value ->> {place}")));
    let changes = listed(table.columns[1..].iter().map(|column| change(column.name)));
    // Without `WHERE true` the ON would be read as that of a join (SQLite, "Parsing Ambiguity" of UPSERT).
    format!(
        r#"INSERT INTO "{}" ({columns}) SELECT {values} FROM json_each(?) WHERE true ON CONFLICT ("{}") DO UPDATE SET {changes}"#,
        table.name, table.columns[0].name
    )
}

fn listed(items: impl Iterator<Item = String>) -> String {
    items.enumerate().fold(String::new(), |mut list, (number, item)| {
        let separator = if number == 0 { "" } else { ", " };
        // Writing to a text can't fail.
        let _ = write!(list, "{separator}{item}");
        list
    })
}

/// The rows of a run, each a list of its values.
pub(super) struct Rows<'a> {
    pub(super) values: &'a [Value],
    pub(super) row_values: usize,
}

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows = self.values.chunks_exact(self.row_values);
        let mut list = serializer.serialize_seq(Some(rows.len()))?;
        for row in rows {
            list.serialize_element(&Row(row))?;
        }
        list.end()
    }
}

struct Row<'a>(&'a [Value]);

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for value in self.0 {
            match value {
                Value::Null => list.serialize_element(&())?,
                Value::Integer(number) => list.serialize_element(number)?,
                Value::Text(text) => list.serialize_element(text.as_ref())?,
            }
        }
        list.end()
    }
}
