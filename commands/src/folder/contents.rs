//! Entries that stood in folders that are gone for good follow them.

use cairn_domain::file::{File, FileCommand, FileRejection};
use cairn_domain::{AccountId, CommandId, Decider, EventId, FileId, FolderId, StreamName};

use crate::journal::Start;
use crate::{Drive, Loaded, Request, Trouble};

/// Entries that are purged while somebody waits for it.
pub(crate) const INLINE_MAX: u64 = 200;
/// Entries that one look asks for.
const PAGE: u64 = 200;

/// Purges what stands in these folders of the owner's, as far as the read tables know of it, as long as `goes_on` wants so, which is asked before
/// each page with what was purged so far. Returns how many. To be repeated at will.
pub(crate) async fn purge_contents_of(
    drive: &Drive,
    owner: AccountId,
    folders: &[FolderId],
    cause: EventId,
    goes_on: impl Fn(u64) -> bool + Send,
) -> Result<u64, Trouble> {
    let mut purged = 0;
    for folder in folders {
        let mut after = None;
        while goes_on(purged) {
            let entries = drive.ports.views.entries_in(owner, *folder, after, PAGE).await?;
            let Some(last) = entries.last() else { break };
            after = Some(last.1);
            for (entry, _) in &entries {
                match purge(drive, *entry, *folder, cause).await {
                    Ok(gone) => purged += u64::from(gone),
                    // One that can't be judged must not keep the others.
                    Err(trouble @ Trouble::Broken(_)) => {
                        tracing::error!(%entry, error = ?trouble, "an entry of a folder that is gone can't be purged");
                    }
                    Err(trouble) => return Err(trouble),
                }
            }
        }
    }
    Ok(purged)
}

/// Unless it was taken out before the folder went. True when it is gone now.
async fn purge(drive: &Drive, entry: FileId, folder: FolderId, cause: EventId) -> Result<bool, Trouble> {
    let stream = StreamName::file(entry);
    let command = CommandId(cause.0).then(stream.as_str());
    let request = Request::of_system(command).because_of(cause, command);
    let decide = |file: &Loaded<File>| match file.state.entry() {
        Some(there) if there.folder == Some(folder) => match file.state.decide(FileCommand::Purge) {
            Ok(events) => Ok(events),
            Err(FileRejection::Absent) => Ok(Vec::new()),
            Err(other) => Err(Trouble::Broken(format!("{other:?}").into())),
        },
        _ => Ok(Vec::new()),
    };
    let file = drive.journal.execute::<File, Trouble>(&stream, Start::Load, &request, decide).await?;
    Ok(file.state.entry().is_none())
}
