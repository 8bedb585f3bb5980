//! `cairn user`: the first operator has nobody to ask.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use cairn_commands::account::{AccountError, find_account, grant_role};
use cairn_commands::ports::ids::Ids;
use cairn_commands::{Journal, Request};
use cairn_domain::Username;
use cairn_domain::account::Role;
use cairn_infra::clock::SystemClock;
use cairn_infra::ids::RandomIds;
use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::{Place, block_on, say};
use crate::data::DataDirectory;
use crate::wiring::{OpenLog, open_log};

#[derive(Debug, Subcommand)]
pub(super) enum User {
    /// Let somebody do more.
    #[command(after_help = "Example:\n  cairn user grant alice admin")]
    Grant(Change),
    /// Let somebody do less again.
    #[command(after_help = "Example:\n  cairn user revoke alice admin\n\nIt acts at once: grant takes it back.")]
    Revoke(Change),
}

#[derive(Debug, clap::Args)]
pub(super) struct Change {
    /// The user name.
    name: String,
    /// What they may be.
    #[arg(value_enum)]
    role: RoleName,
    #[command(flatten)]
    place: Place,
    /// One JSON object instead of words.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RoleName {
    Admin,
}

impl User {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let (change, granted) = match self {
            Self::Grant(change) => (change, true),
            Self::Revoke(change) => (change, false),
        };
        block_on(change.apply(granted))
    }
}

impl Change {
    /// Appends the event; a drive that runs notices within a second.
    async fn apply(self, granted: bool) -> anyhow::Result<ExitCode> {
        let config = self.place.visit()?;
        let data = DataDirectory::of(&config)?;
        let name: Username = self.name.parse().with_context(|| format!("{:?} is not a user name", self.name))?;
        let OpenLog { store: log, closing, .. } = open_log(&config, &data).await?;
        let journal = Journal::new(log, Arc::new(SystemClock), Arc::new(RandomIds));
        let RoleName::Admin = self.role;
        let request = Request::of_system(RandomIds.command());
        let changed = match find_account(&journal, &name).await {
            Ok(account) => grant_role(&journal, &request, account, Role::Admin, granted).await,
            Err(error) => Err(error),
        };
        closing.close().await;
        match changed {
            Ok(_) if self.json => say(&json!({ "name": name, "role": "admin", "granted": granted }).to_string()),
            Ok(_) if granted => say(&format!("{name} is an admin now.")),
            Ok(_) => say(&format!("{name} is no admin any more.")),
            Err(AccountError::Absent) => bail!("nobody is called {name:?} here", name = name.as_str()),
            Err(AccountError::Trouble(trouble)) => return Err(trouble.into()),
        }
        Ok(ExitCode::SUCCESS)
    }
}
