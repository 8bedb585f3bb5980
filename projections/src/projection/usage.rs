//! How much everybody's entries occupy. What is in the trash counts; what is purged does not.

use cairn_domain::file::FileEvent;
use cairn_domain::{AccountId, Event};

use super::{Envelope, Projection, Unprojectable};
use crate::statement::{Statement, value::integer};
use crate::table::{Columns, Table};

table! {
    /// One row per account that ever had an entry.
    UsageRow = "tbl_usage" {
        /// Whose.
        AccountId = "account_id": Id,
        /// The sizes of all entries with their versions, in bytes; a content under two names counts twice.
        UsedBytes = "used_bytes": Integer,
        /// How many entries.
        Files = "files": Integer,
    }
    indexes {}
}

/// `tbl_usage`.
#[derive(Debug, Clone, Copy)]
pub struct Usage;

impl Projection for Usage {
    fn name(&self) -> &'static str {
        "usage"
    }

    fn version(&self) -> u32 {
        2
    }

    fn tables(&self) -> &'static [&'static Table] {
        &[UsageRow::TABLE]
    }

    fn events(&self) -> &'static [&'static str] {
        &["FileAdded", "FileVersionRemoved", "FilePurged"]
    }

    fn project(&self, event: &Event, _: Envelope<'_>) -> Result<Vec<Statement>, Unprojectable> {
        Ok(match event {
            Event::File(FileEvent::FileAdded(added)) => vec![grow(added.owner, integer(added.size)?, 1)],
            Event::File(FileEvent::FilePurged(purged)) => vec![grow(purged.owner, -integer(purged.size)?, -1)],
            // What another entry holds is freed when that goes.
            Event::File(FileEvent::FileVersionRemoved(removed)) if removed.held_by.is_none() => {
                vec![grow(removed.owner, -integer(removed.size)?, 0)]
            }
            _ => Vec::new(),
        })
    }
}

fn grow(owner: AccountId, bytes: i64, files: i64) -> Statement {
    Statement::add(owner.to_string(), [(UsageRow::UsedBytes, bytes), (UsageRow::Files, files)])
}
