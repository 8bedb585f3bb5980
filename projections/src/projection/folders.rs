//! Everybody's folders.

use cairn_domain::folder::{FolderCreated, FolderEvent};
use cairn_domain::{AccountId, Event, FileName, FolderId, Timestamp};

use super::{Envelope, Projection, Unprojectable};
use crate::statement::{Statement, Value};
use crate::table::{Columns, Table};

/// A folder in use, as `tbl_folder.status` says it.
pub const ACTIVE: &str = "active";
/// A folder in the trash, by itself or with one above it.
pub const TRASHED: &str = "trashed";
/// A folder that is gone for good. Its row stays for the entries that are still to follow it.
pub const PURGED: &str = "purged";

table! {
    /// One row per folder.
    FolderRow = "tbl_folder" {
        /// The folder.
        Id = "id": Id,
        /// Whose it is.
        Owner = "owner": Id,
        /// What it is called.
        Name = "name": Text(255),
        /// The folder that it stands in; null is the top.
        ParentId = "parent_id": MaybeId,
        /// Active, trashed or purged.
        Status = "status": Text(16),
        /// When it was made.
        CreatedAt = "created_at": Integer,
        /// When it last changed.
        UpdatedAt = "updated_at": Integer,
        /// Where in the log it was made: what "newest first" goes by, because it is unique.
        CreatedPosition = "created_position": Integer,
    }
    indexes {
        "ix_folder_owner": [Owner, Status, CreatedPosition],
        "ix_folder_parent": [Owner, Status, ParentId, CreatedPosition],
    }
}

/// `tbl_folder`.
#[derive(Debug, Clone, Copy)]
pub struct Folders;

impl Projection for Folders {
    fn name(&self) -> &'static str {
        "folders"
    }

    fn version(&self) -> u32 {
        1
    }

    fn tables(&self) -> &'static [&'static Table] {
        &[FolderRow::TABLE]
    }

    fn events(&self) -> &'static [&'static str] {
        &["FolderCreated", "FolderRenamed", "FolderMoved", "FolderTrashed", "FolderRestored", "FolderPurged"]
    }

    fn project(&self, event: &Event, envelope: Envelope<'_>) -> Result<Vec<Statement>, Unprojectable> {
        let Event::Folder(event) = event else { return Ok(Vec::new()) };
        Ok(match event {
            FolderEvent::FolderCreated(created) => vec![creation(created, envelope)?],
            FolderEvent::FolderRenamed(renamed) => vec![change(renamed.folder, renamed.at, FolderRow::Name, text(&renamed.name))],
            FolderEvent::FolderMoved(moved) => vec![change(moved.folder, moved.at, FolderRow::ParentId, moved.parent.into())],
            FolderEvent::FolderTrashed(trashed) => become_all(trashed.folder, &trashed.along, TRASHED, trashed.at),
            FolderEvent::FolderRestored(restored) => become_all(restored.folder, &restored.along, ACTIVE, restored.at),
            FolderEvent::FolderPurged(purged) => become_all(purged.folder, &purged.along, PURGED, purged.at),
        })
    }
}

fn creation(created: &FolderCreated, envelope: Envelope<'_>) -> Result<Statement, Unprojectable> {
    let owner: AccountId = envelope.stream.id().parse().map_err(|_| Unprojectable::Stream(envelope.id()))?;
    Ok(Statement::put(
        created.folder.to_string(),
        [
            (FolderRow::Owner, owner.into()),
            (FolderRow::Name, text(&created.name)),
            (FolderRow::ParentId, created.parent.into()),
            (FolderRow::Status, ACTIVE.into()),
            (FolderRow::CreatedAt, created.at.into()),
            (FolderRow::UpdatedAt, created.at.into()),
            (FolderRow::CreatedPosition, envelope.position.try_into()?),
        ],
    ))
}

fn change(folder: FolderId, at: Timestamp, column: FolderRow, value: Value) -> Statement {
    Statement::set(folder.to_string(), [(column, value), (FolderRow::UpdatedAt, at.into())])
}

/// The folder changes, and those that go along become what it becomes.
fn become_all(folder: FolderId, along: &[FolderId], status: &'static str, at: Timestamp) -> Vec<Statement> {
    let follow = |folder: &FolderId| Statement::set(folder.to_string(), [(FolderRow::Status, status.into())]);
    let mut statements = vec![change(folder, at, FolderRow::Status, status.into())];
    statements.extend(along.iter().map(follow));
    statements
}

fn text(name: &FileName) -> Value {
    name.to_string().into()
}
