use std::collections::BTreeMap;

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

/// How many events are parked, by projection; one that is not named has none.
pub async fn parked_counts(tables: &dyn ReadTables) -> Result<BTreeMap<String, u64>, ReadError> {
    let rows = tables.rows(bookkeeping::parked_counts(tables.dialect())).await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// Which process has the right to move the checkpoint, by projection, where processes share the tables; one that is not named may be
/// moved by anybody.
pub async fn lease_owners(tables: &dyn ReadTables) -> Result<BTreeMap<String, String>, ReadError> {
    let rows = tables.rows(bookkeeping::leases(tables.dialect())).await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}
