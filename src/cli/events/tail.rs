use std::collections::VecDeque;
use std::process::ExitCode;
use std::time::Duration;

use cairn_commands::chosen::Wanted;
use cairn_commands::ports::event_store::EventStore;
use cairn_domain::{Position, StoredEvent};
use clap::Args;
use tokio::sync::watch;

use super::wanted::Filter;
use super::{PAGE, Place, open, print};
use crate::cli::is_heard;
use crate::wiring::OpenLog;

#[derive(Debug, Args)]
pub(in crate::cli) struct Tail {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    filter: Filter,
    /// How many of the last events.
    #[arg(long, short = 'n', default_value_t = 10)]
    lines: u64,
    /// Wait for more, and print what is appended, until ctrl-C. Without it, the last events are all.
    #[arg(long, short)]
    follow: bool,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// How often the log is asked for more, beside its own hints.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is printed of one log.
struct Tailing<'a> {
    log: &'a dyn EventStore,
    wanted: Wanted,
    json: bool,
}

impl Tail {
    pub(super) async fn print(self) -> anyhow::Result<ExitCode> {
        let OpenLog { store: log, closing, .. } = open(&self.place).await?;
        let tailing = Tailing { log: &*log, wanted: self.filter.over(&log).await?, json: self.json };
        let mut growth = log.growth();
        let after = tailing.print_last(self.lines).await?;
        if self.follow {
            tokio::select! {
                followed = tailing.follow(&mut growth, after) => followed?,
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        closing.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

impl Tailing<'_> {
    async fn follow(&self, growth: &mut watch::Receiver<Position>, mut after: Position) -> anyhow::Result<()> {
        while is_heard() {
            let page = self.log.read_all(after, PAGE).await?;
            page.iter().filter(|event| self.wanted.has(event)).for_each(|event| print(event, self.json));
            match page.last() {
                Some(last) => after = last.position,
                None => {
                    // The hint may be missed when another process appends, so it is not waited for alone.
                    let _ = tokio::time::timeout(LOOK_EVERY, growth.changed()).await;
                }
            }
        }
        Ok(())
    }

    /// Goes backwards in ever larger steps until enough events are found; returns where the log ended.
    async fn print_last(&self, lines: u64) -> anyhow::Result<Position> {
        let head = self.log.head().await?;
        let wanted = usize::try_from(lines).unwrap_or(usize::MAX);
        let mut step = lines.max(16);
        loop {
            let from = head.0.saturating_sub(step);
            let found = self.last_between(Position(from), head, wanted).await?;
            if found.len() >= wanted || from == 0 {
                for event in &found {
                    print(event, self.json);
                }
                return Ok(head);
            }
            step = step.saturating_mul(8);
        }
    }

    /// The last so many of them, which is all that is kept.
    async fn last_between(&self, mut after: Position, until: Position, count: usize) -> anyhow::Result<VecDeque<StoredEvent>> {
        let mut found = VecDeque::new();
        while after < until {
            let page = self.log.read_all(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.position;
            found.extend(page.into_iter().filter(|event| event.position <= until && self.wanted.has(event)));
            found.drain(..found.len().saturating_sub(count));
        }
        Ok(found)
    }
}
