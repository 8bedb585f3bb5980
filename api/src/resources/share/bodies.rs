use cairn_commands::share::{ChangeShare, CreateShare, SaveShare, SharePassword};
use cairn_domain::{FileId, FolderId, ShareId};
use poem_openapi::Object;
use poem_openapi::types::{Example, MaybeUndefined};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::problems::no_such_share;
use super::types::{AT, EXAMPLE, TOKEN};
use crate::http::problem::Problem;
use crate::resources::common::{Fields, FileDocument};
use crate::resources::time::Time;

/// What shall be shared, and how.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "ShareCreation", example)]
pub(super) struct CreateBody {
    /// The file.
    pub file_id: Uuid,
    /// What others must know, 1 to 256 characters; absent or null asks for nothing.
    pub password: Option<String>,
    /// When it shall end by itself; absent or null is never.
    pub expires_at: Option<Time>,
    /// How many downloads there may be, at least 1; absent or null is any number.
    #[oai(validator(minimum(value = "1"), maximum(value = "1000000000")))]
    pub max_downloads: Option<u64>,
}

/// What a share shall ask and allow; what is absent stays, what is null is cleared.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "ShareUpdate", example)]
pub(super) struct UpdateBody {
    /// The share.
    pub id: Uuid,
    /// What others must know, 1 to 256 characters.
    #[serde(default, skip_serializing_if = "MaybeUndefined::is_undefined")]
    pub password: MaybeUndefined<String>,
    /// When it shall end by itself.
    #[serde(default, skip_serializing_if = "MaybeUndefined::is_undefined")]
    pub expires_at: MaybeUndefined<Time>,
    /// How many downloads there may be, at least 1, those that there were included.
    #[serde(default, skip_serializing_if = "MaybeUndefined::is_undefined")]
    #[oai(validator(minimum(value = "1"), maximum(value = "1000000000")))]
    pub max_downloads: MaybeUndefined<u64>,
}

/// Which share shall end.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "ShareRevocation", example)]
pub(super) struct RevokeBody {
    /// The share.
    pub id: Uuid,
}

/// What shall be saved, and where.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "ShareSaving", example)]
pub(super) struct SaveBody {
    /// What the owner gave away.
    pub token: String,
    /// The share's password, if it asks for one.
    pub password: Option<String>,
    /// Where the file shall stand; absent or null is the top.
    pub folder_id: Option<Uuid>,
}

impl CreateBody {
    pub(super) fn wish(&self) -> Result<CreateShare, Problem> {
        let mut fields = Fields::default();
        let password = fields.read_optional::<SharePassword>("password", self.password.as_deref());
        let max_downloads = downloads_of(&mut fields, self.max_downloads);
        let (expires_at, file) = (self.expires_at.map(|at| at.0), FileId(self.file_id));
        fields.finish(password.zip(max_downloads)).map(|(password, max_downloads)| CreateShare {
            file,
            password,
            expires_at,
            max_downloads,
        })
    }
}

impl UpdateBody {
    pub(super) fn wish(&self) -> Result<ChangeShare, Problem> {
        let mut fields = Fields::default();
        let password = fields.read_optional::<SharePassword>("password", self.password.value().map(String::as_str));
        let max_downloads = downloads_of(&mut fields, self.max_downloads.value().copied());
        let (password, max_downloads) = fields.finish(password.zip(max_downloads))?;
        Ok(ChangeShare {
            id: ShareId(self.id),
            password: (!self.password.is_undefined()).then_some(password),
            expires_at: (!self.expires_at.is_undefined()).then(|| self.expires_at.value().map(|at| at.0)),
            max_downloads: (!self.max_downloads.is_undefined()).then_some(max_downloads),
        })
    }

    /// What else makes two requests the same.
    pub(super) fn without_password(&self) -> Self {
        let password = match &self.password {
            MaybeUndefined::Value(_) => MaybeUndefined::Value(String::new()),
            absent => absent.clone(),
        };
        Self { password, ..self.clone() }
    }
}

impl SaveBody {
    pub(super) fn wish(&self) -> Result<SaveShare, Problem> {
        let token = self.token.parse().map_err(|_| no_such_share())?;
        Ok(SaveShare { token, password: self.password.clone(), folder: self.folder_id.map(FolderId) })
    }
}

/// Downloads that one share may have.
const DOWNLOADS_MAX: u64 = 1_000_000_000;

fn downloads_of(fields: &mut Fields, max: Option<u64>) -> Option<Option<u64>> {
    match max {
        Some(max) if !(1..=DOWNLOADS_MAX).contains(&max) => fields.refuse("max_downloads", format!("is 1 to {DOWNLOADS_MAX}")),
        max => Some(max),
    }
}

impl Example for CreateBody {
    fn example() -> Self {
        let file_id = FileDocument::example().id;
        Self { file_id, password: Some("between us".to_owned()), expires_at: None, max_downloads: Some(10) }
    }
}

impl Example for UpdateBody {
    fn example() -> Self {
        Self {
            id: EXAMPLE,
            password: MaybeUndefined::Null,
            expires_at: MaybeUndefined::Value(AT.into()),
            max_downloads: MaybeUndefined::Undefined,
        }
    }
}

impl Example for RevokeBody {
    fn example() -> Self {
        Self { id: EXAMPLE }
    }
}

impl Example for SaveBody {
    fn example() -> Self {
        Self { token: TOKEN.to_owned(), password: Some("between us".to_owned()), folder_id: None }
    }
}
