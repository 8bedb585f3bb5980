//! Uploads, from their start to their end.

use cairn_domain::upload::{UploadEvent, UploadStarted};
use cairn_domain::{Event, FileId, Timestamp};

use super::{Envelope, Projection, Unprojectable};
use crate::statement::{Statement, Value, value::integer};
use crate::table::{Columns, Table};

/// Parts may come, as `tbl_upload.state` says it.
pub const OPEN: &str = "open";
/// It has become a file.
pub const MERGED: &str = "merged";
/// Its owner gave it up.
pub const CANCELLED: &str = "cancelled";
/// Nothing came for too long.
pub const EXPIRED: &str = "expired";
/// Its bytes were not what was declared.
pub const REJECTED: &str = "rejected";

table! {
    /// One row per upload in parts.
    Upload = "tbl_upload" {
        /// The upload.
        Id = "id": Id,
        /// Whose it is.
        Owner = "owner": Id,
        /// What the file will be called.
        Name = "name": Text(255),
        /// Where the file will stand; null is the top.
        FolderId = "folder_id": MaybeId,
        /// In bytes.
        Size = "size": Integer,
        /// Of every part but the last.
        PartBytes = "part_bytes": Integer,
        /// As declared.
        ExpectedSha256 = "expected_sha256": MaybeSha256,
        /// As declared.
        ExpectedSha1 = "expected_sha1": MaybeSha1,
        /// A media type.
        ContentType = "content_type": Text(255),
        /// Open, merged, cancelled, expired or rejected.
        State = "state": Text(16),
        /// The entry that came of it.
        FileId = "file_id": MaybeId,
        /// When it began.
        StartedAt = "started_at": Integer,
        /// Where in the log it began: what "newest first" goes by.
        StartedPosition = "started_position": Integer,
        /// When it ends by itself if nothing comes.
        ExpiresAt = "expires_at": Integer,
        /// When it last changed.
        UpdatedAt = "updated_at": Integer,
    }
    indexes {
        "ix_upload_owner": [Owner, State, StartedPosition],
        "ix_upload_expires_at": [State, ExpiresAt],
    }
}

/// `tbl_upload`.
#[derive(Debug, Clone, Copy)]
pub struct Uploads;

impl Projection for Uploads {
    fn name(&self) -> &'static str {
        "uploads"
    }

    fn version(&self) -> u32 {
        1
    }

    fn tables(&self) -> &'static [&'static Table] {
        &[Upload::TABLE]
    }

    fn events(&self) -> &'static [&'static str] {
        &["UploadStarted", "ChunkReceived", "FileMerged", "UploadCancelled", "UploadExpired", "UploadRejected"]
    }

    fn project(&self, event: &Event, envelope: Envelope<'_>) -> Result<Vec<Statement>, Unprojectable> {
        let Event::Upload(event) = event else { return Ok(Vec::new()) };
        if matches!(event, UploadEvent::UploadStarted(UploadStarted { offline: Some(_), .. })) {
            // Nobody but the drive takes part in it: without a row, what follows changes none.
            return Ok(Vec::new());
        }
        Ok(vec![match event {
            UploadEvent::UploadStarted(started) => start(started, envelope)?,
            UploadEvent::ChunkReceived(chunk) => slide(chunk.expires_at, envelope),
            UploadEvent::FileMerged(merged) => end(MERGED, Some(merged.file), envelope),
            UploadEvent::UploadCancelled(_) => end(CANCELLED, None, envelope),
            UploadEvent::UploadExpired(_) => end(EXPIRED, None, envelope),
            UploadEvent::UploadRejected(_) => end(REJECTED, None, envelope),
        }])
    }
}

fn start(started: &UploadStarted, envelope: Envelope<'_>) -> Result<Statement, Unprojectable> {
    Ok(Statement::put(
        envelope.id(),
        [
            (Upload::Owner, started.owner.into()),
            (Upload::Name, started.name.to_string().into()),
            (Upload::FolderId, started.folder.into()),
            (Upload::Size, integer(started.size)?.into()),
            (Upload::PartBytes, integer(started.part_bytes)?.into()),
            (Upload::ExpectedSha256, started.expected_sha256.into()),
            (Upload::ExpectedSha1, started.expected_sha1.into()),
            (Upload::ContentType, started.content_type.clone().into()),
            (Upload::State, OPEN.into()),
            (Upload::FileId, Value::Null),
            (Upload::StartedAt, envelope.time.into()),
            (Upload::StartedPosition, envelope.position.try_into()?),
            (Upload::ExpiresAt, started.expires_at.into()),
            (Upload::UpdatedAt, envelope.time.into()),
        ],
    ))
}

/// Parts that came at the same moment may be recorded in either order, so this can be early by that moment. Whoever ends an upload
/// because of it decides again on the log.
fn slide(expires_at: Timestamp, envelope: Envelope<'_>) -> Statement {
    Statement::set(envelope.id(), [(Upload::ExpiresAt, expires_at.into()), (Upload::UpdatedAt, envelope.time.into())])
}

fn end(state: &'static str, file: Option<FileId>, envelope: Envelope<'_>) -> Statement {
    Statement::set(
        envelope.id(),
        [(Upload::State, state.into()), (Upload::FileId, file.into()), (Upload::UpdatedAt, envelope.time.into())],
    )
}
