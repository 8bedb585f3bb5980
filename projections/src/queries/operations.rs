use cairn_domain::Position;

use super::PAGE_MAX;
use crate::bookkeeping;
use crate::ports::{Checkpoint, Parked, ReadError, ReadTables};

/// How far every projection has come. There are as many rows as projections.
pub async fn checkpoints(tables: &dyn ReadTables) -> Result<Vec<Checkpoint>, ReadError> {
    let rows = tables.rows(bookkeeping::checkpoints(tables.dialect())).await?;
    rows.iter().map(bookkeeping::checkpoint).collect()
}

/// What is parked for a projection after a position, in log order; at most `limit`, and at most [`PAGE_MAX`].
pub async fn parked(tables: &dyn ReadTables, projection: &str, after: Position, limit: u64) -> Result<Vec<Parked>, ReadError> {
    let limit = usize::try_from(limit.min(PAGE_MAX)).unwrap_or(usize::MAX);
    let rows = tables.rows(bookkeeping::parked(tables.dialect(), projection, after, limit)).await?;
    rows.iter().map(bookkeeping::parked_event).collect()
}
