//! Bringing what somebody has back to how it was: by what would be done by hand, so that it can be undone, and nothing is taken from the log.

use cairn_domain::file::{File, FileCommand, FileEvent, FileRejection, FileStatus};
use cairn_domain::folder::{CreateFolder, FolderCommand, FolderEvent, FolderRejection, FolderStatus, Tree, UpdateFolder};
use cairn_domain::{AccountId, CommandId, Decider, FileId, FileName, FolderId, Position, Sha256, StreamName, Timestamp};

use crate::journal::Start;
use crate::{Journal, Loaded, Request, Trouble};

/// How one thing shall be. Whatever of that it is already stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// In use, of that name, there; made if it is not there.
    Folder {
        /// Which.
        folder: FolderId,
        /// What it is called.
        name: FileName,
        /// Where it stands; none is the top.
        parent: Option<FolderId>,
    },
    /// In use, of that name, there, with that content.
    File {
        /// Which.
        file: FileId,
        /// What it is called.
        name: FileName,
        /// Where it stands; none is the top.
        folder: Option<FolderId>,
        /// What it holds.
        sha256: Sha256,
    },
    /// In the trash, with everything in it.
    FolderInTrash(FolderId),
    /// In the trash.
    FileInTrash(FileId),
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is so now. Where the log stood then.
    Done(Position),
    /// It was so already.
    WasSo,
    /// The entry is gone for good.
    EntryGone,
    /// The entry is back, but the content that it had is gone for good.
    ContentGone,
}

/// Takes a step in the drive of an account; its events are those of the command `request`, each step with an id of its own.
pub async fn take(journal: &Journal, request: &Request, owner: AccountId, now: Timestamp, step: &Step) -> Result<Taken, Trouble> {
    let of_step = |what: &str| Request { command: request.command.then(what), ..request.clone() };
    match step {
        Step::Folder { folder, name, parent } => {
            let wish = UpdateFolder { folder: *folder, name: Some(name.clone()), parent: Some(*parent), at: now };
            on_folders(journal, &of_step(&folder.to_string()), owner, |tree| bring_folder(tree, &wish)).await
        }
        Step::FolderInTrash(folder) => {
            let trash = |tree: &Tree| tree.decide(FolderCommand::Trash { folder: *folder, at: now });
            on_folders(journal, &of_step(&folder.to_string()), owner, trash).await
        }
        Step::File { file, name, folder, sha256 } => {
            let wish = FileWish { name: name.clone(), folder: *folder, sha256: *sha256, at: now };
            on_file(journal, &of_step(&file.to_string()), owner, *file, |file| bring_file(file, &wish)).await
        }
        Step::FileInTrash(file) => {
            let trash = |file: &File| Ok((file.decide(FileCommand::Trash)?, true));
            on_file(journal, &of_step(&file.to_string()), owner, *file, trash).await
        }
    }
}

/// Whether a step has to be taken. What is in the trash by itself need not be put there; what is there with its folder comes out with it.
pub async fn is_needed(journal: &Journal, owner: AccountId, step: &Step) -> Result<bool, Trouble> {
    match step {
        Step::FolderInTrash(folder) => {
            let tree = journal.load::<Tree>(&StreamName::tree(owner)).await?.state;
            Ok(tree.folder(*folder).is_some_and(|folder| !folder.trashed))
        }
        Step::FileInTrash(file) => {
            let file = journal.load::<File>(&StreamName::file(*file)).await?.state;
            Ok(file.entry().is_some_and(|entry| entry.status == FileStatus::Active))
        }
        Step::Folder { .. } | Step::File { .. } => Ok(true),
    }
}

fn bring_folder(tree: &Tree, wish: &UpdateFolder) -> Result<Vec<FolderEvent>, FolderRejection> {
    let UpdateFolder { folder, name, parent, at } = wish.clone();
    let mut events = match tree.status(folder) {
        FolderStatus::Active => Vec::new(),
        FolderStatus::Trashed => tree.decide(FolderCommand::Restore { folder, at })?,
        FolderStatus::Absent => {
            let name = name.ok_or(FolderRejection::Absent)?;
            let create = CreateFolder { folder, name, parent: parent.flatten(), at, folders_max: usize::MAX };
            return tree.decide(FolderCommand::Create(create));
        }
    };
    let there = events.iter().fold(tree.clone(), Tree::evolve);
    events.extend(there.decide(FolderCommand::Update(wish.clone()))?);
    Ok(events)
}

