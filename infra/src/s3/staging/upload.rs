//! What this process knows of one upload in parts.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use cairn_domain::upload::Part;
use cairn_domain::{Sha256, UploadId};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, OnceCell};
use tokio_util::sync::CancellationToken;

use super::super::keys;
use super::super::multipart::{Joining, Sent};
use super::follow::Waiting;
use super::layout::{LAST, Layout};
use super::seal::Sealed;
use crate::prefix::Prefix;

/// Versions of one part that are kept in objects of their own besides the recorded one. Each is somebody who sent other bytes at the same
/// time; more are not plausible.
const VERSIONS_MAX: usize = 4;

/// Of a part that stands among the parts of the store, in bytes: it is sent from memory.
pub(super) const IN_MEMORY_MAX: u64 = 16 * 1024 * 1024;

/// What all processes know of an upload: an object that is written once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// In bytes.
    pub(super) size: u64,
    /// The parts go to this upload of the store; none where they are too small for it.
    pub(super) joining: Option<String>,
    /// Chance that only the one who opened it knows: he has the first slot.
    pub(super) opener: String,
}

/// An upload in parts, from the first time that this process meets it.
pub(super) struct Upload {
    pub(super) id: UploadId,
    pub(super) plan: Plan,
    /// Cancelled when the upload is given up.
    pub(super) closed: CancellationToken,
    /// The share of the numbers that belongs to this process alone.
    pub(super) slot: OnceCell<Option<i32>>,
    /// Held by whoever seals.
    pub(super) turn: tokio::sync::Mutex<()>,
    /// Told whenever the hashes have got further, or may not.
    pub(super) followed: Notify,
    state: Mutex<State>,
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each of them is true or not, whatever the others are")]
pub(super) struct State {
    /// What this process has put among the parts of the store, by offset.
    pub(super) places: HashMap<u64, Place>,
    /// The same as the store knows it, by number, as far as it is there for certain.
    pub(super) held: BTreeMap<i32, Sent>,
    /// This process has begun to close the upload.
    pub(super) closing: bool,
    /// All parts came through this process, so that it knows every object of the upload.
    pub(super) alone: bool,
    /// This process may have put something aside, whether it knows or not.
    pub(super) aside: bool,
    /// The versions that this process has put aside, by offset, the oldest first.
    pub(super) versions: HashMap<u64, Vec<Sha256>>,
    /// The whole-file hashes of the parts that came without a gap.
    pub(super) prefix: Prefix,
    /// Somebody is hashing.
    pub(super) following: bool,
    /// Parts that have come before their turn.
    pub(super) waiting: BTreeMap<u64, Waiting>,
    /// Once the parts are joined.
    pub(super) layout: Option<Layout>,
    /// What this process has sealed last.
    pub(super) sealed: Option<Sealed>,
    /// Sealing has found that something is not there: what the log has is stored again when it comes.
    pub(super) damaged: bool,
}

/// A number among the parts of the store. It is used for one content only: a late duplicate of a request can do no harm then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// These bytes are on their way, or nobody knows how far they got.
    Sent(Sha256),
    /// These bytes are there.
    Holds(Sha256),
}

impl Upload {
    pub(super) fn new(id: UploadId, plan: Plan) -> Self {
        Self {
            id,
            plan,
            closed: CancellationToken::new(),
            slot: OnceCell::new(),
            turn: tokio::sync::Mutex::default(),
            followed: Notify::new(),
            state: Mutex::default(),
        }
    }

    /// One that this process has opened itself: the first slot is its own.
    pub(super) fn opened(id: UploadId, plan: Plan) -> Self {
        Self { slot: OnceCell::new_with(Some(Some(0))), ..Self::new(id, plan) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn joining(&self) -> Option<Joining> {
        Some(Joining { key: keys::data(self.id), id: self.plan.joining.clone()? })
    }

    /// Whether a part may stand among the parts of the store, where all but the last have a least size. One that is all there is needs no
    /// joining.
    pub(super) fn fits(&self, part: Part, part_bytes_min: u64) -> bool {
        let is_last = part.offset + part.length == self.plan.size;
        self.plan.joining.is_some()
            && part.length <= IN_MEMORY_MAX
            && part.length < self.plan.size
            && (is_last || part.length >= part_bytes_min)
    }

    /// Everything among the parts of the store, if this process knows it: nobody else has the first slot or the last part, and of nothing
    /// that it has sent is it unknown whether it came. Others may have slots all the same.
    pub(super) fn all_held(&self) -> Option<Vec<Sent>> {
        let state = self.state();
        let is_first = self.slot.get() == Some(&Some(0));
        let is_known = state.held.contains_key(&LAST) && state.places.values().all(|place| matches!(place, Place::Holds(_)));
        (is_first && is_known).then(|| state.held.values().cloned().collect())
    }

    pub(super) fn is_last(&self, part: Part) -> bool {
        part.offset + part.length == self.plan.size
    }
}

impl State {
    /// A part was there before the upload was closed. False when this process has begun to close it meanwhile.
    pub(super) fn hold(&mut self, offset: u64, sha256: Sha256, sent: Sent) -> bool {
        if self.closing {
            return false;
        }
        self.places.insert(offset, Place::Holds(sha256));
        self.held.insert(sent.number, sent);
        true
    }

    /// True when these bytes are there for certain.
    pub(super) fn has(&self, offset: u64, sha256: Sha256) -> bool {
        let in_place = self.places.get(&offset) == Some(&Place::Holds(sha256));
        !self.damaged && (in_place || self.versions.get(&offset).is_some_and(|versions| versions.contains(&sha256)))
    }

    /// A version has come; tells which old ones have to go for it.
    pub(super) fn keep(&mut self, offset: u64, sha256: Sha256, taken: Option<Sha256>) -> Vec<Sha256> {
        let versions = self.versions.entry(offset).or_default();
        versions.retain(|there| *there != sha256);
        versions.push(sha256);
        let spare = versions.iter().filter(|there| Some(**there) != taken).count();
        let surplus = spare.saturating_sub(VERSIONS_MAX);
        let going: Vec<_> = versions.iter().copied().filter(|there| Some(*there) != taken).take(surplus).collect();
        versions.retain(|there| !going.contains(there));
        going
    }
}
