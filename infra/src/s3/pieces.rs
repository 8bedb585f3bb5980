//! Bytes in memory, in pieces: what is only hashed and sent need not lie in one place.
//!
//! A piece stays where it came if it is most of what its connection has read into: that buffer, of up to 408 KiB with hyper, is in memory as
//! long as any slice of it. Everything else is copied to where nothing else lies, so that what is gathered costs hardly more than its length.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use cairn_domain::Sha256;
use sha2::Digest;
use tokio::task::spawn_blocking;

use super::trouble::Trouble;

/// What is smaller is copied, in bytes.
const PIECE_BYTES_MIN: usize = 256 * 1024;

/// Room that is made at once for what is copied, in bytes: as much as has come so far, within these bounds.
const ROOM_BYTES_MIN: usize = 4 * 1024;
const ROOM_BYTES_MAX: usize = 256 * 1024;

/// Below this a hash is not worth a thread of its own, in bytes.
pub(super) const HASHED_AT_ONCE: usize = 256 * 1024;

/// Some bytes, none of which change. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Pieces {
    pieces: Arc<[Bytes]>,
    length: usize,
}

impl Pieces {
    /// In bytes.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, Bytes> {
        self.pieces.iter()
    }

    pub(super) async fn sha256(&self) -> Result<Sha256, Trouble> {
        if self.length <= HASHED_AT_ONCE {
            return Ok(self.hash());
        }
        let pieces = self.clone();
        spawn_blocking(move || pieces.hash()).await.map_err(|error| Trouble::Unavailable(error.into()))
    }

    fn hash(&self) -> Sha256 {
        let mut sha256 = sha2::Sha256::new();
        self.iter().for_each(|piece| sha256.update(piece));
        Sha256(sha256.finalize().into())
    }
}

impl From<Bytes> for Pieces {
    fn from(bytes: Bytes) -> Self {
        let length = bytes.len();
        Self { pieces: [bytes].into(), length }
    }
}

/// Bytes that still come.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    pieces: Vec<Bytes>,
    small: BytesMut,
    length: usize,
}

impl Gathering {
    /// In bytes.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn push(&mut self, mut bytes: Bytes) {
        self.length += bytes.len();
        if bytes.len() >= PIECE_BYTES_MIN {
            self.end_small();
            self.pieces.push(bytes);
            return;
        }
        while !bytes.is_empty() {
            let mut room = self.small.capacity() - self.small.len();
            if room == 0 {
                self.end_small();
                self.small.reserve(self.length.clamp(ROOM_BYTES_MIN, ROOM_BYTES_MAX));
                room = self.small.capacity();
            }
            self.small.extend_from_slice(&bytes.split_to(bytes.len().min(room)));
        }
    }

    /// What has come; nothing is left of it.
    pub(super) fn take(&mut self) -> Pieces {
        self.end_small();
        let (pieces, length) = (std::mem::take(&mut self.pieces), std::mem::take(&mut self.length));
        Pieces { pieces: pieces.into(), length }
    }

    fn end_small(&mut self) {
        if !self.small.is_empty() {
            self.pieces.push(self.small.split().freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// What hyper's client reads at once at most, in bytes.
    const READ_BYTES_MAX: usize = 8192 + 4096 * 100;

    fn gathered(lengths: &[usize]) -> (Pieces, Vec<u8>) {
        let (mut gathering, mut all) = (Gathering::default(), Vec::new());
        for (length, seed) in lengths.iter().zip((0_u8..=255).cycle()) {
            let bytes: Vec<u8> = (0..*length).map(|at| (at as u8).wrapping_mul(seed).wrapping_add(seed)).collect();
            all.extend_from_slice(&bytes);
            gathering.push(bytes.into());
        }
        assert_eq!(gathering.len(), all.len());
        (gathering.take(), all)
    }

    #[tokio::test]
    async fn nothing_is_lost_however_it_comes() {
        for lengths in [&[][..], &[0], &[1, 2, 3], &[PIECE_BYTES_MIN, 1, PIECE_BYTES_MIN - 1, ROOM_BYTES_MAX, 7], &[20_000; 40]] {
            let (pieces, all) = gathered(lengths);
            let concatenated: Vec<u8> = pieces.iter().flatten().copied().collect();
            assert!(concatenated == all, "{lengths:?}");
            assert_eq!(pieces.sha256().await.unwrap(), Sha256(sha2::Sha256::digest(&all).into()));
        }
    }

    /// What a connection has read into. It is in memory as long as any slice of it.
    struct Buffer {
        bytes: Vec<u8>,
        held_bytes: Arc<AtomicUsize>,
    }

    impl Buffer {
        fn read(held_bytes: &Arc<AtomicUsize>, length: usize) -> Bytes {
            held_bytes.fetch_add(READ_BYTES_MAX, Ordering::Relaxed);
            Bytes::from_owner(Self { bytes: vec![0; READ_BYTES_MAX], held_bytes: held_bytes.clone() }).slice(..length)
        }
    }

    impl AsRef<[u8]> for Buffer {
        fn as_ref(&self) -> &[u8] {
            &self.bytes
        }
    }

    impl Drop for Buffer {
        fn drop(&mut self) {
            self.held_bytes.fetch_sub(self.bytes.len(), Ordering::Relaxed);
        }
    }

    #[test]
    fn what_is_gathered_keeps_no_buffer_of_which_it_is_a_small_part() {
        for length in [1, 1000, 40_000, 128 * 1024, 200_000, 300_000, READ_BYTES_MAX] {
            let (held_bytes, mut gathering) = (Arc::default(), Gathering::default());
            for _ in 0..50 {
                gathering.push(Buffer::read(&held_bytes, length));
            }
            let held = held_bytes.load(Ordering::Relaxed);
            assert!(held <= 2 * gathering.len(), "{} bytes in reads of {length} hold {held}", gathering.len());
        }
    }

    #[test]
    fn what_is_short_has_no_more_room_than_it_needs() {
        for length in [1, 1000, 40_000, PIECE_BYTES_MIN - 1] {
            let mut gathering = Gathering::default();
            gathering.push(vec![0; length].into());
            assert!(gathering.small.capacity() <= length.max(ROOM_BYTES_MIN), "{length}: {}", gathering.small.capacity());
        }
    }

    #[test]
    fn small_ones_are_put_together_and_large_ones_are_left_alone() {
        let (pieces, _) = gathered(&vec![1; 10_000]);
        assert_eq!(pieces.iter().count(), 3);
        let (pieces, _) = gathered(&[PIECE_BYTES_MIN; 10]);
        assert_eq!(pieces.iter().count(), 10);
        let mut gathering = Gathering::default();
        gathering.push(Bytes::from_static(b"first"));
        assert_eq!(gathering.take().len(), 5);
        assert_eq!((gathering.len(), gathering.take().len()), (0, 0));
    }
}
