use std::sync::Arc;

use anyhow::{Context, bail};
use cairn_commands::Journal;
use cairn_commands::account::{AccountError, find_account};
use cairn_commands::ports::event_store::EventStore;
use cairn_domain::event::CATALOGUE;
use cairn_domain::{AccountId, StoredEvent, Username};
use cairn_infra::clock::SystemClock;
use cairn_infra::ids::RandomIds;
use clap::Args;

use crate::cli::note;

/// Which events are meant, as the command line says it.
#[derive(Debug, Args)]
pub(super) struct Filter {
    /// Only events of this category, as username, account, upload, blob, file or share.
    #[arg(long)]
    category: Option<String>,
    /// Only events of this stream.
    #[arg(long)]
    stream: Option<String>,
    /// Only events of this type; may be given more than once.
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Only what this person asked for: a user name or the id of an account; "system" for what nobody did.
    #[arg(long, value_name = "NAME|ID")]
    actor: Option<String>,
}

/// The same, as the log knows it.
pub(super) struct Wanted {
    filter: Filter,
    /// Whose events; the inner none is the system itself.
    actor: Option<Option<AccountId>>,
}

/// What `--actor` calls the drive itself. A person of that name is meant by their id.
const SYSTEM: &str = "system";

impl Filter {
    /// Looks up who is meant. A type that this program does not know may be of a newer one, or misspelt: that is said.
    pub(super) async fn over(self, log: &Arc<dyn EventStore>) -> anyhow::Result<Wanted> {
        let unknown = |what: &str, name: &str| {
            note(&format!("cairn: this program knows no {what} {name}; `cairn events stats` shows those that are there"));
        };
        let is_known = |name: &str| CATALOGUE.iter().any(|(category, event, _)| [*category, *event].contains(&name));
        self.types.iter().filter(|name| !is_known(name)).for_each(|name| unknown("type", name));
        self.category.iter().filter(|name| !is_known(name)).for_each(|name| unknown("category", name));
        let actor = match &self.actor {
            None => None,
            Some(system) if system == SYSTEM => Some(None),
            Some(person) => Some(Some(account(log, person).await?)),
        };
        Ok(Wanted { filter: self, actor })
    }
}

async fn account(log: &Arc<dyn EventStore>, person: &str) -> anyhow::Result<AccountId> {
    if let Ok(id) = person.parse() {
        return Ok(id);
    }
    let name: Username = person.parse().with_context(|| format!("{person:?} is neither a user name nor the id of an account"))?;
    let journal = Journal::new(log.clone(), Arc::new(SystemClock), Arc::new(RandomIds));
    match find_account(&journal, &name).await {
        Ok(account) => Ok(account),
        Err(AccountError::Absent) => bail!("nobody is called {person:?} here"),
        Err(AccountError::Trouble(trouble)) => Err(trouble.into()),
    }
}

impl Wanted {
    pub(super) fn has(&self, event: &StoredEvent) -> bool {
        let Filter { category, stream, types, .. } = &self.filter;
        category.as_deref().is_none_or(|category| event.stream.category() == category)
            && stream.as_deref().is_none_or(|stream| event.stream.as_str() == stream)
            && (types.is_empty() || types.contains(&event.name))
            && self.actor.is_none_or(|actor| event.metadata.actor == actor)
    }
}
