//! The safe implementation for every processor: the block functions of the `sha1` and `sha2` crates.

use crate::engine::{BLOCK_BYTES, Chain};

/// 16 KiB: small enough that the second function finds the bytes of the first still in the nearest cache.
const BLOCKS_PER_TURN: usize = 16 * 1024 / BLOCK_BYTES;

pub(crate) fn compress(chain: &mut Chain, blocks: &[[u8; BLOCK_BYTES]]) {
    for turn in blocks.chunks(BLOCKS_PER_TURN) {
        sha2::block_api::compress256(&mut chain.sha256, turn);
        sha1::block_api::compress(&mut chain.sha1, turn);
    }
}
