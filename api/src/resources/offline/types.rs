use cairn_domain::Timestamp;
use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Enum, Object};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::resources::common::FileDocument;
use crate::resources::time::Time;

/// A file that is to be fetched.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "OfflineRequest", example)]
pub(super) struct CreateBody {
    /// Where it is: `http` or `https`, without user and password, at most 2048 bytes.
    pub url: String,
    /// What it shall be called, 1 to 255 bytes; what the source calls it when absent.
    pub name: Option<String>,
    /// The folder for the file; absent or null is the top.
    pub folder_id: Option<Uuid>,
    /// What the file's SHA-256 will be, in hex; with other bytes the download fails.
    #[oai(validator(pattern = "^[0-9a-fA-F]{64}$"))]
    pub sha256: Option<String>,
}

/// Which download is meant.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "OfflineReference", example)]
pub(super) struct OfflineBody {
    /// The download.
    pub id: Uuid,
}

/// A file that the drive fetches from elsewhere.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
#[oai(rename = "Offline", example)]
pub(super) struct OfflineDocument {
    /// The download.
    pub id: Uuid,
    /// Where the file is.
    pub url: String,
    /// What the file will be called; null as long as neither the caller nor the source has said so.
    pub name: Option<String>,
    /// Where it is in its life.
    pub state: OfflineStateName,
    /// How much has come.
    pub received_bytes: u64,
    /// Of the whole file; null as long as it is not known.
    pub total_bytes: Option<u64>,
    /// Why the file can't be had: `url_refused`, `too_many_redirects`, `source_refused`, `source_unavailable`, `too_large`, `digest_mismatch`,
    /// `timed_out`, `storage_full` or `quota_exceeded`; null unless it has failed.
    pub error: Option<String>,
    /// The same in a sentence, where there is more to say.
    pub detail: Option<String>,
    /// When it was asked for.
    pub created_at: Time,
    /// When something was last heard of it.
    pub updated_at: Time,
    /// The file that came of it. Absent before, and when that file is gone for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub file: Option<FileDocument>,
}

/// Where an offline download is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename = "OfflineState", rename_all = "snake_case")]
pub(super) enum OfflineStateName {
    /// It waits for its turn.
    Queued,
    /// It is being fetched.
    Running,
    /// The file is in the drive.
    Completed,
    /// The file can't be had.
    Failed,
    /// Its owner has given it up.
    Cancelled,
}

/// One page of offline downloads.
#[derive(Debug, Clone, Object)]
#[oai(example)]
pub(super) struct OfflineList {
    /// The downloads, newest first.
    pub items: Vec<OfflineDocument>,
    /// Where the list goes on; null at its end.
    pub next_cursor: Option<String>,
}

/// What the wish for a file is answered with.
#[derive(ApiResponse)]
pub(super) enum CreateAnswer {
    /// It will be fetched, or is there already.
    #[oai(status = 202)]
    Accepted(
        Json<OfflineDocument>,
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        Option<u64>,
    ),
}

/// What is told of a download.
#[derive(ApiResponse)]
pub(super) enum StatusAnswer {
    /// How it stands.
    #[oai(status = 200)]
    Found(Json<OfflineDocument>),
}

/// What a query is answered with.
#[derive(ApiResponse)]
pub(super) enum ListAnswer {
    /// One page of the caller's downloads.
    #[oai(status = 200)]
    Found(Json<OfflineList>),
}

/// What giving a download up is answered with.
#[derive(ApiResponse)]
pub(super) enum CancelAnswer {
    /// It has ended, now or before.
    #[oai(status = 200)]
    Ended(
        Json<OfflineDocument>,
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        Option<u64>,
    ),
}

impl Example for CreateBody {
    fn example() -> Self {
        let OfflineDocument { url, .. } = OfflineDocument::example();
        Self { url, name: None, folder_id: None, sha256: None }
    }
}

impl Example for OfflineBody {
    fn example() -> Self {
        Self { id: OfflineDocument::example().id }
    }
}

impl Example for OfflineDocument {
    fn example() -> Self {
        let at = Timestamp(1_767_225_600_000_000);
        Self {
            id: Uuid::from_u128(0x7c3e_9b1f_2d4a_4e6b_8f0c_5a1b_2c3d_4e07),
            url: "https://example.org/report.pdf".to_owned(),
            name: Some("report.pdf".to_owned()),
            state: OfflineStateName::Running,
            received_bytes: 8_388_608,
            total_bytes: Some(20_000_000),
            error: None,
            detail: None,
            created_at: at.into(),
            updated_at: at.into(),
            file: None,
        }
    }
}

impl Example for OfflineList {
    fn example() -> Self {
        Self { items: vec![OfflineDocument::example()], next_cursor: None }
    }
}
