use super::event::{
    FileAdded, FileEvent, FileMoved, FilePurged, FileRenamed, FileReplaced, FileRestored, FileTrashed, FileVersionRemoved,
};
use super::{FileCommand, FileRejection, Replace};
use crate::{Decider, FileId, FileName, FolderId, Sha1, Sha256, Timestamp};

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
    /// The contents that it has had and still keeps, in the order of their coming. The first one is its own, the others are held by entries that
    /// nobody sees.
    versions: Vec<FileVersion>,
    /// Which of them it has now.
    current: u64,
    /// How many there ever were.
    numbered: u64,
}

/// A content that an entry has had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileVersion {
    /// From 1, in the order of their coming.
    pub number: u64,
    /// The entry that holds it; none for the content with which the entry itself was made.
    pub held_by: Option<FileId>,
    /// The content.
    pub content: Content,
    /// When it came; none for the content with which the entry was made.
    pub at: Option<Timestamp>,
    /// When another took its place; none for the one in use.
    pub replaced_at: Option<Timestamp>,
}

/// A content, as far as an entry tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// In bytes.
    pub size: u64,
    /// The content.
    pub sha256: Sha256,
    /// The content, for clients of the older protocol.
    pub sha1: Sha1,
    /// A media type.
    pub content_type: String,
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

    /// The entries that hold contents for this one, also when it is gone.
    pub fn holders(&self) -> impl Iterator<Item = FileId> {
        self.0.iter().flat_map(|entry| &entry.versions).filter_map(|version| version.held_by)
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
    fn new(added: &FileAdded) -> Self {
        let content =
            Content { size: added.size, sha256: added.sha256, sha1: added.sha1, content_type: added.content_type.clone() };
        Self {
            name: added.name.clone(),
            folder: added.folder,
            status: FileStatus::Active,
            versions: vec![FileVersion { number: 1, held_by: None, content, at: None, replaced_at: None }],
            current: 1,
            numbered: 1,
            added: added.clone(),
        }
    }

    /// The content that it has now.
    pub fn content(&self) -> Content {
        let current = self.versions.iter().find(|version| version.number == self.current);
        current.map_or_else(|| Self::new(&self.added).versions.remove(0).content, |version| version.content.clone())
    }

    /// The contents that it keeps, in the order of their coming.
    pub fn versions(&self) -> &[FileVersion] {
        &self.versions
    }

    /// The number of the content that it has now.
    pub fn current(&self) -> u64 {
        self.current
    }

    /// Whether it still needs the content with which it was made. Others are needed by the entries that hold them.
    pub fn keeps_original(&self) -> bool {
        self.versions.iter().any(|version| version.held_by.is_none())
    }

    /// What it occupies itself, in bytes: the content with which it was made, as long as it keeps that.
    pub fn occupies(&self) -> u64 {
        if self.keeps_original() { self.added.size } else { 0 }
    }

    fn update(&self, name: Option<FileName>, folder: Option<Option<FolderId>>) -> Decision {
        self.in_use()?;
        let name = name.filter(|name| *name != self.name);
        let folder = folder.filter(|folder| *folder != self.folder);
        let renamed = name.map(|name| FileEvent::FileRenamed(FileRenamed { name }));
        let moved = folder.map(|folder| FileEvent::FileMoved(FileMoved { folder }));
        Ok(renamed.into_iter().chain(moved).collect())
    }

    fn in_use(&self) -> Result<(), FileRejection> {
        if self.status == FileStatus::Trashed { Err(FileRejection::Trashed) } else { Ok(()) }
    }

    /// What is beyond the limit goes, what was replaced longest ago first.
    fn replace(&self, replace: Replace) -> Decision {
        let Replace { by, content: Content { size, sha256, sha1, content_type }, at, versions_max } = replace;
        if self.versions.iter().any(|version| version.held_by == Some(by)) {
            return Ok(Vec::new());
        }
        self.in_use()?;
        let beyond = (self.versions.len() + 1).saturating_sub(versions_max.max(1));
        let replaced = FileEvent::FileReplaced(FileReplaced { by: Some(by), size, sha256, sha1, content_type, at });
        let mut versions: Vec<_> = self.versions.iter().collect();
        versions.sort_by_key(|version| (version.replaced_at.is_none(), version.replaced_at, version.number));
        let removed = versions.into_iter().take(beyond).map(|version| self.removal(version));
        Ok(std::iter::once(replaced).chain(removed).collect())
    }

    fn restore_version(&self, number: u64, at: Timestamp) -> Decision {
        self.in_use()?;
        let version = self.versions.iter().find(|version| version.number == number).ok_or(FileRejection::NoSuchVersion)?;
        if number == self.current {
            return Ok(Vec::new());
        }
        let FileVersion { held_by: by, content: Content { size, sha256, sha1, content_type }, .. } = version.clone();
        Ok(vec![FileEvent::FileReplaced(FileReplaced { by, size, sha256, sha1, content_type, at })])
    }

    /// Versions that another has replaced before that time; the one in use stays.
    fn remove_versions(&self, replaced_before: Timestamp) -> Vec<FileEvent> {
        let old =
            |version: &&FileVersion| version.number != self.current && version.replaced_at.is_some_and(|at| at < replaced_before);
        self.versions.iter().filter(old).map(|version| self.removal(version)).collect()
    }

    fn removal(&self, version: &FileVersion) -> FileEvent {
        let (owner, size, sha256) = (self.added.owner, version.content.size, version.content.sha256);
        FileEvent::FileVersionRemoved(FileVersionRemoved { held_by: version.held_by, owner, size, sha256 })
    }

    fn trash(&self) -> Vec<FileEvent> {
        self.only_when(FileStatus::Active, FileEvent::FileTrashed(FileTrashed {}))
    }

    fn restore(&self) -> Vec<FileEvent> {
        self.only_when(FileStatus::Trashed, FileEvent::FileRestored(FileRestored {}))
    }

    fn purge(&self) -> Vec<FileEvent> {
        let FileAdded { owner, sha256, .. } = self.added;
        vec![FileEvent::FilePurged(FilePurged { owner, size: self.occupies(), sha256 })]
    }

    fn only_when(&self, status: FileStatus, event: FileEvent) -> Vec<FileEvent> {
        if self.status == status { vec![event] } else { Vec::new() }
    }

    fn replaced(&mut self, replaced: &FileReplaced) {
        let current = self.current;
        for version in self.versions.iter_mut().filter(|version| version.number == current) {
            version.replaced_at = Some(replaced.at);
        }
        if let Some(known) = self.versions.iter_mut().find(|version| version.held_by == replaced.by) {
            known.replaced_at = None;
            self.current = known.number;
            return;
        }
        let FileReplaced { by: held_by, size, sha256, sha1, ref content_type, at } = *replaced;
        self.numbered += 1;
        self.current = self.numbered;
        let content = Content { size, sha256, sha1, content_type: content_type.clone() };
        self.versions.push(FileVersion { number: self.numbered, held_by, content, at: Some(at), replaced_at: None });
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
            FileCommand::Replace(replace) => entry.replace(replace),
            FileCommand::RestoreVersion { number, at } => entry.restore_version(number, at),
            FileCommand::RemoveVersions { replaced_before } => Ok(entry.remove_versions(replaced_before)),
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
            FileEvent::FileReplaced(replaced) => entry.replaced(replaced),
            FileEvent::FileVersionRemoved(removed) => entry.versions.retain(|version| version.held_by != removed.held_by),
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
    Some(Entry::new(added))
}
