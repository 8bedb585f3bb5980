use std::collections::BTreeMap;

use cairn_commands::Drive;
use cairn_commands::share::Changed;
use cairn_domain::disclosed::disclosed_data;
use cairn_domain::share::Standing;
use cairn_domain::{AccountId, StoredEvent, Timestamp};
use cairn_projections::queries::shares::ShareRecord;
use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Enum, Object};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::resources::common::FileDocument;
use crate::resources::time::Time;

/// A way for others to a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[oai(rename = "Share", example)]
pub(super) struct ShareDocument {
    /// The share.
    pub id: Uuid,
    /// The file that it leads to.
    pub file_id: Uuid,
    /// What the file is called now; null when it is gone for good.
    pub name: Option<String>,
    /// Whether it asks for a password.
    pub has_password: bool,
    /// When it ends by itself; null for never.
    pub expires_at: Option<Time>,
    /// How many downloads there may be; null for any number.
    pub max_downloads: Option<u64>,
    /// Downloads that began.
    pub downloads: u64,
    /// Whether it can be used.
    pub state: ShareState,
    /// When it was made.
    pub created_at: Time,
    /// When its last download began; null when there was none.
    pub last_download_at: Option<Time>,
}

/// Whether a share can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub(super) enum ShareState {
    /// It can.
    Active,
    /// Its time is over.
    Expired,
    /// There were as many downloads as there may be.
    UsedUp,
    /// Its owner has ended it.
    Revoked,
    /// Its file is in the trash, or gone for good.
    Unavailable,
}

/// A share that was just made, with what its owner may give to others.
#[derive(Debug, Clone, PartialEq, Eq, Object)]
#[oai(rename = "CreatedShare", example)]
pub(super) struct CreatedDocument {
    /// The share.
    #[oai(flatten)]
    pub share: ShareDocument,
    /// What opens it. It is shown only here.
    pub token: String,
    /// A page for whoever is given the token.
    pub url: String,
}

/// What anybody may know who holds a token.
#[derive(Debug, Clone, PartialEq, Eq, Object)]
#[oai(rename = "SharedFile", example)]
pub(super) struct InfoDocument {
    /// What the file is called.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// Who shared it.
    pub owner: String,
    /// Whether the share asks for a password.
    pub needs_password: bool,
    /// When the share ends by itself; null for never.
    pub expires_at: Option<Time>,
}

/// One page of shares.
#[derive(Debug, Clone, Object)]
#[oai(example)]
pub(super) struct ShareList {
    /// The shares, newest first.
    pub items: Vec<ShareDocument>,
    /// Where the list goes on; null at its end.
    pub next_cursor: Option<String>,
}

/// One page of what happened to a share.
#[derive(Debug, Clone, Object)]
#[oai(rename = "ShareHistoryList", example)]
pub(super) struct HistoryList {
    /// What happened, oldest first.
    pub items: Vec<UsedDocument>,
    /// Where the list goes on; null at its end.
    pub next_cursor: Option<String>,
}

/// Something that happened to a share.
#[derive(Debug, Clone, Object)]
#[oai(rename = "ShareHappened", example)]
pub(super) struct UsedDocument {
    /// Where it stands in the log.
    pub position: u64,
    /// What happened: `ShareCreated`, `ShareChanged`, `ShareDownloaded`, `ShareDownloadEnded`, `ShareSaved`, `ShareRevoked`.
    #[oai(rename = "type")]
    pub name: String,
    /// When.
    pub time: Time,
    /// The account that asked for it; null for somebody without one.
    pub actor: Option<Uuid>,
    /// What the account is called; null for somebody without one.
    pub username: Option<String>,
    /// The address from which it was asked for, as far as it is known.
    pub client: Option<String>,
    /// The particulars, as the log has them, without secrets.
    pub data: Value,
}

/// What the wish to share is answered with.
#[derive(ApiResponse)]
pub(super) enum CreateAnswer {
    /// Whoever is given the token may use it from now on.
    #[oai(status = 201)]
    Created(
        Json<CreatedDocument>,
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        Option<u64>,
    ),
}

/// What a query is answered with.
#[derive(ApiResponse)]
pub(super) enum QueryAnswer {
    /// One page of the caller's shares.
    #[oai(status = 200)]
    Found(Json<ShareList>),
}

/// What a change of a share is answered with.
#[derive(ApiResponse)]
pub(super) enum UpdateAnswer {
    /// The share as it is now.
    #[oai(status = 200)]
    Changed(
        Json<ShareDocument>,
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        Option<u64>,
    ),
}

/// What the end of a share is answered with.
#[derive(ApiResponse)]
pub(super) enum RevokeAnswer {
    /// Its token is dead.
    #[oai(status = 204)]
    Revoked(
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        Option<u64>,
    ),
}

/// What is told of a share's past.
#[derive(ApiResponse)]
pub(super) enum HistoryAnswer {
    /// One page of what happened.
    #[oai(status = 200)]
    Found(Json<HistoryList>),
}

