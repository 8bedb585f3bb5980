use std::collections::{BTreeMap, BTreeSet};

use super::event::{FolderCreated, FolderEvent, FolderMoved, FolderPurged, FolderRenamed, FolderRestored, FolderTrashed};
use super::{CreateFolder, FolderCommand, FolderRejection, UpdateFolder};
use crate::{Decider, FileName, FolderId, Timestamp};

/// The folders of one account, folded. What was purged is not among them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree(BTreeMap<FolderId, Folder>);

/// What is known of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// What it is called.
    pub name: FileName,
    /// The folder that it stands in; none is the top.
    pub parent: Option<FolderId>,
    /// Whether it was put into the trash itself. It may also be there because one above it was.
    pub trashed: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Whether a folder is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FolderStatus {
    /// In use.
    Active,
    /// In the trash, by itself or with one above it.
    Trashed,
    /// Gone for good, or never made.
    Absent,
}

type Decision = Result<Vec<FolderEvent>, FolderRejection>;

impl Tree {
    /// The folder, if it was made and is not gone.
    pub fn folder(&self, id: FolderId) -> Option<&Folder> {
        self.0.get(&id)
    }

    /// Where it is in its life.
    pub fn status(&self, id: FolderId) -> FolderStatus {
        let Some(folder) = self.0.get(&id) else { return FolderStatus::Absent };
        let trashed = folder.trashed || self.above(id).any(|above| self.0.get(&above).is_none_or(|above| above.trashed));
        if trashed { FolderStatus::Trashed } else { FolderStatus::Active }
    }

    /// The folder, if it is there, and all those below it, whether in use or in the trash.
    pub fn with_all_below(&self, id: FolderId) -> Vec<FolderId> {
        let there = self.0.contains_key(&id).then_some(id);
        there.map_or_else(Vec::new, |id| [id].into_iter().chain(self.below(id, |_| true)).collect())
    }

    /// Where an entry that stands there is, as far as its place decides; the top is always in use.
    pub fn status_of_place(&self, place: Option<FolderId>) -> FolderStatus {
        place.map_or(FolderStatus::Active, |folder| self.status(folder))
    }

    /// The folders above one, the nearest first. As many steps as there are folders are enough, whatever the history says.
    fn above(&self, id: FolderId) -> impl Iterator<Item = FolderId> {
        let parent = |id: &FolderId| self.0.get(id).and_then(|folder| folder.parent);
        std::iter::successors(parent(&id), parent).take(self.0.len())
    }

    /// The folders below one in the order of their depth, without those that the filter leaves out and what is below them.
    fn below(&self, id: FolderId, goes_along: impl Fn(&Folder) -> bool) -> Vec<FolderId> {
        let mut children: BTreeMap<FolderId, Vec<FolderId>> = BTreeMap::new();
        for (child, folder) in self.0.iter().filter(|(_, folder)| goes_along(folder)) {
            if let Some(parent) = folder.parent {
                children.entry(parent).or_default().push(*child);
            }
        }
        let (mut found, mut seen, mut next) = (Vec::new(), BTreeSet::from([id]), 0);
        let mut of = Some(id);
        while let Some(parent) = of {
            let new = children.remove(&parent).unwrap_or_default();
            found.extend(new.into_iter().filter(|child| seen.insert(*child)));
            of = found.get(next).copied();
            next += 1;
        }
        found
    }

    fn create(&self, wish: CreateFolder) -> Decision {
        let CreateFolder { folder, name, parent, at, folders_max } = wish;
        if self.0.contains_key(&folder) {
            return Ok(Vec::new());
        }
        if self.status_of_place(parent) != FolderStatus::Active {
            return Err(FolderRejection::NoSuchParent);
        }
        if self.0.len() >= folders_max {
            return Err(FolderRejection::TooMany);
        }
        Ok(vec![FolderEvent::FolderCreated(FolderCreated { folder, name, parent, at })])
    }

    fn update(&self, wish: UpdateFolder) -> Decision {
        let UpdateFolder { folder: id, name, parent, at } = wish;
        let folder = self.folder(id).ok_or(FolderRejection::Absent)?;
        if self.status(id) != FolderStatus::Active {
            return Err(FolderRejection::Trashed);
        }
        let name = name.filter(|name| *name != folder.name);
        let parent = parent.filter(|parent| *parent != folder.parent);
        if let Some(Some(parent)) = parent {
            self.may_hold(parent, id)?;
        }
        let renamed = name.map(|name| FolderEvent::FolderRenamed(FolderRenamed { folder: id, name, at }));
        let moved = parent.map(|parent| FolderEvent::FolderMoved(FolderMoved { folder: id, parent, at }));
        Ok(renamed.into_iter().chain(moved).collect())
    }