struct FileWish {
    name: FileName,
    folder: Option<FolderId>,
    sha256: Sha256,
    at: Timestamp,
}

/// What brings the file there, and whether its content comes along.
fn bring_file(file: &File, wish: &FileWish) -> Result<(Vec<FileEvent>, bool), FileRejection> {
    let entry = file.entry().ok_or(FileRejection::Absent)?;
    let mut events = if entry.status == FileStatus::Trashed { file.decide(FileCommand::Restore)? } else { Vec::new() };
    let mut there = events.iter().fold(file.clone(), File::evolve);
    let more = there.decide(FileCommand::Update { name: Some(wish.name.clone()), folder: Some(wish.folder) })?;
    there = more.iter().fold(there, File::evolve);
    events.extend(more);
    if entry.content().sha256 == wish.sha256 {
        return Ok((events, true));
    }
    let kept = entry.versions().iter().rev().find(|version| version.content.sha256 == wish.sha256);
    let Some(kept) = kept else { return Ok((events, false)) };
    events.extend(there.decide(FileCommand::RestoreVersion { number: kept.number, at: wish.at })?);
    Ok((events, true))
}

async fn on_folders(
    journal: &Journal,
    request: &Request,
    owner: AccountId,
    decide: impl Fn(&Tree) -> Result<Vec<FolderEvent>, FolderRejection>,
) -> Result<Taken, Trouble> {
    let before = journal.load::<Tree>(&StreamName::tree(owner)).await?;
    let gone = std::cell::Cell::new(false);
    let decide = |tree: &Loaded<Tree>| match decide(&tree.state) {
        // A folder above it may have gone to the trash just now; whoever asks again sees it.
        Err(FolderRejection::Absent | FolderRejection::NoSuchParent | FolderRejection::Trashed | FolderRejection::Cycle) => {
            gone.set(true);
            Ok(Vec::new())
        }
        Err(FolderRejection::TooMany) => Err(Trouble::Busy),
        Ok(events) => Ok(events),
    };
    let after = journal.execute::<Tree, Trouble>(&StreamName::tree(owner), Start::Load, request, decide).await?;
    Ok(if gone.get() { Taken::EntryGone } else { taken(before.version, &after) })
}

async fn on_file(
    journal: &Journal,
    request: &Request,
    owner: AccountId,
    id: FileId,
    decide: impl Fn(&File) -> Result<(Vec<FileEvent>, bool), FileRejection>,
) -> Result<Taken, Trouble> {
    let stream = StreamName::file(id);
    let before = journal.load::<File>(&stream).await?;
    if before.state.entry().is_none_or(|entry| entry.added.owner != owner) {
        return Ok(Taken::EntryGone);
    }
    let (gone, whole) = (std::cell::Cell::new(false), std::cell::Cell::new(true));
    let decide = |file: &Loaded<File>| {
        let decided = decide(&file.state).ok();
        gone.set(decided.is_none());
        let (events, with_content) = decided.unwrap_or_default();
        whole.set(with_content);
        Ok::<_, Trouble>(events)
    };
    let after = journal.execute::<File, Trouble>(&stream, Start::Load, request, decide).await?;
    Ok(match (gone.get(), whole.get()) {
        (true, _) => Taken::EntryGone,
        (false, false) => Taken::ContentGone,
        (false, true) => taken(before.version, &after),
    })
}

fn taken<D>(before: Option<cairn_domain::Version>, after: &Loaded<D>) -> Taken {
    if after.version == before { Taken::WasSo } else { Taken::Done(after.position) }
}

/// The id under which a folder that is gone for good is made again. It follows from the old one, so that whoever asks once more finds the folder that
/// was made; it is another one, so that what is still purged of the old folder does not take the new along.
pub fn made_again(gone: FolderId) -> FolderId {
    FolderId(CommandId(gone.0).derive("made again"))
}

/// The command of bringing something back; once for each time that it is asked for.
pub fn request(command: CommandId) -> Request {
    Request { correlation: Some(command.0.to_string()), ..Request::of_system(command) }
}
