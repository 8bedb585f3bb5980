//! `cairn transfer`: contents on their way between stores.

mod migrate;
mod show;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use cairn_commands::ports::ids::Ids;
use cairn_commands::transfer::{TransferError, abandon, retry};
use cairn_commands::{Journal, Loaded, Request};
use cairn_domain::transfer::{Phase, Transfer as Folded};
use cairn_domain::{StreamName, TransferId};
use cairn_infra::clock::SystemClock;
use cairn_infra::ids::RandomIds;
use cairn_projections::queries::transfers::{TransferFilter, TransferRecord, state_text, transfers};
use cairn_projections::queries::{PAGE_MAX, PageOf};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::{Place, block_on, is_heard, rfc3339, say};
use crate::data::DataDirectory;
use crate::wiring::{OpenLog, glance_at_views, open_log};

#[derive(Debug, Subcommand)]
pub(super) enum Transfer {
    /// Print transfers, newest first.
    #[command(after_help = "Examples:\n  cairn transfer list --state stalled\n  cairn transfer list --store oss --json")]
    List(List),
    /// Tell the whole story of a content, from its upload to where it lies now.
    #[command(
        after_help = "Examples:\n  cairn transfer show 5b0f...   by the id of a transfer\n  cairn transfer show ba7816... by the SHA-256 of the content"
    )]
    Show(show::Show),
    /// Try a transfer again that has stalled.
    #[command(after_help = "Examples:\n  cairn transfer retry 5b0f...\n  cairn transfer retry --all --json")]
    Retry(Retry),
    /// Give a transfer up: the content stays where it is.
    #[command(after_help = "Example:\n  cairn transfer abandon 5b0f... --reason 'the store is gone'")]
    Abandon(Abandon),
    /// Move what is in one store to another.
    #[command(after_help = migrate::HELP)]
    Migrate(migrate::Migrate),
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    place: Place,
    /// Only those in this state.
    #[arg(long, value_enum)]
    state: Option<State>,
    /// Only those from or to this store.
    #[arg(long)]
    store: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = u64::MAX, hide_default_value = true)]
    limit: u64,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum State {
    Requested,
    Queued,
    Started,
    Stalled,
    Completed,
    Abandoned,
}

