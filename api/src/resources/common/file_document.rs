use cairn_commands::file::stored_in;
use cairn_commands::folder::is_in_use;
use cairn_commands::upload::Stored;
use cairn_commands::{Drive, Loaded};
use cairn_domain::FileId;
use cairn_domain::file::{self, Entry};
use cairn_projections::queries::files::{EntryStatus, FileRecord};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::http::problem::{Problem, common};
use crate::resources::time::Time;

/// An entry of somebody's drive: a name, a place and a content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[oai(rename = "File", example)]
pub(in crate::resources) struct FileDocument {
    /// The entry. The same content may stand under many.
    pub id: Uuid,
    /// What it is called. A name may repeat.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// The content's SHA-256, in lower-case hex.
    #[oai(validator(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: String,
    /// The content's SHA-1, in lower-case hex, for clients of older protocols.
    #[oai(validator(pattern = "^[0-9a-f]{40}$"))]
    pub sha1: String,
    /// A media type, as its sender declared it or as the name suggests.
    pub content_type: String,
    /// The folder that it stands in; null is the top.
    pub folder_id: Option<Uuid>,
    /// How often it has changed, from 1: what `If-Match` compares.
    pub version: u64,
    /// In use or in the trash.
    pub status: FileStatus,
    /// The name of the store from which its content is read, as the operator called it: `local`, for instance.
    pub stored_in: String,
    /// When it was made.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

/// Whether an entry is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub(in crate::resources) enum FileStatus {
    /// In use.
    Active,
    /// In the trash.
    Trashed,
}

/// The document of an entry as a command left it; absent when it is gone for good.
pub(in crate::resources) async fn document_of(
    drive: &Drive,
    id: FileId,
    file: &Loaded<file::File>,
) -> Result<FileDocument, Problem> {
    let entry = file.state.entry().ok_or(Problem::of(common::not_found))?;
    let stored_in = stored_in(drive, entry).await?;
    let mut document = FileDocument::of_entry(id, file, entry, stored_in);
    if !is_in_use(drive, entry.added.owner, entry.folder).await? {
        document.status = FileStatus::Trashed;
    }
    Ok(document)
}

/// The document of an entry that was just made; absent when it is gone again, which somebody else may have done since.
pub(in crate::resources) fn document_of_new(stored: Stored) -> Result<FileDocument, Problem> {
    let entry = stored.file.state.entry().ok_or(Problem::of(common::not_found))?;
    Ok(FileDocument::of_entry(stored.id, &stored.file, entry, stored.stored_in))
}

impl FileDocument {
    fn of_entry(id: FileId, file: &Loaded<file::File>, entry: &Entry, stored_in: String) -> Self {
        let content = entry.content();
        Self {
            id: id.0,
            name: entry.name.to_string(),
            size: content.size,
            sha256: content.sha256.to_string(),
            sha1: content.sha1.to_string(),
            content_type: content.content_type,
            folder_id: entry.folder.map(|folder| folder.0),
            version: file.revision(),
            status: match entry.status {
                file::FileStatus::Active => FileStatus::Active,
                file::FileStatus::Trashed | file::FileStatus::Purged => FileStatus::Trashed,
            },
            stored_in,
            created_at: file.first_at.into(),
            updated_at: file.last_at.into(),
        }
    }

    /// The document of an entry as the read tables have it.
    pub(in crate::resources) fn of_record(drive: &Drive, record: FileRecord) -> Self {
        Self {
            id: record.id.0,
            name: record.name,
            size: record.size,
            sha256: record.sha256.to_string(),
            sha1: record.sha1.to_string(),
            content_type: record.content_type,
            folder_id: record.folder.map(|folder| folder.0),
            version: record.version,
            status: record.status.into(),
            stored_in: record.stored_in.unwrap_or_else(|| drive.ports().stores.landing().name().to_owned()),
            created_at: record.created_at.into(),
            updated_at: record.updated_at.into(),
        }
    }
}

impl From<EntryStatus> for FileStatus {
    fn from(status: EntryStatus) -> Self {
        match status {
            EntryStatus::Active => Self::Active,
            EntryStatus::Trashed => Self::Trashed,
        }
    }
}

impl From<FileStatus> for EntryStatus {
    fn from(status: FileStatus) -> Self {
        match status {
            FileStatus::Active => Self::Active,
            FileStatus::Trashed => Self::Trashed,
        }
    }
}

impl Example for FileDocument {
    fn example() -> Self {
        Self {
            id: Uuid::from_u128(0x6d1e_3b0c_52f4_4c0e_9b7a_0f1d_2c3b_4a59),
            name: "报告 2026.pdf".to_owned(),
            size: 11,
            sha256: "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9".to_owned(),
            sha1: "2aae6c35c94fcfb415dbe95f408b9ce91ee846ed".to_owned(),
            content_type: "application/pdf".to_owned(),
            folder_id: None,
            version: 1,
            status: FileStatus::Active,
            stored_in: "local".to_owned(),
            created_at: cairn_domain::Timestamp(1_767_225_600_000_000).into(),
            updated_at: cairn_domain::Timestamp(1_767_225_600_000_000).into(),
        }
    }
}
