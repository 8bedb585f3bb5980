//! Entries of a drive: renaming, moving, the trash, and their history.

mod add;
mod delete;
mod history;
mod replace;
mod restore;
mod update;

pub(crate) use add::{NewEntry, add_stored};
pub use delete::{Deleted, delete};
pub use history::{History, history};
pub use replace::{ReplaceError, may_replace, restore_version};
pub(crate) use replace::{purge_holder, replace_by};
pub use restore::restore;
pub use update::{UpdateError, UpdateFile, update};

use cairn_domain::blob::Blob;
use cairn_domain::file::{Entry, File, FileRejection, FileStatus};
use cairn_domain::folder::FolderStatus;
use cairn_domain::policy::{Act, Asker, Subject, allows};
use cairn_domain::{FileId, FileName, StreamName};

use crate::folder::status_of_place;
use crate::upload::home_of;
use crate::{Caller, Drive, Loaded, Trouble};

/// Why a change to an entry did not happen.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The caller has no such entry.
    #[error("there is no such file")]
    Absent,
    /// The drive could not.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

impl From<FileRejection> for FileError {
    fn from(rejection: FileRejection) -> Self {
        match rejection {
            FileRejection::Absent => Self::Absent,
            FileRejection::AlreadyAdded | FileRejection::Trashed | FileRejection::NoSuchVersion => Self::Trouble(Trouble::Busy),
        }
    }
}

/// The entry, if the caller may do with it whatever its owner may; to others it is as absent as one that never was.
pub(crate) fn own_entry<'a>(id: FileId, file: &'a Loaded<File>, caller: &Caller) -> Option<&'a Entry> {
    // In the trash or not, it is theirs.
    file.state.entry().filter(|entry| allows(caller.asker(), Act::Own, subject_of(id, entry, FolderStatus::Active)))
}

/// The entry, if whoever holds a link or a share may have its present content.
pub async fn readable(drive: &Drive, asker: Asker<'_>, id: FileId) -> Result<Option<Loaded<File>>, Trouble> {
    let file = load(drive, id).await?;
    let Some(entry) = file.state.entry() else { return Ok(None) };
    let place = status_of_place(drive, entry.added.owner, entry.folder).await?;
    let allowed = allows(asker, Act::Read, subject_of(id, entry, place));
    Ok(allowed.then_some(file))
}

/// An entry as the policy sees it, in a place of that status.
fn subject_of(id: FileId, entry: &Entry, place: FolderStatus) -> Subject {
    let in_use = entry.status == FileStatus::Active && place == FolderStatus::Active;
    Subject { id, owner: entry.added.owner, in_use, holds_version: entry.added.version_of.is_some() }
}

/// An entry as the log has it, whoever owns it: the caller says who may see it.
pub async fn load(drive: &Drive, id: FileId) -> Result<Loaded<File>, Trouble> {
    drive.journal.load(&StreamName::file(id)).await
}

/// The caller's entry as the log has it, in use or in the trash; none when it is somebody else's or gone, by itself or with its folder.
pub async fn own(drive: &Drive, caller: &Caller, id: FileId) -> Result<Option<Loaded<File>>, Trouble> {
    let file = load(drive, id).await?;
    let Some(entry) = own_entry(id, &file, caller) else { return Ok(None) };
    let place = status_of_place(drive, caller.account, entry.folder).await?;
    Ok((place != FolderStatus::Absent).then_some(file))
}

/// The name of the store that holds an entry's content.
pub async fn stored_in(drive: &Drive, entry: &Entry) -> Result<String, Trouble> {
    let blob = drive.journal.load::<Blob>(&StreamName::blob(entry.content().sha256)).await?;
    Ok(home_of(drive, &blob.state))
}

/// The media type that was told, or the one that the name suggests.
pub(crate) fn content_type_of(told: Option<String>, name: &FileName) -> String {
    told.filter(|told| told != "application/octet-stream" && is_media_type(told))
        .unwrap_or_else(|| mime_guess::from_path(name.as_str()).first_or_octet_stream().to_string())
}

/// RFC 9110 section 8.3.1: type and subtype are tokens; parameters may follow.
fn is_media_type(text: &str) -> bool {
    let token = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b));
    let plain = text.len() <= 255 && text.bytes().all(|b| (b' '..0x7f).contains(&b));
    let essence = text.split(';').next().unwrap_or_default().trim();
    plain && essence.split_once('/').is_some_and(|(kind, subtype)| token(kind) && token(subtype))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_told_media_type_counts_when_it_is_one() {
        let name: FileName = "photo.png".parse().expect("a name");
        assert_eq!(content_type_of(Some("text/csv; charset=utf-8".to_owned()), &name), "text/csv; charset=utf-8");
        for told in [None, Some("application/octet-stream"), Some("nonsense"), Some("a/b\r\nx: y"), Some("/")] {
            assert_eq!(content_type_of(told.map(str::to_owned), &name), "image/png", "{told:?}");
        }
    }
}
