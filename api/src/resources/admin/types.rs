use cairn_domain::Username;
use cairn_projections::runner::{ProjectionStatus, RunnerHealth};
use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Object};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::http::problem::{Explain, Problem, common};
use crate::resources::time::Time;

/// All projections.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
pub struct ProjectionList {
    /// One after the other.
    pub items: Vec<Projection>,
    /// Always null: there is one page.
    pub next_cursor: Option<String>,
}

/// How far the rows of one projection have come.
#[derive(Debug, Serialize, Object)]
pub struct Projection {
    /// Which.
    pub name: String,
    /// The version of its code in this program.
    pub version: u32,
    /// The last event in its rows.
    pub position: u64,
    /// Events that are not in its rows yet.
    pub lag: u64,
    /// Events that could not be applied and wait for an operator.
    pub parked: u64,
    /// When the position last moved.
    pub updated_at: Time,
    /// When somebody last looked whether there is something to apply; null when nobody ever did.
    pub alive_at: Option<Time>,
    /// Why it does not go on; null when it does.
    pub failing: Option<String>,
    /// Whether somebody has told it to stand still.
    pub paused: bool,
}

impl Projection {
    pub(super) fn new(status: ProjectionStatus, health: &RunnerHealth) -> Self {
        Self {
            name: status.name,
            version: status.version,
            position: status.position.0,
            lag: status.lag,
            parked: status.parked,
            updated_at: status.updated_at.into(),
            alive_at: health.alive_at.map(Time),
            failing: health.failing.clone(),
            paused: status.paused,
        }
    }
}

/// What is to be made anew.
#[derive(Debug, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "RebuildRequest", example)]
pub(super) struct RebuildBody {
    /// A projection; absent for all.
    pub name: Option<String>,
    /// True for not going on with what an earlier rebuild has left that was stopped or held.
    pub anew: Option<bool>,
}

/// What was made.
#[derive(Debug, Serialize, Deserialize, Object)]
#[oai(example)]
pub struct Rebuilt {
    /// The last event in the new rows.
    pub position: u64,
    /// Events that could not be applied and wait for an operator, over all projections.
    pub parked: u64,
}

/// How much an account may hold.
#[derive(Debug, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "QuotaRequest", example)]
pub(super) struct QuotaBody {
    /// Whose, by the account's id.
    pub id: Option<Uuid>,
    /// Whose, by name.
    pub username: Option<String>,
    /// In bytes; null for what the drive allows everybody. It must be given.
    // With a function of its own serde does not take an absent field for null.
    #[serde(deserialize_with = "Option::deserialize")]
    pub quota_bytes: Option<u64>,
}

/// An account, as its operator names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Whose {
    Id(Uuid),
    Name(Username),
}

/// What the read tables can hold.
const QUOTA_BYTES_MAX: u64 = i64::MAX as u64;

impl QuotaBody {
    pub(super) fn wish(&self) -> Result<(Whose, Option<u64>), Problem> {
        if self.quota_bytes.is_some_and(|bytes| bytes > QUOTA_BYTES_MAX) {
            return Err(Problem::invalid("quota_bytes", "at most 9223372036854775807"));
        }
        let whose = match (self.id, &self.username) {
            (Some(id), None) => Whose::Id(id),
            (None, Some(name)) => {
                // What can't be a name is nobody's.
                let nobody = |_| Problem::of(common::not_found).detail("There is no such account.");
                Whose::Name(name.parse().map_err(nobody)?)
            }
            (None, None) | (Some(_), Some(_)) => return Err(Problem::invalid("id", "give either id or username")),
        };
        Ok((whose, self.quota_bytes))
    }
}

/// What an account may hold now.
#[derive(Debug, Serialize, Deserialize, Object)]
#[oai(example)]
pub struct Quota {
    /// The account.
    pub id: Uuid,
    /// In bytes; null for what the drive allows everybody.
    pub quota_bytes: Option<u64>,
}

/// What a question for the projections is answered with.
#[derive(ApiResponse)]
pub enum ProjectionsAnswer {
    /// All of them.
    #[oai(status = 200)]
    Found(Json<ProjectionList>),
}

/// What a rebuild is answered with.
#[derive(ApiResponse)]
pub enum RebuildAnswer {
    /// The new rows are in place.
    #[oai(status = 200)]
    Rebuilt(Json<Rebuilt>),
}

/// What a change of quota is answered with.
#[derive(ApiResponse)]
pub enum QuotaAnswer {
    /// The quota is set.
    #[oai(status = 200)]
    Changed(
        Json<Quota>,
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        Option<u64>,
    ),
}

const EXAMPLE_ID: Uuid = Uuid::from_u128(0x6f1d_4c0e_58a2_5b7e_9d37_2a1c_0be4_f5a6);
const GIB: u64 = 1 << 30;

impl Example for ProjectionList {
    fn example() -> Self {
        let at = Time(cairn_domain::Timestamp(1_769_860_800_000_000));
        let projection = Projection {
            name: "files".to_owned(),
            version: 1,
            position: 4711,
            lag: 0,
            parked: 0,
            updated_at: at,
            alive_at: Some(at),
            failing: None,
            paused: false,
        };
        Self { items: vec![projection], next_cursor: None }
    }
}

impl Example for RebuildBody {
    fn example() -> Self {
        Self { name: Some("files".to_owned()), anew: Some(false) }
    }
}

impl Example for Rebuilt {
    fn example() -> Self {
        Self { position: 4711, parked: 0 }
    }
}

impl Example for QuotaBody {
    fn example() -> Self {
        Self { id: None, username: Some("alice".to_owned()), quota_bytes: Some(10 * GIB) }
    }
}

impl Example for Quota {
    fn example() -> Self {
        Self { id: EXAMPLE_ID, quota_bytes: Some(10 * GIB) }
    }
}