impl From<State> for Phase {
    fn from(state: State) -> Self {
        match state {
            State::Requested => Self::Requested,
            State::Queued => Self::Queued,
            State::Started => Self::Started,
            State::Stalled => Self::Stalled,
            State::Completed => Self::Completed,
            State::Abandoned => Self::Abandoned,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct Retry {
    /// The transfer's id.
    #[arg(required_unless_present = "all")]
    id: Option<TransferId>,
    /// Every transfer that has stalled.
    #[arg(long, conflicts_with = "id")]
    all: bool,
    #[command(flatten)]
    place: Place,
    /// One JSON object a line, for each that is tried again.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Abandon {
    /// The transfer's id.
    id: TransferId,
    /// Why, for whoever reads the log.
    #[arg(long, default_value = "an operator gave it up")]
    reason: String,
    #[command(flatten)]
    place: Place,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

impl Transfer {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => block_on(list.print()),
            Self::Show(show) => block_on(show.print()),
            Self::Retry(retry) => block_on(retry.apply()),
            Self::Abandon(abandon) => block_on(abandon.apply()),
            Self::Migrate(migrate) => block_on(migrate.run()),
        }
    }
}

impl List {
    async fn print(self) -> anyhow::Result<ExitCode> {
        let config = self.place.visit()?;
        let tables = glance_at_views(&config, &DataDirectory::of(&config)?).await?;
        let filter = TransferFilter { phase: self.state.map(Into::into), store: self.store };
        if !self.json {
            say(&format!("{:<36}  {:<9}  {:>12}  {:<20}  {:>8}  UPDATED", "ID", "STATE", "BYTES", "FROM -> TO", "FAILURES"));
        }
        let (mut left, mut after) = (self.limit, None);
        while left > 0 && is_heard() {
            let page = transfers(&*tables, &filter, PageOf { after, limit: left.min(PAGE_MAX) }).await;
            let page = page.context("the read tables can't be read")?;
            left -= page.items.len() as u64;
            page.items.iter().for_each(|transfer| say(&if self.json { as_json(transfer) } else { as_line(transfer) }));
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn as_line(transfer: &TransferRecord) -> String {
    let way = format!("{} -> {}", transfer.from, transfer.to);
    let reason = transfer.reason.as_deref().map_or_else(String::new, |reason| format!("  {reason}"));
    format!(
        "{}  {:<9}  {:>12}  {way:<20}  {:>8}  {}{reason}",
        transfer.id,
        state_text(transfer.phase),
        transfer.size,
        transfer.failures,
        rfc3339(transfer.updated_at)
    )
}

fn as_json(transfer: &TransferRecord) -> String {
    json!({
        "id": transfer.id, "sha256": transfer.sha256, "size": transfer.size, "from": transfer.from, "to": transfer.to,
        "state": state_text(transfer.phase), "failures": transfer.failures, "reason": transfer.reason, "worker": transfer.worker,
        "requested_at": rfc3339(transfer.requested_at), "updated_at": rfc3339(transfer.updated_at),
    })
    .to_string()
}

fn state_as_json(id: TransferId, phase: Phase) -> String {
    json!({ "id": id, "state": state_text(phase) }).to_string()
}

impl Retry {
    async fn apply(self) -> anyhow::Result<ExitCode> {
        let config = self.place.visit()?;
        let data = DataDirectory::of(&config)?;
        let stalled = match self.id {
            Some(id) => vec![id],
            None => stalled(&config, &data).await?,
        };
        let OpenLog { store: log, closing, .. } = open_log(&config, &data).await?;
        let journal = journal_on(log);
        let mut retried: Vec<(TransferId, Phase)> = Vec::new();
        for id in &stalled {
            // One that is under way goes on as it is.
            let rests = journal.load::<Folded>(&StreamName::transfer(*id)).await?.state.phase() == Phase::Stalled;
            match retry(&journal, &request(), *id).await {
                // The read tables were behind.
                Err(TransferError::Completed | TransferError::Abandoned) if self.all => {}
                done => {
                    let phase = explain(*id, done)?;
                    retried.extend(rests.then_some((*id, phase)));
                }
            }
        }
        closing.close().await;
        if self.json {
            for (id, phase) in &retried {
                say(&state_as_json(*id, *phase));
            }
            return Ok(ExitCode::SUCCESS);
        }
        say(&match (&retried[..], self.id) {
            ([], Some(id)) => format!("The transfer {id} is under way: there is nothing to retry."),
            ([], None) => "No transfer has stalled.".to_owned(),
            ([(id, _)], _) => format!("The transfer {id} is tried again."),
            (several, _) => format!("{} transfers are tried again.", several.len()),
        });
        Ok(ExitCode::SUCCESS)
    }
}

async fn stalled(config: &cairn_infra::config::Config, data: &DataDirectory) -> anyhow::Result<Vec<TransferId>> {
    let tables = glance_at_views(config, data).await?;
    let filter = TransferFilter { phase: Some(Phase::Stalled), store: None };
    let (mut stalled, mut after) = (Vec::new(), None);
    loop {
        let page =
            transfers(&*tables, &filter, PageOf { after, limit: PAGE_MAX }).await.context("the read tables can't be read")?;
        stalled.extend(page.items.into_iter().map(|transfer| transfer.id));
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(stalled),
        }
    }
}

impl Abandon {
    async fn apply(self) -> anyhow::Result<ExitCode> {
        let config = self.place.visit()?;
        let OpenLog { store: log, closing, .. } = open_log(&config, &DataDirectory::of(&config)?).await?;
        let abandoned = abandon(&journal_on(log), &request(), self.id, self.reason).await;
        closing.close().await;
        let phase = explain(self.id, abandoned)?;
        say(&if self.json { state_as_json(self.id, phase) } else { format!("The transfer {} is given up.", self.id) });
        Ok(ExitCode::SUCCESS)
    }
}

fn journal_on(log: Arc<dyn cairn_commands::ports::event_store::EventStore>) -> Journal {
    Journal::new(log, Arc::new(SystemClock), Arc::new(RandomIds))
}

fn request() -> Request {
    Request::of_system(RandomIds.command())
}

/// Where the transfer is now.
fn explain(id: TransferId, done: Result<Loaded<Folded>, TransferError>) -> anyhow::Result<Phase> {
    match done {
        Ok(transfer) => Ok(transfer.state.phase()),
        Err(TransferError::Absent) => bail!("there is no transfer {id}"),
        Err(TransferError::Completed) => bail!("the transfer {id} is done"),
        Err(TransferError::Abandoned) => bail!("the transfer {id} was given up"),
        Err(TransferError::Trouble(trouble)) => Err(trouble.into()),
    }
}
