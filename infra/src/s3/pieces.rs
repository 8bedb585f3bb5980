//! Bytes in memory, in the pieces in which they came: what is only hashed and sent need not lie in one place.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use cairn_domain::Sha256;
use sha2::Digest;
use tokio::task::spawn_blocking;

use super::trouble::Trouble;

/// What is smaller is put together with what comes next, in bytes: who sends one byte at a time must not cost many times as much memory.
const PIECE_BYTES_MIN: usize = 32 * 1024;

/// Room that is made at once for such pieces, in bytes.
const ROOM_BYTES: usize = 256 * 1024;

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

    pub(super) fn push(&mut self, bytes: Bytes) {
        self.length += bytes.len();
        if bytes.len() >= PIECE_BYTES_MIN {
            self.end_small();
            self.pieces.push(bytes);
            return;
        }
        if self.small.capacity() - self.small.len() < bytes.len() {
            self.end_small();
            self.small.reserve(ROOM_BYTES);
        }
        self.small.extend_from_slice(&bytes);
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
    use super::*;

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
        for lengths in [&[][..], &[0], &[1, 2, 3], &[PIECE_BYTES_MIN, 1, PIECE_BYTES_MIN - 1, ROOM_BYTES, 7], &[20_000; 40]] {
            let (pieces, all) = gathered(lengths);
            let concatenated: Vec<u8> = pieces.iter().flatten().copied().collect();
            assert!(concatenated == all, "{lengths:?}");
            assert_eq!(pieces.sha256().await.unwrap(), Sha256(sha2::Sha256::digest(&all).into()));
        }
    }

    #[test]
    fn small_ones_are_put_together_and_large_ones_are_left_alone() {
        let (pieces, _) = gathered(&vec![1; 10_000]);
        assert_eq!(pieces.iter().count(), 1);
        let (pieces, _) = gathered(&[PIECE_BYTES_MIN; 10]);
        assert_eq!(pieces.iter().count(), 10);
        let mut gathering = Gathering::default();
        gathering.push(Bytes::from_static(b"first"));
        assert_eq!(gathering.take().len(), 5);
        assert_eq!((gathering.len(), gathering.take().len()), (0, 0));
    }
}
