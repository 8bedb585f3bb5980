use cairn_commands::folder::Changed;
use cairn_domain::Timestamp;
use cairn_domain::folder;
use cairn_projections::queries::folders::FolderRecord;
use poem_openapi::payload::Json;
use poem_openapi::types::{Example, MaybeUndefined};
use poem_openapi::{ApiResponse, Object};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::resources::common::FileStatus;
use crate::resources::time::Time;

/// A folder of somebody's drive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[oai(rename = "Folder", example)]
pub(super) struct FolderDocument {
    /// The folder.
    pub id: Uuid,
    /// What it is called. A name may repeat.
    pub name: String,
    /// The folder that it stands in; null is the top.
    pub parent_id: Option<Uuid>,
    /// When it was made.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
    /// In use, or in the trash: by itself or with one above it.
    pub status: FileStatus,
}

/// What a new folder shall be like.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "FolderCreation", example)]
pub(super) struct CreateBody {
    /// 1 to 255 bytes.
    pub name: String,
    /// The folder that it shall stand in; absent or null is the top.
    pub parent_id: Option<Uuid>,
}

/// How a folder shall be called and where it shall stand.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "FolderUpdate", example)]
pub(super) struct UpdateBody {
    /// The folder.
    pub id: Uuid,
    /// The new name, 1 to 255 bytes; absent keeps the old one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The folder that it shall stand in; absent keeps the place, null is the top.
    #[serde(default, skip_serializing_if = "MaybeUndefined::is_undefined")]
    pub parent_id: MaybeUndefined<Uuid>,
}

/// Which folder shall go.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "FolderDeletion", example)]
pub(super) struct DeleteBody {
    /// The folder.
    pub id: Uuid,
    /// True removes it for good with everything in it; otherwise all of that goes to the trash.
    pub purge: Option<bool>,
}

/// Which folder shall come back.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "FolderRestoration", example)]
pub(super) struct RestoreBody {
    /// The folder.
    pub id: Uuid,
}

/// One page of folders.
#[derive(Debug, Clone, Object)]
#[oai(example)]
pub(super) struct FolderList {
    /// The folders, newest first.
    pub items: Vec<FolderDocument>,
    /// Where the list goes on; null at its end.
    pub next_cursor: Option<String>,
}

/// What the wish for a folder is answered with.
#[derive(ApiResponse)]
pub(super) enum CreateAnswer {
    /// The folder is there.
    #[oai(status = 201)]
    Created(
        Json<FolderDocument>,
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        Option<u64>,
    ),
}

/// What a change of a folder is answered with.
#[derive(ApiResponse)]
pub(super) enum ChangeAnswer {
    /// The folder as it is now.
    #[oai(status = 200)]
    Changed(
        Json<FolderDocument>,
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        Option<u64>,
    ),
}

/// What a deletion is answered with.
#[derive(ApiResponse)]
pub(super) enum DeleteAnswer {
    /// The folder is in the trash, with everything in it.
    #[oai(status = 200)]
    Trashed(
        Json<FolderDocument>,
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        Option<u64>,
    ),
    /// The folder is gone for good, with everything in it.
    #[oai(status = 204)]
    Purged(
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        Option<u64>,
    ),
}

/// What a query is answered with.
#[derive(ApiResponse)]
pub(super) enum QueryAnswer {
    /// One page of the caller's folders.
    #[oai(status = 200)]
    Found(Json<FolderList>),
}

impl FolderDocument {
    pub(super) fn of_changed(changed: Changed) -> Self {
        let Changed { id, folder, status, .. } = changed;
        Self {
            id: id.0,
            name: folder.name.into(),
            parent_id: folder.parent.map(|parent| parent.0),
            created_at: folder.created_at.into(),
            updated_at: folder.updated_at.into(),
            status: match status {
                folder::FolderStatus::Active => FileStatus::Active,
                folder::FolderStatus::Trashed | folder::FolderStatus::Absent => FileStatus::Trashed,
            },
        }
    }

    pub(super) fn of_record(record: FolderRecord) -> Self {
        Self {
            id: record.id.0,
            name: record.name,
            parent_id: record.parent.map(|parent| parent.0),
            created_at: record.created_at.into(),
            updated_at: record.updated_at.into(),
            status: record.status.into(),
        }
    }
}

const EXAMPLE: Uuid = Uuid::from_u128(0xe1d2_c3b4_a596_4877_8695_a4b3_c2d1_e005);

impl Example for FolderDocument {
    fn example() -> Self {
        let at = Timestamp(1_767_225_600_000_000);
        let (created_at, updated_at) = (at.into(), at.into());
        Self { id: EXAMPLE, name: "报告".to_owned(), parent_id: None, created_at, updated_at, status: FileStatus::Active }
    }
}

impl Example for CreateBody {
    fn example() -> Self {
        Self { name: "报告".to_owned(), parent_id: None }
    }
}

impl Example for UpdateBody {
    fn example() -> Self {
        Self { id: EXAMPLE, name: Some("报告 2027".to_owned()), parent_id: MaybeUndefined::Null }
    }
}

impl Example for DeleteBody {
    fn example() -> Self {
        Self { id: EXAMPLE, purge: Some(false) }
    }
}

impl Example for RestoreBody {
    fn example() -> Self {
        Self { id: EXAMPLE }
    }
}

impl Example for FolderList {
    fn example() -> Self {
        Self { items: vec![FolderDocument::example()], next_cursor: None }
    }
}
