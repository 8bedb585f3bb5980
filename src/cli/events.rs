//! `cairn events`: the log, as it is.

mod audit;
mod chain;
mod export;
mod import;
mod list;
mod range;
mod show;
mod stats;
mod tail;
mod wanted;

use std::process::ExitCode;

use cairn_domain::StoredEvent;
use clap::Subcommand;
use serde_json::{Value, json};

use super::{Place, block_on, rfc3339, say};
use crate::data::DataDirectory;
use crate::wiring::{OpenLog, open_log};

#[derive(Debug, Subcommand)]
pub(super) enum Events {
    /// Print events, oldest first.
    #[command(after_help = "\
Examples:
  cairn events list --limit 20
  cairn events list --category file --json | head
  cairn events list --actor alice --from 2026-11-01 --until 2026-11-30T12:00:00Z
  cairn events list --type FileAdded --type FilePurged --from 1000")]
    List(list::List),
    /// Print one event whole, or a stream, and what led to it and followed from it.
    #[command(after_help = "\
Examples:
  cairn events show 42
  cairn events show 6f1f2d9a-5f0e-5c9b-9d6b-0a4f3c1e7b11
  cairn events show file-0b7d3c52-8f7e-4a55-9f0e-2f8f6c1d9a10 --json")]
    Show(show::Show),
    /// Count what is on the log.
    #[command(after_help = "Examples:\n  cairn events stats\n  cairn events stats --from 2026-11-01 --json")]
    Stats(stats::Stats),
    /// Write the whole log as lines of JSON that can be checked.
    #[command(after_help = "\
Examples:
  cairn events export drive.ndjson.zst
  cairn events export drive.ndjson.zst --resume    go on where it was cut off, or with what has been appended since
  cairn events export - | jq 'select(.type == \"FileAdded\").data.name'

Each line carries a chain, the SHA-256 of that of the line before and of its own text; the last line is the manifest.")]
    Export(export::Export),
    /// Look whether the log, and every content of which it speaks, is what it should be.
    #[command(after_help = "\
Examples:
  cairn events audit
  cairn events audit --deep --json
  cairn events audit --no-blobs --expect 123456:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef

The drive may be running. The exit code is 0 when all is well, 3 when something is not, 1 when it could not be found out, and 2
when the log can't be opened or the command line is wrong.")]
    Audit(audit::Audit),
    /// Put an exported log into an empty one, of any kind.
    #[command(after_help = "\
Examples:
  cairn events import drive.ndjson.zst --data /srv/cairn
  cairn events export - | CAIRN_LOG__URL=mysql://user:password@host/drive cairn events import -

The same import may be run again after it was interrupted: it goes on. Nothing is imported of an export that is not whole; but what comes through a
pipe into a log on a server is there as it comes. The contents of files are not in it.")]
    Import(import::Import),
    /// Print the last events, and with --follow new ones as they come.
    #[command(
        after_help = "Examples:\n  cairn events tail\n  cairn events tail -f --category file\n  cairn events tail -n 100 --json"
    )]
    Tail(tail::Tail),
}

/// Events that one read asks for.
const PAGE: usize = 1_000;

impl Events {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => block_on(list.print()),
            Self::Show(show) => block_on(show.print()),
            Self::Stats(stats) => block_on(stats.print()),
            Self::Audit(audit) => block_on(audit.print()),
            Self::Export(export) => block_on(export.write()),
            Self::Import(import) => block_on(import.read()),
            Self::Tail(tail) => block_on(tail.print()),
        }
    }
}

async fn open(place: &Place) -> anyhow::Result<OpenLog> {
    let config = place.visit()?;
    open_log(&config, &DataDirectory::of(&config)?).await
}

fn print(event: &StoredEvent, json: bool) {
    say(&if json { as_json(event).to_string() } else { as_line(event) });
}

pub(super) fn as_line(event: &StoredEvent) -> String {
    let StoredEvent { position, stream, version, name, data, .. } = event;
    format!("{position:>8}  {}  {name:<18} {stream}@{}  {data}", rfc3339(event.time), version.0)
}

pub(super) fn as_json(event: &StoredEvent) -> Value {
    json!({
        "position": event.position, "id": event.id, "stream": event.stream, "version": event.version, "type": event.name,
        "schema": event.schema, "time": rfc3339(event.time), "metadata": event.metadata, "data": data(event),
    })
}

fn data(event: &StoredEvent) -> Value {
    serde_json::from_str(&event.data).unwrap_or_else(|_| json!(event.data))
}
