//! A hash in the middle of its content, as a record that survives a restart.
//!
//! The record is stored beside a staging file. It is 148 bytes long; numbers are big-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | `CAIRNDG` and the version of this format, 1 |
//! | 8..16 | bytes seen |
//! | 16..48 | chaining value of SHA-256 |
//! | 48..68 | chaining value of SHA-1 |
//! | 68..132 | the bytes that wait for their block to fill, then zeros |
//! | 132..148 | the first half of the SHA-256 of all that stands before |
//!
//! The layout depends on neither the implementation nor the processor, so a state saved by one resumes in any other.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::Digests;
use crate::engine::{BLOCK_BYTES, Chain};

/// A hasher's state between two updates; made by [`Hasher::save`](crate::Hasher::save), continued by
/// [`Hasher::resume`](crate::Hasher::resume).
#[derive(Clone, PartialEq, Eq)]
pub struct SavedState {
    pub(crate) chain: Chain,
    pub(crate) bytes_seen: u64,
    /// The last `bytes_seen % 64` bytes, then zeros.
    pub(crate) buffer: [u8; BLOCK_BYTES],
}

/// Why a saved state cannot be continued. Whatever the reason, the way out is to hash the content from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadState {
    /// It does not begin as a record of this version does.
    #[error("this is not a saved hash of version {VERSION}")]
    Format,
    /// It was torn while it was written, or something follows it.
    #[error("a saved hash has {} bytes, this has {actual}", SavedState::BYTES)]
    Size {
        /// The record's size in bytes.
        actual: usize,
    },
    /// It was altered after it was written.
    #[error("the checksum of the saved hash does not match")]
    Checksum,
    /// It is intact, yet no content leads to it.
    #[error("the saved hash describes a state that no content has")]
    Impossible,
}

const VERSION: u8 = 1;
const FORMAT: [u8; 8] = *b"CAIRNDG\x01";
const CHECKSUM_AT: usize = 132;

/// FIPS 180-4, section 1: fewer than 2^64 bits.
const CONTENT_BYTES_MAX: u64 = (1 << 61) - 1;

impl SavedState {
    /// Size of the record in bytes.
    pub const BYTES: usize = CHECKSUM_AT + 16;

    pub(crate) fn new(chain: Chain, bytes_seen: u64, waiting: &[u8]) -> Self {
        let mut buffer = [0; BLOCK_BYTES];
        buffer[..waiting.len()].copy_from_slice(waiting);
        Self { chain, bytes_seen, buffer }
    }

    /// The record to store.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let chain = self.chain.to_digests();
        let mut record = [0; Self::BYTES];
        record[..8].copy_from_slice(&FORMAT);
        record[8..16].copy_from_slice(&self.bytes_seen.to_be_bytes());
        record[16..48].copy_from_slice(&chain.sha256);
        record[48..68].copy_from_slice(&chain.sha1);
        record[68..CHECKSUM_AT].copy_from_slice(&self.buffer);
        let checksum = checksum(&record);
        record[CHECKSUM_AT..].copy_from_slice(&checksum);
        record
    }

    /// Reads a stored record; refuses one that is foreign, torn or altered.
    ///
    /// The checksum finds accidents. It does not stop whoever may write the record from writing another one.
    pub fn from_bytes(record: &[u8]) -> Result<Self, BadState> {
        if !record.starts_with(&FORMAT) {
            return Err(BadState::Format);
        }
        let record: &[u8; Self::BYTES] = record.try_into().map_err(|_| BadState::Size { actual: record.len() })?;
        if record[CHECKSUM_AT..] != checksum(record) {
            return Err(BadState::Checksum);
        }
        Ok(Self {
            bytes_seen: u64::from_be_bytes(field(record, 8)),
            chain: Chain::from_digests(&Digests { sha256: field(record, 16), sha1: field(record, 48) }),
            buffer: field(record, 68),
        })
    }

    /// Whether some content leads to this state, as far as that can be told without the content.
    pub(crate) fn check(&self) -> Result<(), BadState> {
        let waiting = (self.bytes_seen % BLOCK_BYTES as u64) as usize;
        let no_block_yet = self.bytes_seen < BLOCK_BYTES as u64;
        let possible = self.bytes_seen <= CONTENT_BYTES_MAX
            && self.buffer[waiting..].iter().all(|&byte| byte == 0)
            && (!no_block_yet || self.chain == Chain::INITIAL);
        if possible { Ok(()) } else { Err(BadState::Impossible) }
    }
}

/// Shows how far the hash is, never the content's bytes.
impl fmt::Debug for SavedState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SavedState").field("bytes_seen", &self.bytes_seen).finish_non_exhaustive()
    }
}

fn checksum(record: &[u8; SavedState::BYTES]) -> [u8; 16] {
    let whole: [u8; 32] = Sha256::digest(&record[..CHECKSUM_AT]).into();
    std::array::from_fn(|index| whole[index])
}

fn field<const BYTES: usize>(record: &[u8; SavedState::BYTES], at: usize) -> [u8; BYTES] {
    std::array::from_fn(|index| record[at + index])
}
