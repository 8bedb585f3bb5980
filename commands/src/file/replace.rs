use cairn_domain::file::{Content, Entry, File, FileCommand, FileRejection, FileStatus, Replace};
use cairn_domain::folder::FolderStatus;
use cairn_domain::{AccountId, CommandId, Decider, EventId, FileId, StreamName, Version};

use super::{FileError, own_entry};
use crate::folder::status_of_place;
use crate::journal::Start;
use crate::{Caller, Drive, Loaded, Request, Trouble};

/// Why an entry does not get another content.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    /// The caller has no such entry.
    #[error("there is no such file")]
    Absent,
    /// It is in the trash: restore it first.
    #[error("the file is in the trash")]
    Trashed,
    /// It does not keep that content, or never had it.
    #[error("there is no such version")]
    NoSuchVersion,
    /// The drive could not.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

impl From<FileRejection> for ReplaceError {
    fn from(rejection: FileRejection) -> Self {
        match rejection {
            FileRejection::Absent => Self::Absent,
            FileRejection::Trashed => Self::Trashed,
            FileRejection::NoSuchVersion => Self::NoSuchVersion,
            FileRejection::AlreadyAdded => Self::Trouble(Trouble::Busy),
        }
    }
}

impl From<FileError> for ReplaceError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Absent => Self::Absent,
            FileError::Trouble(trouble) => Self::Trouble(trouble),
        }
    }
}

/// For what replaces nothing.
impl From<ReplaceError> for Trouble {
    fn from(error: ReplaceError) -> Self {
        match error {
            ReplaceError::Trouble(trouble) => trouble,
            ReplaceError::Absent | ReplaceError::Trashed | ReplaceError::NoSuchVersion => Self::Broken(error.into()),
        }
    }
}

/// Whether the caller may put another content into the entry, as far as is known before that has come; none asks for nothing.
pub async fn may_replace(drive: &Drive, caller: &Caller, entry: Option<FileId>) -> Result<(), ReplaceError> {
    let Some(id) = entry else { return Ok(()) };
    let file = drive.journal.load::<File>(&StreamName::file(id)).await?;
    let entry = own_entry(id, &file, caller).ok_or(ReplaceError::Absent)?;
    match status_of_place(drive, caller.account, entry.folder).await? {
        FolderStatus::Active if entry.status == FileStatus::Active => Ok(()),
        FolderStatus::Active | FolderStatus::Trashed => Err(ReplaceError::Trashed),
        FolderStatus::Absent => Err(ReplaceError::Absent),
    }
}

/// Gives an entry the content that another one, which nobody sees, holds for it. To be repeated at will. When the entry has gone to the trash or
/// for good meanwhile, the one that holds the content goes as well.
pub(crate) async fn replace_by(
    drive: &Drive,
    request: &Request,
    owner: AccountId,
    entry: FileId,
    by: FileId,
) -> Result<Loaded<File>, ReplaceError> {
    let held = drive.journal.load::<File>(&StreamName::file(by)).await?;
    let Some(content) = held.state.entry().map(Entry::content) else {
        // It was replaced by this before, and by others since, and what held the content is gone.
        let file = drive.journal.load::<File>(&StreamName::file(entry)).await?;
        let is_theirs = file.state.entry().is_some_and(|entry| entry.added.owner == owner);
        return if held.version.is_some() && is_theirs { Ok(file) } else { Err(ReplaceError::Absent) };
    };
    let cause = held_since(drive, by).await?;
    let request = request.because_of(cause, CommandId(by.0).then("replace"));
    let replaced = append(drive, &Request { keyed: false, ..request }, owner, entry, by, content).await;
    match replaced {
        Ok(file) => {
            drive.visible(file.position).await;
            Ok(file)
        }
        Err(error @ (ReplaceError::Absent | ReplaceError::Trashed | ReplaceError::NoSuchVersion)) => {
            // Unless another run has come through meanwhile.
            let file = drive.journal.load::<File>(&StreamName::file(entry)).await?;
            let is_held = file.state.entry().is_some() && file.state.holders().any(|holder| holder == by);
            if !is_held {
                purge_holder(drive, cause, by).await?;
            }
            Err(error)
        }
        Err(error) => Err(error),
    }
}

async fn append(
    drive: &Drive,
    request: &Request,
    owner: AccountId,
    entry: FileId,
    by: FileId,
    content: Content,
) -> Result<Loaded<File>, ReplaceError> {
    let versions_max = usize::try_from(drive.limits.versions_max).unwrap_or(usize::MAX);
    let at = drive.ports.clock.now();
    let decide = |file: &Loaded<File>| -> Result<_, ReplaceError> {
        file.state.entry().filter(|entry| entry.added.owner == owner).ok_or(ReplaceError::Absent)?;
        let replace = Replace { by, content: content.clone(), at, versions_max };
        Ok(file.state.decide(FileCommand::Replace(replace))?)
    };
    drive.journal.execute(&StreamName::file(entry), Start::Load, request, decide).await
}

/// Gives the caller's entry a content again that it had before.
pub async fn restore_version(
    drive: &Drive,
    request: &Request,
    caller: &Caller,
    id: FileId,
    number: u64,
) -> Result<Loaded<File>, ReplaceError> {
    may_replace(drive, caller, Some(id)).await?;
    let at = drive.ports.clock.now();
    let decide = |file: &Loaded<File>| -> Result<_, ReplaceError> {
        own_entry(id, file, caller).ok_or(ReplaceError::Absent)?;
        Ok(file.state.decide(FileCommand::RestoreVersion { number, at })?)
    };
    let file = drive.journal.execute(&StreamName::file(id), Start::Load, request, decide).await?;
    drive.visible(file.position).await;
    Ok(file)
}

/// Purges an entry that holds a content which nobody keeps any more. True when it is gone by this.
pub(crate) async fn purge_holder(drive: &Drive, cause: EventId, holder: FileId) -> Result<bool, Trouble> {
    let stream = StreamName::file(holder);
    let command = CommandId(holder.0).then("purge");
    let request = Request::of_system(command).because_of(cause, command);
    let decide = |file: &Loaded<File>| {
        // Whoever asks is wrong about one that is somebody's own.
        if file.state.entry().is_none_or(|entry| entry.added.version_of.is_none()) {
            return Ok(Vec::new());
        }
        file.state.decide(FileCommand::Purge).map_err(|rejection| Trouble::Broken(format!("{rejection:?}").into()))
    };
    let there = drive.journal.load::<File>(&stream).await?.state.entry().is_some();
    let file = drive.journal.execute::<File, Trouble>(&stream, Start::Load, &request, decide).await?;
    Ok(there && file.state.entry().is_none())
}

/// The event with which the holder was made.
async fn held_since(drive: &Drive, holder: FileId) -> Result<EventId, Trouble> {
    let first = drive.ports.log.read_stream(&StreamName::file(holder), Version(0), 1).await?;
    first.first().map(|event| event.id).ok_or(Trouble::Busy)
}
