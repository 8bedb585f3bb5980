use std::collections::BTreeMap;
use std::process::ExitCode;

use cairn_domain::{Position, StoredEvent, Timestamp};
use clap::Args;
use serde_json::json;

use super::range::Range;
use super::wanted::Filter;
use super::{Place, open, rfc3339, say};
use crate::wiring::OpenLog;

#[derive(Debug, Args)]
pub(in crate::cli) struct Stats {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    range: Range,
    /// One JSON object a line: each type, and then all together.
    #[arg(long)]
    json: bool,
}

/// Of some events.
#[derive(Debug, Default)]
struct Count {
    events: u64,
    /// Streams that begin with one of them.
    streams: u64,
    /// Bytes of their data.
    bytes: u64,
    first: Option<(Position, Timestamp)>,
    last: Option<(Position, Timestamp)>,
}

impl Count {
    fn add(&mut self, event: &StoredEvent) {
        let here = Some((event.position, event.time));
        self.events += 1;
        self.streams += u64::from(event.version.0 == 0);
        self.bytes += event.data.len() as u64;
        self.first = self.first.or(here);
        self.last = here;
    }

    fn as_json(&self) -> serde_json::Value {
        let moment =
            |at: Option<(Position, Timestamp)>| at.map(|(position, time)| json!({ "position": position, "time": rfc3339(time) }));
        json!({
            "events": self.events, "streams": self.streams, "data_bytes": self.bytes,
            "first": moment(self.first), "last": moment(self.last),
        })
    }

    fn as_line(&self, category: &str, name: &str) -> String {
        let time = |at: Option<(Position, Timestamp)>| at.map_or_else(String::new, |(_, time)| rfc3339(time));
        let Self { events, streams, bytes, first, last } = self;
        format!("{category:<10} {name:<22} {events:>10} {streams:>10} {bytes:>14}  {:<27}  {}", time(*first), time(*last))
    }
}

impl Stats {
    pub(super) async fn print(self) -> anyhow::Result<ExitCode> {
        let Self { place, filter, range, json } = self;
        let OpenLog { store: log, closing, .. } = open(&place).await?;
        let wanted = filter.over(&log).await?;
        let mut types: BTreeMap<(String, String), Count> = BTreeMap::new();
        let mut all = Count::default();
        let count = |event: &StoredEvent| {
            all.add(event);
            types.entry((event.stream.category().to_owned(), event.name.clone())).or_default().add(event);
            true
        };
        range.each(&*log, &wanted, Position::START, count).await?;
        closing.close().await;
        if json {
            print_json(&types, &all);
        } else {
            print_table(&types, &all);
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print_json(types: &BTreeMap<(String, String), Count>, all: &Count) {
    for ((category, name), count) in types {
        let mut line = count.as_json();
        line["category"] = json!(category);
        line["type"] = json!(name);
        say(&line.to_string());
    }
    say(&all.as_json().to_string());
}

fn print_table(types: &BTreeMap<(String, String), Count>, all: &Count) {
    say("category   type                       events    streams     data bytes  first                        last");
    for ((category, name), count) in types {
        say(&count.as_line(category, name));
    }
    say(&all.as_line("all", ""));
}
