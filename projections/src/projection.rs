//! From an event to changes of rows: pure, and all that has to be written for a new table.

use std::sync::Arc;

use cairn_domain::{Event, Position, StreamName, Timestamp, Version};

use crate::statement::{Statement, value::TooLarge};
use crate::table::Table;

pub mod files;
pub mod folders;
pub mod offline;
pub mod shares;
pub mod transfers;
pub mod uploads;
pub mod usage;
pub mod users;

#[cfg(test)]
mod tests;

/// Makes rows of events.
///
/// Laws: `project` depends on its arguments only; a row's key is made of the event and of its stream alone, and the events that change
/// one row stand on one stream, except that [`Change::Add`](crate::statement::Change::Add) may come from anywhere. So the events of different
/// streams commute, and a stream can be parked and taken up again later without harm to the rows of others.
pub trait Projection: Send + Sync {
    /// Unique, and never changed.
    fn name(&self) -> &'static str;

    /// Grows whenever the rows that come out, or the tables, are no longer the same: the rows are then made anew.
    fn version(&self) -> u32;

    /// Whether rows of that earlier version can be asked, and followed by this one, until they are made anew. For that its tables may lack
    /// nothing but columns which may be nothing, and those are added to them.
    fn serves(&self, _version: u32) -> bool {
        false
    }

    /// The tables that it alone writes.
    fn tables(&self) -> &'static [&'static Table];

    /// The names of the events that it looks at; all others are passed over without being decoded.
    fn events(&self) -> &'static [&'static str];

    /// What the event changes.
    fn project(&self, event: &Event, envelope: Envelope<'_>) -> Result<Vec<Statement>, Unprojectable>;
}

/// What a projection may know of an event beside the event.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// Where it stands.
    pub stream: &'a StreamName,
    /// Its number there, from 0.
    pub version: Version,
    /// Its number in the whole log, from 1.
    pub position: Position,
    /// When it was decided.
    pub time: Timestamp,
}

/// The event can't be made into rows: it will be parked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unprojectable {
    /// A number has no place in a column.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// The event stands on a stream whose id is not what such events are about.
    #[error("the stream's id {0:?} is not one of such an event")]
    Stream(String),
}

impl Envelope<'_> {
    /// The id of the stream, which is the key of the thing it is about.
    pub fn id(&self) -> String {
        self.stream.id().to_owned()
    }
}

/// Every projection of the drive.
pub fn projections() -> Vec<Arc<dyn Projection>> {
    vec![
        Arc::new(users::Users),
        Arc::new(files::Files),
        Arc::new(folders::Folders),
        Arc::new(shares::Shares),
        Arc::new(usage::Usage),
        Arc::new(uploads::Uploads),
        Arc::new(transfers::Transfers),
        Arc::new(offline::OfflineDownloads),
    ]
}
