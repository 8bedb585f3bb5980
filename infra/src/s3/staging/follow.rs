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
        if upload.follow(&self.waiting_bytes, part, sha256, bytes).is_err() {
            self.forget_those_who_wait_too_long();
        }
    }

    /// Their turn will not come: another process has the parts before them, or nobody sends them.
    fn forget_those_who_wait_too_long(&self) {
        for (_, upload) in &self.uploads {
            upload.state().waiting.retain(|_, waiting| waiting.since.elapsed() < WAITING_MAX);
        }
    }
}

/// There is no room for a part that would have to wait.
struct NoRoom;

impl Upload {
    fn follow(self: &Arc<Self>, taken: &Arc<AtomicUsize>, part: Part, sha256: Sha256, bytes: &Pieces) -> Result<(), NoRoom> {
        let mut state = self.state();
        let position = state.prefix.position();
        // While somebody is hashing, it is the part at this position, which may come again meanwhile: nobody would ever take that one.
        let is_over = part.offset < position || part.offset == position && state.following;
        if is_over || state.waiting.contains_key(&part.offset) {
            return Ok(());
        }
        let is_next = part.offset == position;
        // Whose turn it is does not wait.
        let room = if is_next { None } else { Some(Room::take(taken, bytes.len()).ok_or(NoRoom)?) };
        state.waiting.insert(part.offset, Waiting { part, sha256, bytes: bytes.clone(), room, since: Instant::now() });
        if is_next {
            state.following = true;
            tokio::spawn(run(self.clone()));
        }
        Ok(())
    }

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
    let mut reached = None;
    loop {
        let (mut prefix, waiting) = {
            let mut state = upload.state();
            // In one go with what comes next: in between, the next part would be taken for the one that is hashed.
            if let Some(prefix) = reached.take() {
                state.prefix = prefix;
            }
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
        reached = Some(prefix);
    }
}

/// Whoever waits for the hashes is told, whatever happens.
struct Told<'a>(&'a Upload);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        self.0.followed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use cairn_domain::UploadId;

    use super::super::upload::Plan;
    use super::*;

    const PART_BYTES: u64 = 32 * 1024 * 1024;

    /// Hashing one takes long enough for others to come.
    fn part(number: u64) -> (Part, Sha256, Pieces) {
        let bytes = Pieces::from(Bytes::from(vec![b'x'; 32 * 1024 * 1024]));
        (Part { offset: number * PART_BYTES, length: PART_BYTES }, Sha256([7; 32]), bytes)
    }

    #[tokio::test]
    async fn a_part_that_comes_again_while_it_is_hashed_is_not_kept() {
        let plan = Plan { size: 3 * PART_BYTES, joining: None, opener: String::new() };
        let upload = Arc::new(Upload::new(UploadId(uuid::Uuid::from_u128(1)), plan));
        let taken = Arc::new(AtomicUsize::new(0));
        for number in [0, 1, 2] {
            let (part, sha256, bytes) = part(number);
            assert!(upload.follow(&taken, part, sha256, &bytes).is_ok());
            while upload.state().waiting.contains_key(&part.offset) {
                tokio::task::yield_now().await;
            }
            for _ in 0..3 {
                assert!(upload.follow(&taken, part, sha256, &bytes).is_ok());
            }
            upload.caught_up().await;
            let state = upload.state();
            assert_eq!((state.prefix.position(), state.waiting.len()), (part.offset + part.length, 0));
        }
        assert_eq!(taken.load(Ordering::Relaxed), 0);
    }
}
