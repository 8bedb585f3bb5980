use std::sync::Arc;

use cairn_commands::transfer::retry;
use cairn_commands::{Caller, Request};
use cairn_domain::TransferId;
use cairn_domain::transfer::Phase;
use cairn_projections::ports::ReadTables;
use cairn_projections::queries::transfers::{TransferFilter, TransferRecord, transfer_by_id, transfers};
use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Enum, Object};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::problems::TransferRetryProblem;
use crate::app::App;
use crate::ask::Done;
use crate::http::problem::{Explain, Problem, common};
use crate::resources::common::page_of;
use crate::resources::time::Time;

/// A content on its way from one store to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[oai(rename = "Transfer", example)]
pub struct TransferDocument {
    /// The transfer.
    pub id: Uuid,
    /// The content's SHA-256, in lower-case hex.
    #[oai(validator(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: String,
    /// In bytes.
    pub size: u64,
    /// The store that has the content.
    pub from: String,
    /// The store that shall have it.
    pub to: String,
    /// Where it is in its life.
    pub state: TransferState,
    /// How often it has failed since somebody last looked at it.
    pub failures: u32,
    /// What went wrong the last time, or why it was given up.
    pub reason: Option<String>,
    /// The process that took it last.
    pub worker: Option<String>,
    /// When it was asked for.
    pub requested_at: Time,
    /// When something was last heard of it.
    pub updated_at: Time,
}

/// Where a transfer is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub enum TransferState {
    /// It waits for its time, or for a place in the queue.
    Requested,
    /// A task for it is in the queue.
    Queued,
    /// A worker is at it.
    Started,
    /// It has failed too often and rests until it is tried again.
    Stalled,
    /// It is done.
    Completed,
    /// It was given up.
    Abandoned,
}

/// One page of transfers.
#[derive(Debug, Clone, Object)]
#[oai(example)]
pub struct TransferList {
    /// The transfers, newest first.
    pub items: Vec<TransferDocument>,
    /// Where the list goes on; null at its end.
    pub next_cursor: Option<String>,
}

/// Which transfer is to be tried again.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "TransferRetryRequest", example)]
pub(super) struct TransferRetryBody {
    /// The transfer.
    pub id: Uuid,
}

/// What a question for transfers is answered with.
#[derive(ApiResponse)]
pub enum TransfersAnswer {
    /// One page of them.
    #[oai(status = 200)]
    Found(Json<TransferList>),
}

/// What another try is answered with.
#[derive(ApiResponse)]
pub enum TransferRetryAnswer {
    /// The transfer as it is now.
    #[oai(status = 200)]
    Retried(
        Json<TransferDocument>,
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        Option<u64>,
    ),
}

/// Which transfers are asked for.
#[derive(Debug, Default)]
pub(super) struct TransfersWish {
    /// Those in this state; none for all.
    pub state: Option<TransferState>,
    /// Those from or to this store; none or empty for any.
    pub store: Option<String>,
    /// How many at most.
    pub limit: Option<u64>,
    /// The cursor of the page before.
    pub cursor: Option<String>,
}

impl TransfersWish {
    /// One page of them. The limit was checked before.
    pub(super) async fn page(self, tables: &dyn ReadTables) -> Result<TransferList, Problem> {
        let of = page_of(self.limit, self.cursor.as_deref())?;
        let store = self.store.filter(|store| !store.is_empty());
        let page = transfers(tables, &TransferFilter { phase: self.state.map(Phase::from), store }, of).await?;
        let items = page.items.into_iter().map(TransferDocument::from).collect();
        Ok(TransferList { items, next_cursor: page.next.map(|cursor| cursor.to_string()) })
    }
}

/// Has it tried again, and shows it as the read tables then have it.
pub(super) async fn try_again(
    app: Arc<App>,
    caller: Caller,
    request: Request,
    id: TransferId,
) -> Result<Done<TransferDocument>, TransferRetryProblem> {
    let position = retry(app.drive.journal(), &request, id).await?.position;
    app.drive.visible(position).await;
    let tables = app.reach(&caller, Some(position.0)).await?;
    let record = transfer_by_id(&*tables, id).await.map_err(Problem::from)?;
    let missing = || Problem::of(common::unavailable).detail("The read tables do not show this transfer yet; try again.");
    Ok(Done { status: 200, position: Some(position), body: record.ok_or_else(missing)?.into() })
}

impl From<TransferRecord> for TransferDocument {
    fn from(record: TransferRecord) -> Self {
        Self {
            id: record.id.0,
            sha256: record.sha256.to_string(),
            size: record.size,
            from: record.from,
            to: record.to,
            state: record.phase.into(),
            failures: record.failures,
            reason: record.reason,
            worker: record.worker,
            requested_at: record.requested_at.into(),
            updated_at: record.updated_at.into(),
        }
    }
}

impl From<Phase> for TransferState {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Requested => Self::Requested,
            Phase::Queued => Self::Queued,
            Phase::Started => Self::Started,
            Phase::Stalled => Self::Stalled,
            Phase::Completed => Self::Completed,
            Phase::Abandoned => Self::Abandoned,
        }
    }
}

impl From<TransferState> for Phase {
    fn from(state: TransferState) -> Self {
        match state {
            TransferState::Requested => Self::Requested,
            TransferState::Queued => Self::Queued,
            TransferState::Started => Self::Started,
            TransferState::Stalled => Self::Stalled,
            TransferState::Completed => Self::Completed,
            TransferState::Abandoned => Self::Abandoned,
        }
    }
}

const EXAMPLE_ID: Uuid = Uuid::from_u128(0x3d2f_8a6e_07b1_5c4d_9e58_61f0_a7c3_24db);

impl Example for TransferDocument {
    fn example() -> Self {
        Self {
            id: EXAMPLE_ID,
            sha256: "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9".to_owned(),
            size: 11,
            from: "local".to_owned(),
            to: "oss".to_owned(),
            state: TransferState::Stalled,
            failures: 5,
            reason: Some("the blob store did not answer".to_owned()),
            worker: Some("transfer-1".to_owned()),
            requested_at: cairn_domain::Timestamp(1_769_860_800_000_000).into(),
            updated_at: cairn_domain::Timestamp(1_769_864_400_000_000).into(),
        }
    }
}

impl Example for TransferList {
    fn example() -> Self {
        Self { items: vec![TransferDocument::example()], next_cursor: None }
    }
}

impl Example for TransferRetryBody {
    fn example() -> Self {
        Self { id: EXAMPLE_ID }
    }
}

#[cfg(test)]
mod tests;
