use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use cairn_infra::log_source::LogSource;
use cairn_infra::sqlite::views::SqliteReplayed;
use cairn_projections::projections;
use cairn_projections::runner::{Difference, Verification, Verified};
use cairn_projections::statement::Value;
use clap::Args;
use serde_json::{Map, json};

use crate::cli::progress::{Bar, stop_on_signal};
use crate::cli::{Place, say};
use crate::data::DataDirectory;
use crate::wiring::{glance_at_views, now, open_log};

pub(super) const HELP: &str = "\
The rows are made again in a file without a name in the directory for temporary files ($SQLITE_TMPDIR, else $TMPDIR, else /var/tmp), which
needs as much room as the read tables. The drive may run and write meanwhile: the live rows are read as they were at one moment.

Examples:
  cairn projection verify
  cairn projection verify --json | jq -r 'select(.table) | [.table, .key] | @tsv'";

#[derive(Debug, Args)]
pub(in crate::cli) struct Verify {
    #[command(flatten)]
    place: Place,
    /// One JSON object a line: each row that differs, and then all together.
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.place.visit()?;
        let data = DataDirectory::of(&config)?;
        let live = glance_at_views(&config, &data).await?;
        let log = open_log(&config, &data).await?;
        let beside = SqliteReplayed::nameless(&projections()).await?;
        let source = Arc::new(LogSource::new(log.store.clone()));
        let verification = Verification::new(projections(), source, &*live, &beside, now());
        let (bar, stop, started) = (Bar::new(), stop_on_signal()?, Instant::now());
        let line = if self.json { as_json } else { as_line };
        let mut tell = |difference| bar.aside(|| say(&line(&difference)));
        let verified = verification.run(&|progress| bar.show(progress), &stop, &mut tell).await;
        drop(bar);
        log.closing.close().await;
        let verified = verified.context("the read tables were not verified")?;
        say(&self.summary(verified, started.elapsed().as_secs_f64()));
        Ok(if verified.differ == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn summary(&self, verified: Verified, seconds: f64) -> String {
        let Verified { position, rows, differ } = verified;
        if self.json {
            return json!({ "position": position, "rows": rows, "differ": differ, "seconds": seconds }).to_string();
        }
        let found = match differ {
            0 => "none differs".to_owned(),
            differ => format!("{differ} differ: cairn projection rebuild --all makes them right"),
        };
        format!("Verified {rows} rows up to position {position} in {seconds:.2} s; {found}.")
    }
}

fn as_line(difference: &Difference) -> String {
    let Difference { table, key, live, rebuilt, .. } = difference;
    let which = match (live, rebuilt) {
        (Some(_), None) => "  only in the live tables",
        (None, Some(_)) => "  missing in the live tables",
        _ => "",
    };
    let cells = difference.cells().map(|(column, live, rebuilt)| match (live, rebuilt) {
        (Some(live), Some(rebuilt)) => format!("  {column}: live {}, rebuilt {}", shown(live), shown(rebuilt)),
        (one, other) => format!("  {column}: {}", one.or(other).map_or_else(String::new, shown)),
    });
    format!("{table} {key}{which}{}", cells.collect::<String>())
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => format!("{text:?}"),
    }
}

fn as_json(difference: &Difference) -> String {
    let Difference { table, key, columns, live, rebuilt } = difference;
    let row = |values: &Option<Vec<Value>>| {
        let values = values.as_ref()?;
        let cells = columns.iter().zip(values).map(|(column, value)| ((*column).to_owned(), plain(value)));
        Some(cells.collect::<Map<_, _>>())
    };
    let differ: Vec<&str> = difference.cells().map(|(column, ..)| column).collect();
    json!({ "table": table, "key": key, "differ": differ, "live": row(live), "rebuilt": row(rebuilt) }).to_string()
}

fn plain(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Integer(number) => json!(number),
        Value::Text(text) => json!(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &'static str, size: i64) -> Vec<Value> {
        vec![name.into(), Value::Integer(size)]
    }

    fn difference(live: Option<Vec<Value>>, rebuilt: Option<Vec<Value>>) -> Difference {
        Difference { table: "tbl_x", key: "k".to_owned(), columns: vec!["name", "size"], live, rebuilt }
    }

    #[test]
    fn a_row_that_differs_is_said_with_the_columns_that_do() {
        assert_eq!(as_line(&difference(Some(row("a", 1)), Some(row("a", 2)))), "tbl_x k  size: live 1, rebuilt 2");
        assert_eq!(as_line(&difference(Some(row("a", 1)), None)), "tbl_x k  only in the live tables  name: \"a\"  size: 1");
        let missing = difference(None, Some(vec![Value::Null, Value::Integer(1)]));
        assert_eq!(as_line(&missing), "tbl_x k  missing in the live tables  name: nothing  size: 1");
    }

    #[test]
    fn a_program_is_told_both_rows_whole() {
        let told = as_json(&difference(Some(row("a", 1)), Some(row("b", 1))));
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        let expected = json!({
            "table": "tbl_x", "key": "k", "differ": ["name"],
            "live": { "name": "a", "size": 1 }, "rebuilt": { "name": "b", "size": 1 },
        });
        assert_eq!(told, expected);
    }
}
