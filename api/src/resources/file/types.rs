use cairn_domain::{StoredEvent, Timestamp};
use poem_openapi::payload::Json;
use poem_openapi::types::{Example, MaybeUndefined};
use poem_openapi::{ApiResponse, Object};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::resources::common::FileDocument;
use crate::resources::time::Time;

/// What a link is wanted for.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "DownloadUrlRequest", example)]
pub(super) struct LinkBody {
    /// The entry.
    pub id: Uuid,
    /// How long the link shall work, in seconds: 1 to 604800, which is 7 days. 3600 when absent.
    #[oai(validator(minimum(value = "1"), maximum(value = "604800")))]
    pub expires_in: Option<u64>,
}

/// A link that works without a token.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
#[oai(rename = "DownloadUrl", example)]
pub(super) struct LinkDocument {
    /// Where to download from.
    pub url: String,
    /// When the link stops working.
    pub expires_at: Time,
}

/// How an entry shall be called and where it shall stand.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "FileUpdate", example)]
pub(super) struct UpdateBody {
    /// The entry.
    pub id: Uuid,
    /// The new name, 1 to 255 bytes; absent keeps the old one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The new folder; absent keeps the old one, null is the top.
    #[serde(default, skip_serializing_if = "MaybeUndefined::is_undefined")]
    pub folder_id: MaybeUndefined<Uuid>,
}

/// Which entry shall go.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "FileDeletion", example)]
pub(super) struct DeleteBody {
    /// The entry.
    pub id: Uuid,
    /// True removes it for good; otherwise it goes to the trash.
    pub purge: Option<bool>,
}

/// Which entry shall come back.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "FileRestoration", example)]
pub(super) struct RestoreBody {
    /// The entry.
    pub id: Uuid,
}

/// Which content a file shall have again.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "VersionRestoration", example)]
pub(super) struct RestoreVersionBody {
    /// The file.
    pub id: Uuid,
    /// The number of the version.
    pub version: u64,
}

/// A content that a file has had.
#[derive(Debug, Clone, Object)]
#[oai(rename = "FileVersion", example)]
pub(super) struct VersionDocument {
    /// From 1, in the order of their coming.
    pub version: u64,
    /// In bytes.
    pub size: u64,
    /// The content's SHA-256, in lower-case hex.
    pub sha256: String,
    /// The content's SHA-1, in lower-case hex.
    pub sha1: String,
    /// A media type.
    pub content_type: String,
    /// When it came.
    pub created_at: Time,
    /// Whether it is the one in use.
    pub current: bool,
}

/// The versions of a file.
#[derive(Debug, Clone, Object)]
#[oai(example)]
pub(super) struct VersionList {
    /// The versions, newest first.
    pub items: Vec<VersionDocument>,
    /// Always null: there are few enough for one page.
    pub next_cursor: Option<String>,
}

/// One page of files.
#[derive(Debug, Clone, Object)]
#[oai(example)]
pub(super) struct FileList {
    /// The files, newest first.
    pub items: Vec<FileDocument>,
    /// Where the list goes on; null at its end.
    pub next_cursor: Option<String>,
}

/// One page of what happened to a file.
#[derive(Debug, Clone, Object)]
#[oai(example)]
pub(super) struct HistoryList {
    /// What happened, oldest first.
    pub items: Vec<HappenedDocument>,
    /// Where the list goes on; null at its end.
    pub next_cursor: Option<String>,
}

/// Something that happened.
#[derive(Debug, Clone, Object)]
#[oai(rename = "Happened", example)]
pub(super) struct HappenedDocument {
    /// Where it stands in the log.
    pub position: u64,
    /// What happened: `FileAdded`, `FileRenamed`, `FileMoved`, `FileTrashed`, `FileRestored`.
    #[oai(rename = "type")]
    pub name: String,
    /// When.
    pub time: Time,
    /// The account that asked for it; null for the drive itself.
    pub actor: Option<Uuid>,
    /// The particulars, as the log has them.
    pub data: Value,
}

/// What an upload is answered with.
#[derive(ApiResponse)]
pub(super) enum UploadAnswer {
    /// The file is stored durably, and the entry is there.
    #[oai(status = 201)]
    Created(
        Json<FileDocument>,
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        Option<u64>,
    ),
}

