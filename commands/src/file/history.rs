use cairn_domain::file::File;
use cairn_domain::{FileId, StoredEvent, StreamName, Version};

use super::{FileError, own_entry};
use crate::{Caller, Drive, Trouble};

/// What happened to the caller's entry, oldest first, from a version on.
pub async fn history(
    drive: &Drive,
    caller: &Caller,
    id: FileId,
    from: Version,
    limit: usize,
) -> Result<Vec<StoredEvent>, FileError> {
    let stream = StreamName::file(id);
    let file = drive.journal.load::<File>(&stream).await?;
    own_entry(&file, caller).ok_or(FileError::Absent)?;
    Ok(drive.ports.log.read_stream(&stream, from, limit).await.map_err(Trouble::from)?)
}
