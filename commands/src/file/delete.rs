use cairn_domain::file::{File, FileCommand};
use cairn_domain::{Decider, FileId, Position, StreamName};

use super::{FileError, own_entry};
use crate::journal::Start;
use crate::{Caller, Drive, Loaded, Request};

/// What has become of the entry.
#[derive(Debug, Clone)]
pub enum Deleted {
    /// It is in the trash.
    Trashed(Box<Loaded<File>>),
    /// It is gone for good.
    Purged(Position),
}

/// Puts an entry into the trash, or with `purge` removes it for good. No other entry is touched.
pub async fn delete(drive: &Drive, request: &Request, caller: &Caller, id: FileId, purge: bool) -> Result<Deleted, FileError> {
    let decide = |file: &Loaded<File>| -> Result<_, FileError> {
        own_entry(file, caller).ok_or(FileError::Absent)?;
        Ok(file.state.decide(if purge { FileCommand::Purge } else { FileCommand::Trash })?)
    };
    let file: Loaded<File> = drive.journal.execute(&StreamName::file(id), Start::Load, request, decide).await?;
    drive.visible(file.position).await;
    Ok(if purge { Deleted::Purged(file.position) } else { Deleted::Trashed(Box::new(file)) })
}