/// What a query is answered with.
#[derive(ApiResponse)]
pub(super) enum QueryAnswer {
    /// One page of the caller's files.
    #[oai(status = 200)]
    Found(Json<FileList>),
}

/// What is told of a file.
#[derive(ApiResponse)]
pub(super) enum MetaAnswer {
    /// The file.
    #[oai(status = 200)]
    Found(Json<FileDocument>),
}

/// What is told of a file's versions.
#[derive(ApiResponse)]
pub(super) enum VersionsAnswer {
    /// Every content that it keeps.
    #[oai(status = 200)]
    Found(Json<VersionList>),
}

/// What is told of a file's past.
#[derive(ApiResponse)]
pub(super) enum HistoryAnswer {
    /// One page of what happened.
    #[oai(status = 200)]
    Found(Json<HistoryList>),
}

/// What the wish for a link is answered with.
#[derive(ApiResponse)]
pub(super) enum LinkAnswer {
    /// The link works from now on.
    #[oai(status = 200)]
    Signed(Json<LinkDocument>),
}

/// What a change of an entry is answered with.
#[derive(ApiResponse)]
pub(super) enum ChangeAnswer {
    /// The file as it is now.
    #[oai(status = 200)]
    Changed(
        Json<FileDocument>,
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        Option<u64>,
    ),
}

/// What a deletion is answered with.
#[derive(ApiResponse)]
pub(super) enum DeleteAnswer {
    /// The file is in the trash.
    #[oai(status = 200)]
    Trashed(
        Json<FileDocument>,
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        Option<u64>,
    ),
    /// The file is gone for good.
    #[oai(status = 204)]
    Purged(
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        Option<u64>,
    ),
}

impl HappenedDocument {
    pub(super) fn of(event: StoredEvent) -> serde_json::Result<Self> {
        Ok(Self {
            position: event.position.0,
            name: event.name,
            time: event.time.into(),
            actor: event.metadata.actor.map(|account| account.0),
            data: serde_json::from_str(&event.data)?,
        })
    }
}

impl Example for LinkBody {
    fn example() -> Self {
        Self { id: FileDocument::example().id, expires_in: Some(3600) }
    }
}

impl Example for LinkDocument {
    fn example() -> Self {
        let id = FileDocument::example().id;
        let signature = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";
        Self {
            url: format!("http://localhost:8080/file/download?id={id}&expires=1767229200&signature={signature}"),
            expires_at: Timestamp(1_767_229_200_000_000).into(),
        }
    }
}

impl Example for UpdateBody {
    fn example() -> Self {
        let name = Some("报告 2027.pdf".to_owned());
        Self { id: FileDocument::example().id, name, folder_id: MaybeUndefined::Null }
    }
}

impl Example for DeleteBody {
    fn example() -> Self {
        Self { id: FileDocument::example().id, purge: Some(false) }
    }
}

impl Example for RestoreBody {
    fn example() -> Self {
        Self { id: FileDocument::example().id }
    }
}

impl Example for FileList {
    fn example() -> Self {
        Self { items: vec![FileDocument::example()], next_cursor: None }
    }
}

impl Example for HistoryList {
    fn example() -> Self {
        Self { items: vec![HappenedDocument::example()], next_cursor: None }
    }
}

impl Example for HappenedDocument {
    fn example() -> Self {
        Self {
            position: 42,
            name: "FileRenamed".to_owned(),
            time: Timestamp(1_767_225_600_000_000).into(),
            actor: Some(Uuid::from_u128(0x6f1d_4c0e_58a2_5b7e_9d37_2a1c_0be4_f5a6)),
            data: serde_json::json!({ "name": "报告 2026.pdf" }),
        }
    }
}

impl Example for RestoreVersionBody {
    fn example() -> Self {
        Self { id: FileDocument::example().id, version: 1 }
    }
}

impl Example for VersionDocument {
    fn example() -> Self {
        let FileDocument { size, sha256, sha1, content_type, created_at, .. } = FileDocument::example();
        Self { version: 1, size, sha256, sha1, content_type, created_at, current: true }
    }
}

impl Example for VersionList {
    fn example() -> Self {
        Self { items: vec![VersionDocument::example()], next_cursor: None }
    }
}
