//! The choice between the two implementations, made once per hasher.

use std::fmt;

use crate::{Digests, portable};

#[cfg(target_arch = "x86_64")]
use crate::shani::ShaNi;

/// SHA-1 and SHA-256 both work on blocks of this size.
pub(crate) const BLOCK_BYTES: usize = 64;

/// The implementation that [`Hasher::new`](crate::Hasher::new) takes on this processor.
pub fn implementation() -> Implementation {
    Engine::detect().implementation()
}

/// How bytes are hashed; the digests are the same, only the speed differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Implementation {
    /// Both functions in one loop of x86-64 SHA instructions.
    ShaNi,
    /// The `sha1` and `sha2` crates, one after the other on every 16 KiB.
    Portable,
}

impl fmt::Display for Implementation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ShaNi => "sha-ni",
            Self::Portable => "portable",
        })
    }
}

/// What an [`Implementation`] needs to run: for SHA-NI, the proof that the processor has it.
#[derive(Clone, Copy)]
pub(crate) enum Engine {
    #[cfg(target_arch = "x86_64")]
    ShaNi(ShaNi),
    Portable,
}

impl Engine {
    /// The fastest that this processor has.
    pub(crate) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(sha_ni) = ShaNi::detect() {
            return Self::ShaNi(sha_ni);
        }
        Self::Portable
    }

    pub(crate) fn implementation(self) -> Implementation {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::ShaNi(_) => Implementation::ShaNi,
            Self::Portable => Implementation::Portable,
        }
    }

    /// Feeds whole blocks to both functions.
    pub(crate) fn compress(self, chain: &mut Chain, blocks: &[[u8; BLOCK_BYTES]]) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::ShaNi(sha_ni) => sha_ni.compress(chain, blocks),
            Self::Portable => portable::compress(chain, blocks),
        }
    }
}

/// The chaining values of both functions: all that is remembered of the blocks already taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chain {
    pub(crate) sha256: [u32; 8],
    pub(crate) sha1: [u32; 5],
}

impl Chain {
    /// Before the first block (FIPS 180-4, sections 5.3.3 and 5.3.1).
    pub(crate) const INITIAL: Self = Self {
        sha256: [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19],
        sha1: [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0],
    };

    /// The chaining values as bytes; after the padded last block these are the digests.
    pub(crate) fn to_digests(self) -> Digests {
        Digests { sha256: to_bytes(self.sha256), sha1: to_bytes(self.sha1) }
    }

    pub(crate) fn from_digests(digests: &Digests) -> Self {
        Self { sha256: to_words(&digests.sha256), sha1: to_words(&digests.sha1) }
    }
}

fn to_bytes<const WORDS: usize, const BYTES: usize>(words: [u32; WORDS]) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    for (four, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *four = word.to_be_bytes();
    }
    bytes
}

fn to_words<const WORDS: usize>(bytes: &[u8]) -> [u32; WORDS] {
    let mut words = [0; WORDS];
    for (word, four) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u32::from_be_bytes(*four);
    }
    words
}
