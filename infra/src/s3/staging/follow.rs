//! The whole-file hashes follow the parts as they come, so that sealing need not read them again.
//!
//! The parts of one file come at once, so each comes a little before its turn or after it. Those that are early wait in memory, as long
//! as there is room for them. Nothing depends on it but time: what was not hashed in time is read back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cairn_domain::Sha256;
use cairn_domain::upload::Part;
use tokio::task::spawn_blocking;

use super::super::pieces::Pieces;
use super::Area;
use super::upload::Upload;

/// What waits for its turn, in bytes, of all uploads.
const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;

/// When there is no room, whoever has waited longer loses its own.
const WAITING_MAX: Duration = Duration::from_mins(1);

/// A part before its turn.
pub(super) struct Waiting {
    part: Part,
    sha256: Sha256,
    bytes: Pieces,
    room: Option<Room>,
    since: Instant,
}

/// Some room among those that wait, given back when it is dropped.
struct Room {
    taken: Arc<AtomicUsize>,
    bytes: usize,
}

impl Room {
    fn take(taken: &Arc<AtomicUsize>, bytes: usize) -> Option<Self> {
        let room = Self { taken: taken.clone(), bytes };
        let before = taken.fetch_add(bytes, Ordering::Relaxed);
        (before + bytes <= WAITING_BYTES_MAX).then_some(room)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Area {
    /// A part has come. It need not be durable: what is hashed counts only if the log names this very part.
    pub(super) fn follow(&self, upload: &Arc<Upload>, part: Part, sha256: Sha256, bytes: &Pieces) {
        let mut state = upload.state();
        if part.offset < state.prefix.position() || state.waiting.contains_key(&part.offset) {
            return;
        }
        // Whose turn it is does not wait, but for the ones right before it.
        let is_next = part.offset == state.prefix.position();
        let room = if is_next { None } else { Room::take(&self.waiting_bytes, bytes.len()) };
        if !is_next && room.is_none() {
            drop(state);
            self.forget_those_who_wait_too_long();
            return;
        }
        state.waiting.insert(part.offset, Waiting { part, sha256, bytes: bytes.clone(), room, since: Instant::now() });
        if is_next && !state.following {
            state.following = true;
            tokio::spawn(run(upload.clone()));
        }
    }

    /// Their turn will not come: another process has the parts before them, or nobody sends them.
    fn forget_those_who_wait_too_long(&self) {
        for (_, upload) in &self.uploads {
            upload.state().waiting.retain(|_, waiting| waiting.since.elapsed() < WAITING_MAX);
        }
    }
}

impl Upload {
    /// Waits until whatever could be hashed is hashed.
    pub(super) async fn caught_up(&self) {
        loop {
            let followed = self.followed.notified();
            if !self.state().following {
                return;
            }
            followed.await;
        }
    }
}

async fn run(upload: Arc<Upload>) {
    let _told = Told(&upload);
    loop {
        let (mut prefix, waiting) = {
            let mut state = upload.state();
            let position = state.prefix.position();
            let Some(waiting) = state.waiting.remove(&position) else {
                state.following = false;
                return;
            };
            (state.prefix.clone(), waiting)
        };
        let Waiting { part, sha256, bytes, room, .. } = waiting;
        let hashed = spawn_blocking(move || {
            bytes.iter().for_each(|piece| prefix.update(piece));
            prefix.end_part(part, sha256);
            prefix
        });
        let Ok(prefix) = hashed.await else {
            upload.state().following = false;
            return;
        };
        drop(room);
        upload.state().prefix = prefix;
    }
}

/// Whoever waits for the hashes is told, whatever happens.
struct Told<'a>(&'a Upload);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        self.0.followed.notify_waiters();
    }
}