    fn may_hold(&self, parent: FolderId, id: FolderId) -> Result<(), FolderRejection> {
        if self.status(parent) != FolderStatus::Active {
            return Err(FolderRejection::NoSuchParent);
        }
        if parent == id || self.above(parent).any(|above| above == id) {
            return Err(FolderRejection::Cycle);
        }
        Ok(())
    }

    /// What is in the trash already, by itself or with one above it, stays as it is.
    fn trash(&self, id: FolderId, at: Timestamp) -> Decision {
        match self.status(id) {
            FolderStatus::Absent => Err(FolderRejection::Absent),
            FolderStatus::Trashed => Ok(Vec::new()),
            FolderStatus::Active => {
                let along = self.below(id, |folder| !folder.trashed);
                Ok(vec![FolderEvent::FolderTrashed(FolderTrashed { folder: id, along, at })])
            }
        }
    }

    fn restore(&self, id: FolderId, at: Timestamp) -> Decision {
        let folder = self.folder(id).ok_or(FolderRejection::Absent)?;
        if self.status(id) == FolderStatus::Active {
            return Ok(Vec::new());
        }
        let stays = self.status_of_place(folder.parent) == FolderStatus::Active;
        let moved = (!stays).then_some(FolderEvent::FolderMoved(FolderMoved { folder: id, parent: None, at }));
        let along = self.below(id, |folder| !folder.trashed);
        let restored = FolderEvent::FolderRestored(FolderRestored { folder: id, along, at });
        Ok(moved.into_iter().chain([restored]).collect())
    }

    fn purge(&self, id: FolderId, at: Timestamp) -> Decision {
        self.folder(id).ok_or(FolderRejection::Absent)?;
        let along = self.below(id, |_| true);
        Ok(vec![FolderEvent::FolderPurged(FolderPurged { folder: id, along, at })])
    }

    /// What is not there stays away.
    fn change(&mut self, id: FolderId, at: Timestamp, change: impl FnOnce(&mut Folder)) {
        if let Some(folder) = self.0.get_mut(&id) {
            change(folder);
            folder.updated_at = at;
        }
    }
}

impl Decider for Tree {
    type Command = FolderCommand;
    type Event = FolderEvent;
    type Rejection = FolderRejection;

    fn decide(&self, command: FolderCommand) -> Decision {
        match command {
            FolderCommand::Create(wish) => self.create(wish),
            FolderCommand::Update(wish) => self.update(wish),
            FolderCommand::Trash { folder, at } => self.trash(folder, at),
            FolderCommand::Restore { folder, at } => self.restore(folder, at),
            FolderCommand::Purge { folder, at } => self.purge(folder, at),
        }
    }

    fn evolve(mut self, event: &FolderEvent) -> Self {
        match event {
            FolderEvent::FolderCreated(FolderCreated { folder, name, parent, at }) => {
                let (name, parent) = (name.clone(), *parent);
                let new = Folder { name, parent, trashed: false, created_at: *at, updated_at: *at };
                self.0.entry(*folder).or_insert(new);
            }
            FolderEvent::FolderRenamed(FolderRenamed { folder, name, at }) => {
                self.change(*folder, *at, |folder| folder.name = name.clone());
            }
            FolderEvent::FolderMoved(FolderMoved { folder, parent, at }) => {
                self.change(*folder, *at, |folder| folder.parent = *parent);
            }
            FolderEvent::FolderTrashed(FolderTrashed { folder, at, .. }) => {
                self.change(*folder, *at, |folder| folder.trashed = true);
            }
            FolderEvent::FolderRestored(FolderRestored { folder, at, .. }) => {
                self.change(*folder, *at, |folder| folder.trashed = false);
            }
            FolderEvent::FolderPurged(FolderPurged { folder, along, .. }) => {
                for gone in along.iter().chain([folder]) {
                    self.0.remove(gone);
                }
            }
        }
        self
    }

    fn commutes(_: &FolderEvent) -> bool {
        false
    }
}
