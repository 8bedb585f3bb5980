//! Files that the drive fetches from elsewhere.

use cairn_domain::Event;
use cairn_domain::offline::{OfflineEvent, OfflineRequested};

use super::{Envelope, Projection, Unprojectable};
use crate::statement::{Statement, Value, value::integer};
use crate::table::{Columns, Table};

/// It waits for a worker, as `tbl_offline.state` says it.
pub const QUEUED: &str = "queued";
/// A worker is at it.
pub const RUNNING: &str = "running";
/// The file is in the drive.
pub const COMPLETED: &str = "completed";
/// It can't be had.
pub const FAILED: &str = "failed";
/// Its owner does not want it any more.
pub const CANCELLED: &str = "cancelled";

table! {
    /// One row per offline download.
    OfflineRow = "tbl_offline" {
        /// The download.
        Id = "id": Id,
        /// Whose it is.
        Owner = "owner": Id,
        /// Where the file is.
        Url = "url": Text(2048),
        /// What the file will be called, as far as that is known.
        Name = "name": MaybeText(255),
        /// Queued, running, completed, failed or cancelled.
        State = "state": Text(16),
        /// How much had come when something was last heard of it.
        ReceivedBytes = "received_bytes": Integer,
        /// Of the whole file, as far as that is known.
        TotalBytes = "total_bytes": MaybeInteger,
        /// Why it can't be had, as a code.
        Error = "error": MaybeText(32),
        /// The same in a sentence, where there is more to say.
        Detail = "detail": MaybeText(1024),
        /// The entry that came of it.
        FileId = "file_id": MaybeId,
        /// When it was asked for.
        RequestedAt = "requested_at": Integer,
        /// When something was last heard of it.
        UpdatedAt = "updated_at": Integer,
        /// Where in the log it was asked for: what "newest first" goes by, because it is unique.
        RequestedPosition = "requested_position": Integer,
    }
    indexes {
        "ix_offline_owner": [Owner, RequestedPosition],
        "ix_offline_open": [Owner, State],
        "ix_offline_state": [State, RequestedPosition],
        "ix_offline_updated_at": [State, UpdatedAt],
    }
}

/// `tbl_offline`.
#[derive(Debug, Clone, Copy)]
pub struct OfflineDownloads;

impl Projection for OfflineDownloads {
    fn name(&self) -> &'static str {
        "offline"
    }

    fn version(&self) -> u32 {
        1
    }

    fn tables(&self) -> &'static [&'static Table] {
        &[OfflineRow::TABLE]
    }

    fn events(&self) -> &'static [&'static str] {
        &[
            "OfflineRequested",
            "OfflineStarted",
            "OfflineFound",
            "OfflineProgressed",
            "OfflineCompleted",
            "OfflineFailed",
            "OfflineCancelled",
        ]
    }

    fn project(&self, event: &Event, envelope: Envelope<'_>) -> Result<Vec<Statement>, Unprojectable> {
        let Event::Offline(event) = event else { return Ok(Vec::new()) };
        Ok(vec![match event {
            OfflineEvent::OfflineRequested(request) => begin(request, envelope)?,
            OfflineEvent::OfflineStarted(_) => change(envelope, [is(RUNNING)]),
            OfflineEvent::OfflineFound(found) => {
                let total = found.size.map(integer).transpose()?;
                let name = (OfflineRow::Name, found.name.to_string().into());
                change(envelope, [name, received(0)?, (OfflineRow::TotalBytes, total.into())])
            }
            OfflineEvent::OfflineProgressed(progressed) => change(envelope, [received(progressed.received_bytes)?]),
            OfflineEvent::OfflineCompleted(completed) => {
                let total = (OfflineRow::TotalBytes, integer(completed.size)?.into());
                let file = (OfflineRow::FileId, Some(completed.file).into());
                let no_error = [(OfflineRow::Error, Value::Null), (OfflineRow::Detail, Value::Null)];
                let [error, detail] = no_error;
                change(envelope, [is(COMPLETED), received(completed.size)?, total, file, error, detail])
            }
            OfflineEvent::OfflineFailed(failed) => {
                let detail = failed.detail.as_deref().map(|detail| detail.chars().take(DETAIL_CHARACTERS_MAX).collect::<String>());
                let error = (OfflineRow::Error, failed.reason.code().into());
                change(envelope, [is(FAILED), error, (OfflineRow::Detail, detail.into())])
            }
            OfflineEvent::OfflineCancelled(_) => change(envelope, [is(CANCELLED)]),
        }])
    }
}

/// What the column takes.
const DETAIL_CHARACTERS_MAX: usize = 1024;

fn begin(request: &OfflineRequested, envelope: Envelope<'_>) -> Result<Statement, Unprojectable> {
    let row = [
        (OfflineRow::Owner, request.owner.into()),
        (OfflineRow::Url, request.url.to_string().into()),
        (OfflineRow::Name, request.name.as_ref().map(ToString::to_string).into()),
        is(QUEUED),
        received(0)?,
        (OfflineRow::TotalBytes, Value::Null),
        (OfflineRow::Error, Value::Null),
        (OfflineRow::Detail, Value::Null),
        (OfflineRow::FileId, Value::Null),
        (OfflineRow::RequestedAt, envelope.time.into()),
        (OfflineRow::UpdatedAt, envelope.time.into()),
        (OfflineRow::RequestedPosition, envelope.position.try_into()?),
    ];
    Ok(Statement::put(envelope.id(), row))
}

fn change<const N: usize>(envelope: Envelope<'_>, values: [(OfflineRow, Value); N]) -> Statement {
    Statement::set(envelope.id(), values.into_iter().chain([(OfflineRow::UpdatedAt, envelope.time.into())]))
}

fn is(state: &'static str) -> (OfflineRow, Value) {
    (OfflineRow::State, state.into())
}

fn received(bytes: u64) -> Result<(OfflineRow, Value), Unprojectable> {
    Ok((OfflineRow::ReceivedBytes, integer(bytes)?.into()))
}
