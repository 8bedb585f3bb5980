use std::collections::HashSet;
use std::process::ExitCode;

use anyhow::bail;
use cairn_commands::ports::event_store::EventStore;
use cairn_domain::{EventId, Position, StoredEvent, StreamName, Version};
use clap::Args;
use serde_json::json;

use super::chain::{Chain, gather};
use super::{PAGE, Place, as_json, as_line, data, open, rfc3339, say};
use crate::wiring::OpenLog;

#[derive(Debug, Args)]
pub(in crate::cli) struct Show {
    /// An event by its position or id, or a stream by its name.
    #[arg(value_name = "POSITION|ID|STREAM")]
    what: String,
    #[command(flatten)]
    place: Place,
    /// One JSON object a line: the events as `list` prints them, with `depth` in the tree of causes and whether they were `asked` for.
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) async fn print(self) -> anyhow::Result<ExitCode> {
        let OpenLog { store: log, closing, .. } = open(&self.place).await?;
        let asked = find(&*log, &self.what).await?;
        let ids: HashSet<EventId> = asked.iter().map(|event| event.id).collect();
        if let ([event], false) = (&*asked, self.json) {
            say(&whole(event));
            say("\nwhat led to it, and what followed:");
        }
        let chain = Chain::of(&*log, asked).await?;
        closing.close().await;
        for (depth, event) in chain.in_order() {
            say(&self.line(depth, event, ids.contains(&event.id)));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn line(&self, depth: usize, event: &StoredEvent, asked: bool) -> String {
        if !self.json {
            return format!("{} {}{}", if asked { '*' } else { ' ' }, "   ".repeat(depth), as_line(event));
        }
        let mut line = as_json(event);
        line["depth"] = json!(depth);
        line["asked"] = json!(asked);
        line.to_string()
    }
}

/// Every field of an event, one a line.
fn whole(event: &StoredEvent) -> String {
    let StoredEvent { id, stream, version, position, name, schema, metadata, .. } = event;
    let mut lines = vec![
        ("position", position.to_string()),
        ("id", id.to_string()),
        ("type", format!("{name}, schema {schema}")),
        ("stream", format!("{stream}, version {}", version.0)),
        ("time", rfc3339(event.time)),
        ("actor", metadata.actor.map_or_else(|| "the system".to_owned(), |actor| actor.to_string())),
    ];
    lines.extend(metadata.client.clone().map(|client| ("client", client)));
    lines.extend(metadata.correlation.clone().map(|correlation| ("request", correlation)));
    lines.extend(metadata.causation.map(|cause| ("cause", cause.to_string())));
    lines.push(("data", format!("{:#}", data(event))));
    let lines: Vec<String> = lines.into_iter().map(|(field, value)| format!("{field:<10}{value}")).collect();
    lines.join("\n")
}

async fn find(log: &dyn EventStore, what: &str) -> anyhow::Result<Vec<StoredEvent>> {
    if let Ok(position) = what.parse::<u64>() {
        let page = log.read_all(Position(position.saturating_sub(1)), 1).await?;
        let found: Vec<_> = page.into_iter().filter(|event| event.position.0 == position).collect();
        if found.is_empty() {
            bail!("there is no event at {position}");
        }
        return Ok(found);
    }
    if let Ok(id) = what.parse::<EventId>() {
        return by_id(log, id).await;
    }
    let Ok(stream) = StreamName::try_from(what.to_owned()) else {
        bail!("{what:?} is neither a position, nor the id of an event, nor a stream as file-0b7d3c52-8f7e-4a55-9f0e-2f8f6c1d9a10")
    };
    let events = of_stream(log, &stream).await?;
    if events.is_empty() {
        bail!("there is no stream {stream}");
    }
    Ok(events)
}

/// Logs keep no way to an event by its id, so it is looked for.
async fn by_id(log: &dyn EventStore, id: EventId) -> anyhow::Result<Vec<StoredEvent>> {
    let found = gather(log, Position::START, |event| event.id == id).await?;
    if found.is_empty() {
        bail!("there is no event {id}");
    }
    Ok(found)
}

async fn of_stream(log: &dyn EventStore, stream: &StreamName) -> anyhow::Result<Vec<StoredEvent>> {
    let (mut events, mut next) = (Vec::new(), Version(0));
    loop {
        let page = log.read_stream(stream, next, PAGE).await?;
        let Some(last) = page.last() else { return Ok(events) };
        next = last.version.next();
        events.extend(page);
    }
}
