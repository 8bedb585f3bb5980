use std::sync::Arc;

use anyhow::bail;
use cairn_commands::Journal;
use cairn_commands::account::AccountError;
use cairn_commands::chosen::{Actor, Wanted};
use cairn_commands::ports::event_store::EventStore;
use cairn_domain::StreamName;
use cairn_domain::event::CATALOGUE;
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
    #[arg(long, value_parser = |text: &str| StreamName::try_from(text.to_owned()))]
    stream: Option<StreamName>,
    /// Only events of this type; may be given more than once.
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Only what this person asked for: a user name or the id of an account; "system" for what nobody did.
    #[arg(long, value_name = "NAME|ID")]
    actor: Option<Actor>,
}

impl Filter {
    /// Looks up who is meant. A type that this program does not know may be of a newer one, or misspelt: that is said.
    pub(super) async fn over(self, log: &Arc<dyn EventStore>) -> anyhow::Result<Wanted> {
        let Self { category, stream, types, actor } = self;
        let unknown = |what: &str, name: &str| {
            note(&format!("cairn: this program knows no {what} {name}; `cairn events stats` shows those that are there"));
        };
        let is_category = |name: &str| CATALOGUE.iter().any(|(category, _, _)| *category == name);
        let is_type = |name: &str| CATALOGUE.iter().any(|(_, event, _)| *event == name);
        types.iter().filter(|name| !is_type(name)).for_each(|name| unknown("type", name));
        category.iter().filter(|name| !is_category(name)).for_each(|name| unknown("category", name));
        let journal = Journal::new(log.clone(), Arc::new(SystemClock), Arc::new(RandomIds));
        let actor = match actor {
            None => None,
            Some(actor) => match actor.find(&journal).await {
                Ok(account) => Some(account),
                Err(AccountError::Absent) => {
                    bail!("nobody here is {actor}: --actor takes a user name, the id of an account, or system")
                }
                Err(AccountError::Trouble(trouble)) => return Err(trouble.into()),
            },
        };
        Ok(Wanted { category, stream, types, actor })
    }
}
