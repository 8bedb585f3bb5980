use cairn_commands::upload::{PartReceived, UploadState, UploadStatus};
use cairn_domain::Timestamp;
use cairn_domain::upload::PartRange;
use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Enum, Object};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::resources::common::FileDocument;
use crate::resources::time::Time;

/// A file that is to be sent in parts.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "UploadStart", example)]
pub(super) struct InitBody {
    /// What the file will be called, 1 to 255 bytes.
    pub name: String,
    /// Of the whole file, in bytes.
    pub size: u64,
    /// What the file's SHA-256 will be, in hex; other bytes will be refused.
    #[oai(validator(pattern = "^[0-9a-fA-F]{64}$"))]
    pub sha256: Option<String>,
    /// What the file's SHA-1 will be, in hex; other bytes will be refused.
    #[oai(validator(pattern = "^[0-9a-fA-F]{40}$"))]
    pub sha1: Option<String>,
    /// The folder for the file; absent or null is the top.
    pub folder_id: Option<Uuid>,
    /// The file whose new version it is; absent or null makes a file of its own.
    pub replace_id: Option<Uuid>,
    /// The wished size of a part, in bytes; 8388608 (8 MiB) when absent. It is raised where there would be more than 10,000 parts.
    #[oai(validator(minimum(value = "1")))]
    pub part_size: Option<u64>,
}

/// Which upload is meant.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "UploadReference", example)]
pub(super) struct UploadBody {
    /// The upload.
    pub upload_id: Uuid,
}

/// An upload in parts.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
#[oai(rename = "Upload", example)]
pub(super) struct UploadDocument {
    /// The upload.
    pub upload_id: Uuid,
    /// What the file will be called.
    pub name: String,
    /// Of the whole file, in bytes.
    pub size: u64,
    /// What its SHA-256 shall be, as far as it was said: tells whether a file that is at hand is the one to go on with.
    #[serde(default)]
    #[oai(validator(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: Option<String>,
    /// The folder for the file; null is the top.
    #[serde(default)]
    pub folder_id: Option<Uuid>,
    /// Of every part but the last, in bytes.
    pub part_size: u64,
    /// How many parts there are; none for an empty file.
    pub part_count: u64,
    /// Which parts are there, as ranges of part numbers, both ends included.
    pub received: Vec<[u64; 2]>,
    /// Which parts are missing, as ranges of part numbers, both ends included.
    pub missing: Vec<[u64; 2]>,
    /// Where it is in its life.
    pub state: UploadStateName,
    /// When it ends by itself if nothing more comes. Every part puts this off.
    pub expires_at: Time,
    /// The code of the problem for which the drive has ended the upload: `digest_mismatch`. Absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub error: Option<String>,
    /// The file that it became. Absent before, and when that file is gone for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub file: Option<FileDocument>,
}

/// Where an upload is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename = "UploadState", rename_all = "snake_case")]
pub(super) enum UploadStateName {
    /// Parts may come.
    Open,
    /// Its parts are being put together.
    Merging,
    /// It is a file.
    Merged,
    /// It has ended without a file: its owner gave it up, or its bytes were not the declared ones.
    Cancelled,
    /// Nothing came for too long.
    Expired,
}

/// A part that is there, durably.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[oai(rename = "Part", example)]
pub(super) struct PartDocument {
    /// Which part, from 1.
    pub index: u64,
    /// In bytes.
    pub size: u64,
    /// Of its bytes, in hex.
    pub sha256: String,
}

/// One page of uploads.
#[derive(Debug, Clone, Object)]
#[oai(example)]
pub(super) struct UploadList {
    /// The uploads, newest first.
    pub items: Vec<UploadDocument>,
    /// Where the list goes on; null at its end.
    pub next_cursor: Option<String>,
}

/// What the start of an upload is answered with.
#[derive(ApiResponse)]
pub(super) enum InitAnswer {
    /// Parts may come.
    #[oai(status = 201)]
    Started(
        Json<UploadDocument>,
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        Option<u64>,
    ),
    /// The caller has such an upload open: go on with it.
    #[oai(status = 200)]
    Found(
        Json<UploadDocument>,
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        Option<u64>,
    ),
}

