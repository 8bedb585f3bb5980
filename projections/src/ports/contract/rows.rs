//! The rows of all projections, to be compared: what a log means, and what tables hold.

use std::sync::Arc;

use cairn_domain::{StoredEvent, Timestamp};

use crate::ports::memory::{MemorySource, MemoryTables, Rows};
use crate::ports::{ReadTables, Row};
use crate::runner::Settings;
use crate::sql::Sql;
use crate::statement::Value;
use crate::{Runner, projections};

/// The rows that the in-memory twin makes of these events.
pub async fn meant_by(events: Vec<StoredEvent>) -> Rows {
    let tables = MemoryTables::new(projections());
    let source = Arc::new(MemorySource::new(events));
    let runner = Runner::new(projections(), source, Arc::new(tables.clone()), Settings::new(|| Timestamp(77)));
    runner.catch_up().await.expect("the twin catches up");
    tables.rows()
}

/// The rows that the tables have.
pub async fn held_by(tables: &dyn ReadTables) -> Rows {
    let mut rows = Rows::new();
    for table in projections().iter().flat_map(|projection| projection.tables()) {
        let names: Vec<_> = table.columns.iter().map(|column| column.name).collect();
        let text = format!("SELECT {} FROM {}", names.join(", "), table.name);
        for Row(mut values) in tables.rows(Sql { text, values: Vec::new() }).await.expect("rows") {
            let Value::Text(key) = values.remove(0) else { panic!("a key that is no text") };
            rows.insert((table.name, key.into_owned()), values);
        }
    }
    rows
}
