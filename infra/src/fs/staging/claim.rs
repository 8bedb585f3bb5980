//! Where a part that comes in is to be written, decided before its first byte.

use std::sync::Arc;

use cairn_commands::ports::staging::StagingError;
use cairn_domain::Sha256;
use cairn_domain::upload::Part;

use super::upload::{InPlace, Lease, PartState, Permit, Upload};
use crate::prefix::Prefix;

/// How many may write one part aside at once. Each takes the part's room once more.
const ASIDE_WRITERS_MAX: usize = 8;

/// How many versions of one part may lie aside besides the recorded one. More would have to be finished
/// between a writer's end and its record to do harm.
const ASIDE_VERSIONS_MAX: usize = 4;

pub(super) enum Claim {
    /// With the whole-file hashes, when the part is the next one for them.
    InPlace(InPlaceClaim, Option<Prefix>),
    Aside(AsideClaim),
}

impl Upload {
    /// `taken` is the version that the log had for the part when the caller looked.
    pub(super) fn claim(self: &Arc<Self>, part: Part, taken: Option<Sha256>) -> Result<Claim, StagingError> {
        if part.offset.checked_add(part.length).is_none_or(|end| end > self.size) {
            return Err(StagingError::Unavailable(format!("{part:?} is no part of {} bytes", self.size).into()));
        }
        let mut state = self.open_state()?;
        let sealing = state.sealing;
        let entry = state.parts.entry(part.offset).or_default();
        entry.length = part.length;
        entry.learn(taken);
        let free = matches!(entry.in_place, InPlace::Unknown) && taken.is_none() && !entry.damaged && !sealing;
        if !free {
            if entry.aside_writers >= ASIDE_WRITERS_MAX {
                return Err(StagingError::Unavailable("too many send the same part at once".into()));
            }
            entry.aside_writers += 1;
            return Ok(Claim::Aside(AsideClaim { upload: self.clone(), part, taken }));
        }
        let permit = Permit::new();
        entry.in_place = InPlace::Writing(permit.clone());
        let rewrites = part.offset < state.prefix.reached.position();
        if rewrites {
            state.prefix.reset();
        }
        let in_order = state.prefix.lease.is_none() && state.prefix.reached.position() == part.offset;
        let (lease, prefix) = in_order.then(|| state.prefix.lease(false)).unzip();
        Ok(Claim::InPlace(InPlaceClaim { upload: self.clone(), part, permit, lease, rewrites }, prefix))
    }
}

impl PartState {
    /// What the log has, and no file aside holds, was put in place before the start.
    fn learn(&mut self, taken: Option<Sha256>) {
        if let (InPlace::Unknown, Some(taken)) = (&self.in_place, taken)
            && !self.aside.contains(&taken)
            && !self.damaged
        {
            self.in_place = InPlace::Holds(taken);
        }
    }

    /// True when these bytes are there already.
    pub(super) fn has(&self, sha256: Sha256, taken: Option<Sha256>) -> bool {
        let in_place = matches!(self.in_place, InPlace::Holds(there) if there == sha256);
        !self.damaged && (taken == Some(sha256) || in_place || self.aside.contains(&sha256))
    }

    /// A version has come aside; tells which old ones have to go for it, not counting the `kept` one.
    pub(super) fn put_aside(&mut self, sha256: Sha256, kept: Option<Sha256>) -> Vec<Sha256> {
        self.damaged = false;
        self.aside.retain(|there| *there != sha256);
        self.aside.push(sha256);
        let spare = self.aside.iter().filter(|there| Some(**there) != kept).count();
        let surplus = spare.saturating_sub(ASIDE_VERSIONS_MAX);
        let going: Vec<_> = self.aside.iter().copied().filter(|there| Some(*there) != kept).take(surplus).collect();
        self.aside.retain(|there| !going.contains(there));
        going
    }
}

/// The right to write a part in place. Dropping it unfinished gives the place back.
pub(super) struct InPlaceClaim {
    pub(super) upload: Arc<Upload>,
    pub(super) part: Part,
    pub(super) permit: Arc<Permit>,
    /// On the whole-file hashes, when the part is the next one for them.
    lease: Option<Lease>,
    /// The whole-file hashes have seen something at this place: that must be forgotten before the first byte.
    pub(super) rewrites: bool,
}

impl InPlaceClaim {
    /// The part is durable in place, and the whole-file hashes have seen it, if it was their turn.
    pub(super) fn finish(mut self, sha256: Sha256, prefix: Option<Prefix>) -> Result<(), StagingError> {
        let upload = self.upload.clone();
        let mut state = upload.open_state()?;
        let entry = state.parts.entry(self.part.offset).or_default();
        if !self.is_held(entry) {
            return Err(being_sealed());
        }
        entry.in_place = InPlace::Holds(sha256);
        if let (Some(lease), Some(mut prefix)) = (self.lease.take(), prefix)
            && state.prefix.end(lease)
        {
            prefix.end_part(self.part, sha256);
            upload.advance(&mut state, prefix);
        }
        Ok(())
    }

    /// Why the permit is gone.
    pub(super) fn revoked(&self) -> StagingError {
        if self.upload.state().closed {
            return StagingError::Absent(self.upload.id);
        }
        being_sealed()
    }

    fn is_held(&self, entry: &PartState) -> bool {
        matches!(&entry.in_place, InPlace::Writing(permit) if Arc::ptr_eq(permit, &self.permit))
    }
}

fn being_sealed() -> StagingError {
    StagingError::Unavailable("the upload is being put together".into())
}

impl Drop for InPlaceClaim {
    fn drop(&mut self) {
        let mut state = self.upload.state();
        if let Some(lease) = self.lease {
            state.prefix.end(lease);
        }
        if let Some(entry) = state.parts.get_mut(&self.part.offset)
            && self.is_held(entry)
        {
            entry.in_place = InPlace::Unknown;
        }
    }
}

/// The right to write a version of a part into a file of its own.
pub(super) struct AsideClaim {
    pub(super) upload: Arc<Upload>,
    pub(super) part: Part,
    pub(super) taken: Option<Sha256>,
}

impl Drop for AsideClaim {
    fn drop(&mut self) {
        if let Some(entry) = self.upload.state().parts.get_mut(&self.part.offset) {
            entry.aside_writers = entry.aside_writers.saturating_sub(1);
        }
    }
}