/// What a part is answered with.
#[derive(ApiResponse)]
pub(super) enum PartAnswer {
    /// The part is there, durably.
    #[oai(status = 200)]
    Received(
        Json<PartDocument>,
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        Option<u64>,
    ),
}

/// What is told of an upload.
#[derive(ApiResponse)]
pub(super) enum StatusAnswer {
    /// How it stands.
    #[oai(status = 200)]
    Found(Json<UploadDocument>),
}

/// What a query is answered with.
#[derive(ApiResponse)]
pub(super) enum UploadsAnswer {
    /// One page of the caller's open uploads.
    #[oai(status = 200)]
    Found(Json<UploadList>),
}

/// What the end of an upload is answered with.
#[derive(ApiResponse)]
pub(super) enum CompleteAnswer {
    /// The upload has become this file.
    #[oai(status = 201)]
    Merged(
        Json<FileDocument>,
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        Option<u64>,
    ),
    /// The upload had become this file before.
    #[oai(status = 200)]
    MergedBefore(
        Json<FileDocument>,
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        Option<u64>,
    ),
}

/// What giving an upload up is answered with.
#[derive(ApiResponse)]
pub(super) enum CancelAnswer {
    /// The upload has ended without a file, now or before.
    #[oai(status = 204)]
    Cancelled(
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        Option<u64>,
    ),
}

impl UploadDocument {
    pub(super) fn new(status: &UploadStatus, file: Option<FileDocument>) -> Self {
        let (state, error) = match status.state {
            UploadState::Open => (UploadStateName::Open, None),
            UploadState::Merging => (UploadStateName::Merging, None),
            UploadState::Merged => (UploadStateName::Merged, None),
            UploadState::Cancelled => (UploadStateName::Cancelled, None),
            UploadState::Expired => (UploadStateName::Expired, None),
            UploadState::Rejected => (UploadStateName::Cancelled, Some("digest_mismatch".to_owned())),
        };
        Self {
            upload_id: status.id.0,
            name: status.name.to_string(),
            size: status.plan.size,
            sha256: status.expected_sha256.map(|sha256| sha256.to_string()),
            folder_id: status.folder.map(|folder| folder.0),
            part_size: status.plan.part_bytes,
            part_count: status.plan.count(),
            received: pairs(&status.received),
            missing: pairs(&status.missing),
            state,
            expires_at: status.expires_at.into(),
            error,
            file,
        }
    }
}

pub(super) fn pairs(ranges: &[PartRange]) -> Vec<[u64; 2]> {
    ranges.iter().map(|&(first, last)| [first, last]).collect()
}

impl From<PartReceived> for PartDocument {
    fn from(part: PartReceived) -> Self {
        Self { index: part.index, size: part.size, sha256: part.sha256.to_string() }
    }
}

impl Example for InitBody {
    fn example() -> Self {
        let FileDocument { name, .. } = FileDocument::example();
        Self { name, size: 20_000_000, sha256: None, sha1: None, folder_id: None, replace_id: None, part_size: None }
    }
}

impl Example for UploadBody {
    fn example() -> Self {
        Self { upload_id: UploadDocument::example().upload_id }
    }
}

impl Example for UploadDocument {
    fn example() -> Self {
        Self {
            upload_id: Uuid::from_u128(0x3f2a_8d4e_61c9_4b7d_a5e0_9c18_27f4_d6b3),
            name: FileDocument::example().name,
            size: 20_000_000,
            sha256: None,
            folder_id: None,
            part_size: 8_388_608,
            part_count: 3,
            received: vec![[1, 1], [3, 3]],
            missing: vec![[2, 2]],
            state: UploadStateName::Open,
            expires_at: Timestamp(1_767_830_400_000_000).into(),
            error: None,
            file: None,
        }
    }
}

impl Example for PartDocument {
    fn example() -> Self {
        Self { index: 1, size: 8_388_608, sha256: FileDocument::example().sha256 }
    }
}

impl Example for UploadList {
    fn example() -> Self {
        Self { items: vec![UploadDocument::example()], next_cursor: None }
    }
}
