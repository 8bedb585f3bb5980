use cairn_domain::file::{Entry, File};
use cairn_domain::offline::{OfflineCompleted, OfflineRequested};
use cairn_domain::{OfflineId, StreamName};

use super::{file_of, request_of};
use crate::instant::Wanted;
use crate::ports::views::ContentHash;
use crate::{Drive, Trouble, folder, instant};

/// Makes the entry at once when the owner has said what it will be and has that content already. A digest alone shows nothing: of what only
/// others have the bytes are fetched, like any others.
pub(crate) async fn take_known(
    drive: &Drive,
    id: OfflineId,
    requested: &OfflineRequested,
) -> Result<Option<OfflineCompleted>, Trouble> {
    let Some(sha256) = requested.expected_sha256 else { return Ok(None) };
    let owner = requested.owner;
    let Some(known) = drive.ports.views.entry_with_content(owner, ContentHash::Sha256(sha256)).await? else { return Ok(None) };
    let entry = drive.journal.load::<File>(&StreamName::file(known)).await?;
    let has_it = |entry: &&Entry| entry.added.owner == owner && entry.content().sha256 == sha256;
    let Some(entry) = entry.state.entry().filter(has_it) else { return Ok(None) };
    let name = requested.name.clone().unwrap_or_else(|| entry.name.clone());
    let folder = folder::still_in_use(drive, owner, requested.folder).await?;
    let added = instant::add_entry(drive, &request_of(id), owner, sha256, Wanted { name, folder, replaces: None }).await?;
    let size = |file: &File| file.entry().map(|entry| entry.content().size);
    Ok(added.and_then(|added| size(&added.file.state)).map(|size| OfflineCompleted { file: file_of(id), size }))
}
