use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::reader::PIECE_BYTES;

/// Buffers that were read into before: their pages are there and warm, which a fresh allocation of this size has to
/// fault in one by one, and nothing has to be zeroed.
#[derive(Debug, Default)]
pub(super) struct Buffers(Mutex<Vec<Vec<u8>>>);

/// How many spare buffers are kept: 4 MiB of them.
const SPARE_MAX: usize = 16;

impl Buffers {
    /// An empty buffer with room for as much, and seldom more: a read fills all of it. Only whole pieces are recycled.
    pub(super) fn take(&self, bytes: usize) -> Vec<u8> {
        let recycled = if bytes == PIECE_BYTES { self.spare().pop() } else { None };
        recycled.unwrap_or_else(|| Vec::with_capacity(bytes))
    }

    /// Wraps what was read; the buffer comes back when the last reader of the bytes has let go.
    pub(super) fn lend(self: &Arc<Self>, buffer: Vec<u8>) -> Bytes {
        Bytes::from_owner(Lent { buffer, home: self.clone() })
    }

    fn spare(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Lent {
    buffer: Vec<u8>,
    home: Arc<Buffers>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let mut spare = self.home.spare();
        if buffer.capacity() == PIECE_BYTES && spare.len() < SPARE_MAX {
            spare.push(buffer);
        }
    }
}
