use super::event::{FileAdded, FileEvent, FileMoved, FilePurged, FileRenamed, FileRestored, FileTrashed};
use super::{FileCommand, FileRejection};
use crate::{Decider, FileName, FolderId};

/// An entry, folded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct File(Option<Entry>);

/// What is known of an entry that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// As it was made.
    pub added: FileAdded,
    /// What it is called now.
    pub name: FileName,
    /// Where it stands now; none is the top.
    pub folder: Option<FolderId>,
    /// Whether it is in use, in the trash or gone.
    pub status: FileStatus,
}

/// Where an entry is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileStatus {
    /// In use.
    Active,
    /// In the trash.
    Trashed,
    /// Gone for good.
    Purged,
}

type Decision = Result<Vec<FileEvent>, FileRejection>;

impl File {
    /// The entry, if it was made and is not gone.
    pub fn entry(&self) -> Option<&Entry> {
        self.0.as_ref().filter(|entry| entry.status != FileStatus::Purged)
    }

    fn add(&self, added: FileAdded) -> Decision {
        match &self.0 {
            None => Ok(vec![FileEvent::FileAdded(added)]),
            Some(entry) if entry.added == added => Ok(Vec::new()),
            Some(_) => Err(FileRejection::AlreadyAdded),
        }
    }
}

impl Entry {
    fn update(&self, name: Option<FileName>, folder: Option<Option<FolderId>>) -> Decision {
        if self.status == FileStatus::Trashed {
            return Err(FileRejection::Trashed);
        }
        let name = name.filter(|name| *name != self.name);
        let folder = folder.filter(|folder| *folder != self.folder);
        let renamed = name.map(|name| FileEvent::FileRenamed(FileRenamed { name }));
        let moved = folder.map(|folder| FileEvent::FileMoved(FileMoved { folder }));
        Ok(renamed.into_iter().chain(moved).collect())
    }

    fn trash(&self) -> Vec<FileEvent> {
        self.only_when(FileStatus::Active, FileEvent::FileTrashed(FileTrashed {}))
    }

    fn restore(&self) -> Vec<FileEvent> {
        self.only_when(FileStatus::Trashed, FileEvent::FileRestored(FileRestored {}))
    }

    fn purge(&self) -> Vec<FileEvent> {
        let FileAdded { owner, size, sha256, .. } = self.added;
        vec![FileEvent::FilePurged(FilePurged { owner, size, sha256 })]
    }

    fn only_when(&self, status: FileStatus, event: FileEvent) -> Vec<FileEvent> {
        if self.status == status { vec![event] } else { Vec::new() }
    }
}

impl Decider for File {
    type Command = FileCommand;
    type Event = FileEvent;
    type Rejection = FileRejection;

    fn decide(&self, command: FileCommand) -> Decision {
        if let FileCommand::Add(added) = command {
            return self.add(added);
        }
        let entry = self.entry().ok_or(FileRejection::Absent)?;
        match command {
            FileCommand::Add(_) => Ok(Vec::new()),
            FileCommand::Update { name, folder } => entry.update(name, folder),
            FileCommand::Trash => Ok(entry.trash()),
            FileCommand::Restore => Ok(entry.restore()),
            FileCommand::Purge => Ok(entry.purge()),
        }
    }

    fn evolve(self, event: &FileEvent) -> Self {
        let Some(mut entry) = self.0 else {
            return Self(first(event));
        };
        match event {
            FileEvent::FileAdded(_) => {}
            FileEvent::FileRenamed(renamed) => entry.name = renamed.name.clone(),
            FileEvent::FileMoved(moved) => entry.folder = moved.folder,
            FileEvent::FileTrashed(_) if entry.status == FileStatus::Active => entry.status = FileStatus::Trashed,
            FileEvent::FileRestored(_) if entry.status == FileStatus::Trashed => entry.status = FileStatus::Active,
            FileEvent::FileTrashed(_) | FileEvent::FileRestored(_) => {}
            FileEvent::FilePurged(_) => entry.status = FileStatus::Purged,
        }
        Self(Some(entry))
    }

    fn commutes(_: &FileEvent) -> bool {
        false
    }
}

/// Only an addition makes an entry; anything else before it is noise.
fn first(event: &FileEvent) -> Option<Entry> {
    let FileEvent::FileAdded(added) = event else { return None };
    Some(Entry { name: added.name.clone(), folder: added.folder, status: FileStatus::Active, added: added.clone() })
}
