//! What this process knows of an upload in parts, beyond what its directory tells.
//!
//! The log names for each part one digest, the last recorded; but whoever has written a part records it only afterwards,
//! and whoever writes one read the log some time before. So as long as the process lives, every version of a part that was
//! finished here may be the one that the log names in the end, and none of them is written over:
//!
//! - A first version goes in place, into `data`, unless another one stands or is being written there.
//! - Every other goes aside, into a file of its own, and stays at least as long as it is among the last few.
//! - Sealing copies into place what the log names, after it has moved aside what it replaces.
//!
//! After a restart nobody is left who could record anything or act on old knowledge: then the log alone counts.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use cairn_commands::ports::staging::StagingError;
use cairn_domain::upload::Part;
use cairn_domain::{Sha256, UploadId};

use super::names;
use super::record::Record;
use crate::prefix::Prefix;

/// The uploads in parts that were touched since the start.
#[derive(Default)]
pub(super) struct Uploads(Mutex<HashMap<UploadId, Arc<Upload>>>);

impl Uploads {
    pub(super) fn get(&self, upload: UploadId) -> Option<Arc<Upload>> {
        lock(&self.0).get(&upload).cloned()
    }

    /// Only for whoever has the upload's turn.
    pub(super) fn insert(&self, upload: Arc<Upload>) {
        lock(&self.0).insert(upload.id, upload);
    }

    /// Only for whoever has the upload's turn.
    pub(super) fn remove(&self, upload: UploadId) {
        lock(&self.0).remove(&upload);
    }
}

/// An upload in parts.
pub(super) struct Upload {
    pub(super) id: UploadId,
    pub(super) directory: PathBuf,
    /// Of the whole file, in bytes.
    pub(super) size: u64,
    pub(super) record: Record,
    state: Mutex<State>,
    follower_ended: Condvar,
}

#[derive(Default)]
pub(super) struct State {
    /// It has become a blob or was given up: nothing may be written any more.
    pub(super) closed: bool,
    /// It is being put together: nothing may go in place.
    pub(super) sealing: bool,
    pub(super) parts: BTreeMap<u64, PartState>,
    pub(super) prefix: PrefixState,
}

/// What is known of one part, by its offset.
#[derive(Default)]
pub(super) struct PartState {
    /// In bytes.
    pub(super) length: u64,
    pub(super) in_place: InPlace,
    /// The versions that have a file of their own, the last finished last.
    pub(super) aside: Vec<Sha256>,
    /// How many are just writing such a file.
    pub(super) aside_writers: usize,
    /// The version that the log names was not found: a new one is kept even when it is said to be there.
    pub(super) damaged: bool,
}

/// What stands in `data` at the part's place.
#[derive(Default)]
pub(super) enum InPlace {
    /// Nothing that anybody was told of since the start; before it, perhaps.
    #[default]
    Unknown,
    /// Somebody is writing.
    Writing(Arc<Permit>),
    /// This version, durably.
    Holds(Sha256),
}

/// The right to write in place. Whoever takes it away waits for the write that is under way, and none follows.
pub(super) struct Permit(Mutex<bool>);

/// The whole-file hashes, and who is just taking them further.
#[derive(Default)]
pub(super) struct PrefixState {
    /// As far as every byte is durable in place.
    pub(super) reached: Prefix,
    pub(super) lease: Option<Lease>,
    leases: u64,
}

/// Somebody works on a copy of the hashes. Only the holder of the present lease may bring them back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Lease {
    number: u64,
    /// The background follower, which ends soon when it is asked to; not a writer, who depends on the network.
    follower: bool,
}

impl Upload {
    pub(super) fn new(id: UploadId, directory: PathBuf, size: u64, record: Record, parts: BTreeMap<u64, PartState>) -> Self {
        let prefix = PrefixState { reached: record.load(), ..PrefixState::default() };
        let state = Mutex::new(State { parts, prefix, ..State::default() });
        Self { id, directory, size, record, state, follower_ended: Condvar::new() }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The state of an upload that has not ended.
    pub(super) fn open_state(&self) -> Result<MutexGuard<'_, State>, StagingError> {
        let state = self.state();
        if state.closed { Err(StagingError::Absent(self.id)) } else { Ok(state) }
    }

    /// Ends it for every writer: when this returns, nobody writes in place any more.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.revoke_writers();
    }

    /// Lets writers in again, after what it was closed for has failed.
    pub(super) fn reopen(&self) {
        self.state().closed = false;
    }

    /// Keeps writers away from `data` until the answer is dropped.
    pub(super) fn begin_sealing(self: &Arc<Self>) -> Result<Sealing, StagingError> {
        let mut state = self.open_state()?;
        state.sealing = true;
        state.revoke_writers();
        while state.prefix.lease.is_some_and(|lease| lease.follower) {
            state = self.follower_ended.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.prefix.lease = None;
        Ok(Sealing(self.clone()))
    }

    pub(super) fn open_data(&self) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).open(self.directory.join(names::DATA))
    }

    pub(super) fn part_path(&self, offset: u64, sha256: Sha256) -> PathBuf {
        self.directory.join(names::part(offset, sha256))
    }

    pub(super) fn wake_sealer(&self) {
        self.follower_ended.notify_all();
    }
}

/// While it lives, an upload is being put together.
pub(super) struct Sealing(Arc<Upload>);

impl Drop for Sealing {
    fn drop(&mut self) {
        self.0.state().sealing = false;
    }
}

impl State {
    fn revoke_writers(&mut self) {
        for part in self.parts.values_mut() {
            if let InPlace::Writing(permit) = &part.in_place {
                permit.revoke();
                part.in_place = InPlace::Unknown;
            }
        }
    }

    /// The part at which the whole-file hashes could go on, since it is in place.
    pub(super) fn next_to_hash(&self) -> Option<(Part, Sha256)> {
        let offset = self.prefix.reached.position();
        let part = self.parts.get(&offset)?;
        match part.in_place {
            InPlace::Holds(sha256) => Some((Part { offset, length: part.length }, sha256)),
            InPlace::Unknown | InPlace::Writing(_) => None,
        }
    }
}

impl Permit {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(true)))
    }

    /// Does the write while nobody can take the permit away; none when it was.
    pub(super) fn write<T>(&self, write: impl FnOnce() -> T) -> Option<T> {
        lock(&self.0).then(write)
    }

    fn revoke(&self) {
        *lock(&self.0) = false;
    }
}

impl PrefixState {
    pub(super) fn lease(&mut self, follower: bool) -> (Lease, Prefix) {
        self.leases += 1;
        let lease = Lease { number: self.leases, follower };
        self.lease = Some(lease);
        (lease, self.reached.clone())
    }

    /// Ends the lease; false when it had been ended already.
    pub(super) fn end(&mut self, lease: Lease) -> bool {
        let present = self.lease == Some(lease);
        if present {
            self.lease = None;
        }
        present
    }

    /// Starts from nothing, because bytes that were hashed are about to change.
    pub(super) fn reset(&mut self) {
        self.reached = Prefix::default();
        self.lease = None;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
