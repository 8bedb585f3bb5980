//! `cairn events`: the log, as it is.

use std::process::ExitCode;
use std::time::Duration;

use cairn_commands::ports::event_store::EventStore;
use cairn_domain::{Position, StoredEvent};
use clap::{Args, Subcommand};
use serde_json::json;
use tokio::sync::watch;

use super::{Place, block_on, rfc3339, say};
use crate::data::DataDirectory;
use crate::wiring::{OpenLog, open_log};

#[derive(Debug, Subcommand)]
pub(super) enum Events {
    /// Print events, oldest first.
    #[command(after_help = "Examples:\n  cairn events list --limit 20\n  cairn events list --category file --json | head")]
    List(List),
    /// Print the last events, and new ones as they come.
    #[command(after_help = "Examples:\n  cairn events tail\n  cairn events tail --lines 100 --no-follow")]
    Tail(Tail),
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    shape: Shape,
    /// Only events after this position.
    #[arg(long, default_value_t = 0)]
    after: u64,
    /// At most this many events.
    #[arg(long, default_value_t = u64::MAX, hide_default_value = true)]
    limit: u64,
}

#[derive(Debug, Args)]
pub(super) struct Tail {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    shape: Shape,
    /// How many of the last events to begin with.
    #[arg(long, short = 'n', default_value_t = 10)]
    lines: u64,
    /// End after the last event instead of waiting for more.
    #[arg(long)]
    no_follow: bool,
}

#[derive(Debug, Args)]
struct Shape {
    /// Only events of this category: username, account, upload, blob, file or transfer.
    #[arg(long)]
    category: Option<String>,
    /// Only events of this stream.
    #[arg(long)]
    stream: Option<String>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Events that one read asks for.
const PAGE: usize = 1_000;
/// How often the log is asked for more, beside its own hints.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Events {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => block_on(list.print()),
            Self::Tail(tail) => block_on(tail.print()),
        }
    }
}

impl List {
    async fn print(self) -> anyhow::Result<ExitCode> {
        let OpenLog { store: log, closing, .. } = open(&self.place).await?;
        let (mut after, mut left) = (Position(self.after), self.limit);
        while left > 0 {
            let page = log.read_all(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.position;
            for event in page.iter().filter(|event| self.shape.wants(event)).take(usize::try_from(left).unwrap_or(usize::MAX)) {
                self.shape.print(event);
                left -= 1;
            }
        }
        closing.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

impl Tail {
    async fn print(self) -> anyhow::Result<ExitCode> {
        let OpenLog { store: log, closing, .. } = open(&self.place).await?;
        let mut growth = log.growth();
        let after = self.print_last(&*log).await?;
        if !self.no_follow {
            tokio::select! {
                followed = self.follow(&*log, &mut growth, after) => followed?,
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        closing.close().await;
        Ok(ExitCode::SUCCESS)
    }

    async fn follow(
        &self,
        log: &dyn EventStore,
        growth: &mut watch::Receiver<Position>,
        mut after: Position,
    ) -> anyhow::Result<()> {
        loop {
            let page = log.read_all(after, PAGE).await?;
            page.iter().filter(|event| self.shape.wants(event)).for_each(|event| self.shape.print(event));
            match page.last() {
                Some(last) => after = last.position,
                None => {
                    // The hint may be missed when another process appends, so it is not waited for alone.
                    let _ = tokio::time::timeout(LOOK_EVERY, growth.changed()).await;
                }
            }
        }
    }

    /// Goes backwards in ever larger steps until enough events are found; returns where the log ended.
    async fn print_last(&self, log: &dyn EventStore) -> anyhow::Result<Position> {
        let head = log.head().await?;
        let wanted = usize::try_from(self.lines).unwrap_or(usize::MAX);
        let mut step = self.lines.max(16);
        loop {
            let from = head.0.saturating_sub(step);
            let mut found = read_between(log, Position(from), head).await?;
            found.retain(|event| self.shape.wants(event));
            if found.len() >= wanted || from == 0 {
                let skipped = found.len().saturating_sub(wanted);
                found.iter().skip(skipped).for_each(|event| self.shape.print(event));
                return Ok(head);
            }
            step = step.saturating_mul(8);
        }
    }
}

async fn read_between(log: &dyn EventStore, mut after: Position, until: Position) -> anyhow::Result<Vec<StoredEvent>> {
    let mut all = Vec::new();
    while after < until {
        let page = log.read_all(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.position;
        all.extend(page.into_iter().filter(|event| event.position <= until));
    }
    Ok(all)
}

async fn open(place: &Place) -> anyhow::Result<OpenLog> {
    let config = place.visit()?;
    open_log(&config, &DataDirectory::of(&config)?).await
}

impl Shape {
    fn wants(&self, event: &StoredEvent) -> bool {
        self.category.as_deref().is_none_or(|category| event.stream.category() == category)
            && self.stream.as_deref().is_none_or(|stream| event.stream.as_str() == stream)
    }

    fn print(&self, event: &StoredEvent) {
        say(&if self.json { as_json(event) } else { as_line(event) });
    }
}

pub(super) fn as_line(event: &StoredEvent) -> String {
    let StoredEvent { position, stream, version, name, data, .. } = event;
    format!("{position:>8}  {}  {name:<18} {stream}@{}  {data}", rfc3339(event.time), version.0)
}

pub(super) fn as_json(event: &StoredEvent) -> String {
    let data: serde_json::Value = serde_json::from_str(&event.data).unwrap_or_else(|_| json!(event.data));
    json!({
        "position": event.position, "id": event.id, "stream": event.stream, "version": event.version, "type": event.name,
        "schema": event.schema, "time": rfc3339(event.time), "metadata": event.metadata, "data": data,
    })
    .to_string()
}