/// What is told of what was shared.
#[derive(ApiResponse)]
pub(super) enum InfoAnswer {
    /// What anybody may know who holds the token.
    #[oai(status = 200)]
    Found(Json<InfoDocument>),
}

/// What the wish to save is answered with.
#[derive(ApiResponse)]
pub(super) enum SaveAnswer {
    /// The file is in the caller's drive.
    #[oai(status = 201)]
    Saved(
        Json<FileDocument>,
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        Option<u64>,
    ),
}

impl ShareDocument {
    /// As a command left it; then its file was in use, or it was not asked for.
    pub(super) fn of_changed(drive: &Drive, changed: Changed) -> Self {
        let Changed { id, share, name, created_at, .. } = changed;
        let standing = share.standing(drive.ports().clock.now());
        Self {
            id: id.0,
            file_id: share.file.0,
            state: ShareState::of(standing, name.is_some()),
            name: name.map(Into::into),
            has_password: share.terms.password_hash.is_some(),
            expires_at: share.terms.expires_at.map(Into::into),
            max_downloads: share.terms.max_downloads,
            downloads: share.downloads,
            created_at: created_at.into(),
            last_download_at: share.last_download_at.map(Into::into),
        }
    }

    /// As the read tables have it.
    pub(super) fn of_record(drive: &Drive, record: ShareRecord) -> Self {
        let now = drive.ports().clock.now();
        let ShareRecord { revoked, expires_at, max_downloads, downloads, .. } = record;
        let standing = Standing::of(revoked, expires_at, max_downloads, downloads, now);
        Self {
            id: record.id.0,
            file_id: record.file.0,
            name: record.name,
            has_password: record.has_password,
            expires_at: record.expires_at.map(Into::into),
            max_downloads: record.max_downloads,
            downloads: record.downloads,
            state: ShareState::of(standing, record.file_in_use),
            created_at: record.created_at.into(),
            last_download_at: record.last_download_at.map(Into::into),
        }
    }
}

impl ShareState {
    fn of(standing: Standing, file_in_use: bool) -> Self {
        match standing {
            Standing::Active if file_in_use => Self::Active,
            Standing::Active => Self::Unavailable,
            Standing::Expired => Self::Expired,
            Standing::UsedUp => Self::UsedUp,
            Standing::Revoked => Self::Revoked,
        }
    }
}

impl UsedDocument {
    /// `names` are those of the accounts that are known.
    pub(super) fn of(event: &StoredEvent, names: &BTreeMap<AccountId, String>) -> Self {
        Self {
            position: event.position.0,
            name: event.name.clone(),
            time: event.time.into(),
            actor: event.metadata.actor.map(|account| account.0),
            username: event.metadata.actor.and_then(|account| names.get(&account).cloned()),
            client: event.metadata.client.clone(),
            data: disclosed_data(event),
        }
    }
}

pub(super) const EXAMPLE: Uuid = Uuid::from_u128(0x1c7d_52e9_88a4_4f1b_a6d0_93e5_7b20_4c61);
pub(super) const TOKEN: &str = "1c7d52e988a44f1ba6d093e57b204c618f0d7c2b5a4e9f3160d8b7a2c4e5f6013d9e8a7b6c5d4e3f";
pub(super) const AT: Timestamp = Timestamp(1_767_225_600_000_000);

impl Example for ShareDocument {
    fn example() -> Self {
        let file = FileDocument::example();
        Self {
            id: EXAMPLE,
            file_id: file.id,
            name: Some(file.name),
            has_password: true,
            expires_at: None,
            max_downloads: Some(10),
            downloads: 3,
            state: ShareState::Active,
            created_at: AT.into(),
            last_download_at: Some(AT.into()),
        }
    }
}

impl Example for CreatedDocument {
    fn example() -> Self {
        let share = ShareDocument { downloads: 0, ..ShareDocument::example() };
        Self { share, token: TOKEN.to_owned(), url: format!("http://localhost:8080/s/{TOKEN}") }
    }
}

impl Example for InfoDocument {
    fn example() -> Self {
        let file = FileDocument::example();
        Self { name: file.name, size: file.size, owner: "alice".to_owned(), needs_password: true, expires_at: None }
    }
}

impl Example for ShareList {
    fn example() -> Self {
        Self { items: vec![ShareDocument::example()], next_cursor: None }
    }
}

impl Example for UsedDocument {
    fn example() -> Self {
        Self {
            position: 42,
            name: "ShareRevoked".to_owned(),
            time: AT.into(),
            actor: Some(Uuid::from_u128(0x0b7c_f7d6_52c1_4c5e_9f5b_6f9c_0f3f_7a01)),
            username: Some("ada".to_owned()),
            client: Some("192.0.2.7".to_owned()),
            data: serde_json::json!({}),
        }
    }
}

impl Example for HistoryList {
    fn example() -> Self {
        Self { items: vec![UsedDocument::example()], next_cursor: None }
    }
}
