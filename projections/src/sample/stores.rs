use std::collections::HashMap;

use cairn_domain::blob::{Blob, BlobCommand, BlobStored, Health};
use cairn_domain::transfer::{Phase, Transfer, TransferCommand, TransferRequested};
use cairn_domain::{Decider, Event, FileId, Sha1, Sha256, StreamName, TransferId};

use super::Chance;

/// Contents in two stores: what lands in the one moves to the other, is damaged, repaired and deleted.
#[derive(Default)]
pub(super) struct Stores {
    contents: Vec<Content>,
    blobs: HashMap<Sha256, Blob>,
    /// How many entries refer to a content.
    references: HashMap<Sha256, u32>,
    /// Contents to which none refers, or none did for a moment.
    unneeded: Vec<Sha256>,
    /// Copies that were found damaged.
    damaged: Vec<(Sha256, String)>,
    transfers: Vec<(TransferId, Transfer)>,
}

#[derive(Clone, Copy)]
pub(super) struct Content {
    pub size: u64,
    pub sha256: Sha256,
    pub sha1: Sha1,
}

type Events = Vec<(StreamName, Event)>;

/// Where uploads land.
const LANDING: &str = "local";
/// Where contents go.
const FAR: &str = "far";
/// After so many a transfer rests.
const FAILURES_MAX: u32 = 2;

impl Stores {
    /// One that came at some time; it may be gone.
    pub(super) fn any(&self, chance: &mut Chance) -> Option<Content> {
        (!self.contents.is_empty()).then(|| *chance.pick(&self.contents))
    }

    /// The bytes have come, for this entry.
    pub(super) fn store(&mut self, content: Content, file: FileId) -> Events {
        let Content { size, sha256, sha1 } = content;
        self.contents.push(content);
        *self.references.entry(sha256).or_default() += 1;
        self.change(sha256, BlobCommand::StoreFor(BlobStored { size, sha1, store: LANDING.to_owned() }, file))
    }

    /// Another entry needs it; nothing happens when it is not there.
    pub(super) fn refer(&mut self, sha256: Sha256, file: FileId) -> Events {
        let events = self.change(sha256, BlobCommand::ReferTo(file));
        if !events.is_empty() {
            *self.references.entry(sha256).or_default() += 1;
        }
        events
    }

    /// An entry needs it no longer.
    pub(super) fn let_go(&mut self, sha256: Sha256) {
        let references = self.references.entry(sha256).or_default();
        *references = references.saturating_sub(1);
        if *references == 0 {
            self.unneeded.push(sha256);
        }
    }

    /// What happens to contents by themselves.
    pub(super) fn act(&mut self, chance: &mut Chance) -> Events {
        match chance.below(12) {
            0..2 => self.request(chance),
            2..9 => self.go_on(chance),
            9 => self.damage(chance),
            10 => self.repair(chance),
            _ => self.collect(),
        }
    }

    fn request(&mut self, chance: &mut Chance) -> Events {
        let Some(Content { size, sha256, sha1 }) = self.any(chance) else { return Vec::new() };
        if self.health_in(sha256, LANDING) != Some(Health::Sound) || self.health_in(sha256, FAR).is_some() {
            return Vec::new();
        }
        let id = TransferId(uuid::Builder::from_random_bytes(chance.any_u128().to_be_bytes()).into_uuid());
        self.transfers.push((id, Transfer::default()));
        let (from, to) = (LANDING.to_owned(), FAR.to_owned());
        let request = TransferRequested { sha256, sha1, size, from, to, along_with: Vec::new() };
        self.move_on(self.transfers.len() - 1, TransferCommand::Request(request))
    }

    fn go_on(&mut self, chance: &mut Chance) -> Events {
        if self.transfers.is_empty() {
            return self.request(chance);
        }
        let place = chance.index(self.transfers.len());
        match self.transfers[place].1.phase() {
            Phase::Requested => self.move_on(place, TransferCommand::Queue),
            Phase::Queued => {
                let worker = format!("worker-{}", chance.below(3));
                self.move_on(place, TransferCommand::Start { worker })
            }
            Phase::Started if chance.below(3) == 0 => {
                let reason = "the store did not answer".to_owned();
                self.move_on(place, TransferCommand::Fail { reason, failures_max: FAILURES_MAX })
            }
            Phase::Started => self.arrive(place, chance),
            Phase::Stalled if chance.below(4) > 0 => self.move_on(place, TransferCommand::Retry),
            Phase::Stalled => self.move_on(place, TransferCommand::Abandon { reason: "nobody wants it".to_owned() }),
            Phase::Completed | Phase::Abandoned => {
                self.transfers.swap_remove(place);
                Vec::new()
            }
        }
    }

    fn arrive(&mut self, place: usize, chance: &mut Chance) -> Events {
        let Some(sha256) = self.transfers[place].1.requested().map(|request| request.sha256) else { return Vec::new() };
        if self.health_in(sha256, LANDING) != Some(Health::Sound) {
            return self.move_on(place, TransferCommand::Abandon { reason: "there is nothing to move".to_owned() });
        }
        let mut events = self.change(sha256, BlobCommand::Relocate { from: LANDING.to_owned(), to: FAR.to_owned() });
        events.extend(self.move_on(place, TransferCommand::Complete));
        if chance.below(4) > 0 {
            events.extend(self.change(sha256, BlobCommand::RemoveCopy { store: LANDING.to_owned() }));
        }
        events
    }

    fn damage(&mut self, chance: &mut Chance) -> Events {
        let store = (*chance.pick(&[LANDING, FAR])).to_owned();
        let Some(Content { sha256, .. }) = self.any(chance) else { return Vec::new() };
        let events = self.change(sha256, BlobCommand::FindDamaged { store: store.clone() });
        if !events.is_empty() {
            self.damaged.push((sha256, store));
        }
        events
    }

    fn repair(&mut self, chance: &mut Chance) -> Events {
        if self.damaged.is_empty() {
            return self.damage(chance);
        }
        let place = chance.index(self.damaged.len());
        let (sha256, store) = self.damaged.swap_remove(place);
        self.change(sha256, BlobCommand::Repair { store })
    }

    fn collect(&mut self) -> Events {
        match self.unneeded.pop() {
            Some(sha256) if self.references.get(&sha256) == Some(&0) => self.change(sha256, BlobCommand::Delete),
            _ => Vec::new(),
        }
    }

    fn health_in(&self, sha256: Sha256, store: &str) -> Option<Health> {
        self.blobs.get(&sha256)?.health_in(store)
    }

    /// What the content decides; a refusal is nothing that happens.
    fn change(&mut self, sha256: Sha256, command: BlobCommand) -> Events {
        let blob = self.blobs.entry(sha256).or_default();
        let events = decided(blob, command);
        events.into_iter().map(|event| (StreamName::blob(sha256), event.into())).collect()
    }

    fn move_on(&mut self, place: usize, command: TransferCommand) -> Events {
        let (id, transfer) = &mut self.transfers[place];
        let events = decided(transfer, command);
        events.into_iter().map(|event| (StreamName::transfer(*id), event.into())).collect()
    }
}

fn decided<D: Decider>(state: &mut D, command: D::Command) -> Vec<D::Event> {
    let events = state.decide(command).unwrap_or_default();
    *state = events.iter().fold(std::mem::take(state), D::evolve);
    events
}
