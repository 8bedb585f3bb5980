use std::collections::BTreeMap;

use super::event::{BlobCopyRemoved, BlobDamaged, BlobDeleted, BlobEvent, BlobReferenced, BlobRelocated, BlobRepaired, BlobStored};
use super::{BlobCommand, BlobKey, BlobRejection};
use crate::{Decider, FileId, Sha1, Sha256};

/// A content, folded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blob {
    content: Option<Content>,
    copies: BTreeMap<String, Health>,
    /// How many copies each store had that were removed one by one.
    removed: BTreeMap<String, u32>,
    /// How often all of it was deleted.
    deletions: u32,
}

/// What a content is, beside its SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// In bytes.
    pub size: u64,
    /// For clients of the older protocol.
    pub sha1: Sha1,
}

/// How a copy is, as far as anybody has looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// What it was when it was verified.
    Sound,
    /// Not the content any more.
    Damaged,
}

type Decision = Result<Vec<BlobEvent>, BlobRejection>;

impl Blob {
    /// What is stored, if anything is.
    pub fn content(&self) -> Option<Content> {
        self.content
    }

    /// Every copy, by the name of its store.
    pub fn copies(&self) -> impl Iterator<Item = (&str, Health)> {
        self.copies.iter().map(|(store, health)| (store.as_str(), *health))
    }

    /// The stores that have a sound copy.
    pub fn sound(&self) -> impl Iterator<Item = &str> {
        self.copies().filter(|(_, health)| *health == Health::Sound).map(|(store, _)| store)
    }

    /// How the copy in that store is; none when it has none.
    pub fn health_in(&self, store: &str) -> Option<Health> {
        self.copies.get(store).copied()
    }

    /// The name under which that store has its copy, or would get it.
    pub fn key_in(&self, store: &str, sha256: Sha256) -> BlobKey {
        let removed = self.removed.get(store).copied().unwrap_or(0);
        BlobKey { sha256, generation: removed.saturating_add(self.deletions) }
    }

    /// The names that are dead in that store, the last one first.
    pub fn dead_keys_in(&self, store: &str, sha256: Sha256) -> impl Iterator<Item = BlobKey> + use<> {
        let generations = 0..self.key_in(store, sha256).generation;
        generations.rev().map(move |generation| BlobKey { sha256, generation })
    }

    fn store_for(&self, stored: BlobStored, file: FileId) -> Vec<BlobEvent> {
        let referenced = BlobEvent::BlobReferenced(BlobReferenced { file });
        if self.sound().next().is_some() { vec![referenced] } else { vec![BlobEvent::BlobStored(stored), referenced] }
    }

    fn refer_to(&self, file: FileId) -> Decision {
        self.sound().next().ok_or(BlobRejection::NotStored)?;
        Ok(vec![BlobEvent::BlobReferenced(BlobReferenced { file })])
    }

    fn relocate(&self, from: String, to: String) -> Decision {
        self.content.ok_or(BlobRejection::NotStored)?;
        match self.health_in(&to) {
            Some(Health::Sound) => Ok(Vec::new()),
            Some(Health::Damaged) | None => Ok(vec![BlobEvent::BlobRelocated(BlobRelocated { from, to })]),
        }
    }

    fn remove_copy(&self, store: String) -> Decision {
        self.content.ok_or(BlobRejection::NotStored)?;
        if !self.copies.contains_key(&store) {
            return Ok(Vec::new());
        }
        let remains_in = self.sound_besides(&store).ok_or(BlobRejection::LastCopy)?;
        Ok(vec![BlobEvent::BlobCopyRemoved(BlobCopyRemoved { store, remains_in })])
    }

    fn find_damaged(&self, store: String) -> Decision {
        match self.health_in(&store).ok_or(BlobRejection::NoSuchCopy)? {
            Health::Damaged => Ok(Vec::new()),
            Health::Sound => {
                let sound_in = self.sound_besides(&store);
                Ok(vec![BlobEvent::BlobDamaged(BlobDamaged { store, sound_in })])
            }
        }
    }

    fn repair(&self, store: String) -> Decision {
        match self.health_in(&store).ok_or(BlobRejection::NoSuchCopy)? {
            Health::Damaged => Ok(vec![BlobEvent::BlobRepaired(BlobRepaired { store })]),
            Health::Sound => Ok(Vec::new()),
        }
    }

    fn delete(&self) -> Vec<BlobEvent> {
        let stores = self.copies.keys().cloned().collect();
        self.content.map(|_| BlobEvent::BlobDeleted(BlobDeleted { stores })).into_iter().collect()
    }

    fn sound_besides(&self, store: &str) -> Option<String> {
        self.sound().find(|other| *other != store).map(str::to_owned)
    }

    fn lose_copy(&mut self, store: &str) {
        if self.copies.remove(store).is_some() {
            *self.removed.entry(store.to_owned()).or_default() += 1;
        }
    }
}

impl Decider for Blob {
    type Command = BlobCommand;
    type Event = BlobEvent;
    type Rejection = BlobRejection;

    fn decide(&self, command: BlobCommand) -> Decision {
        match command {
            BlobCommand::StoreFor(stored, file) => Ok(self.store_for(stored, file)),
            BlobCommand::ReferTo(file) => self.refer_to(file),
            BlobCommand::Relocate { from, to } => self.relocate(from, to),
            BlobCommand::RemoveCopy { store } => self.remove_copy(store),
            BlobCommand::FindDamaged { store } => self.find_damaged(store),
            BlobCommand::Repair { store } => self.repair(store),
            BlobCommand::Delete => Ok(self.delete()),
        }
    }

    fn evolve(mut self, event: &BlobEvent) -> Self {
        match event {
            BlobEvent::BlobStored(stored) => {
                self.content.get_or_insert(Content { size: stored.size, sha1: stored.sha1 });
                self.copies.insert(stored.store.clone(), Health::Sound);
            }
            BlobEvent::BlobRelocated(relocated) if self.content.is_some() => {
                self.copies.insert(relocated.to.clone(), Health::Sound);
            }
            BlobEvent::BlobCopyRemoved(removed) => self.lose_copy(&removed.store),
            BlobEvent::BlobDamaged(damaged) => {
                self.copies.entry(damaged.store.clone()).and_modify(|health| *health = Health::Damaged);
            }
            BlobEvent::BlobRepaired(repaired) => {
                self.copies.entry(repaired.store.clone()).and_modify(|health| *health = Health::Sound);
            }
            BlobEvent::BlobDeleted(_) => {
                // The name that a store would have given to its first copy dies, too: somebody may be writing it just now.
                self.deletions += u32::from(self.content.take().is_some());
                self.copies.clear();
            }
            BlobEvent::BlobReferenced(_) | BlobEvent::BlobRelocated(_) => {}
        }
        self
    }

    /// References commute: a much-shared content would otherwise be a queue. Each has an id made from its entry,
    /// so a repeated one is no second event. Whoever appended one has to look whether the content was still there.
    fn commutes(event: &BlobEvent) -> bool {
        matches!(event, BlobEvent::BlobReferenced(_))
    }
}
