//! What every keeper of digests has to pass. It must be empty.

use cairn_domain::{Position, Sha256};

use super::{BLOCK_EVENTS, Block, Digests};
use crate::log_digest::LogDigest;

/// Runs every check.
///
/// # Panics
/// When the contract is broken.
pub async fn suite(digests: &impl Digests) {
    assert_eq!(last(digests).await, None);
    longer_blocks_take_the_place_of_shorter_ones(digests).await;
    the_last_block_is_that_with_the_most_before_it(digests).await;
    digests.clear().await.unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(last(digests).await, None);
    assert_eq!(load(digests, 0).await, None);
}

fn block(number: u64, events: usize) -> Block {
    let byte = u8::try_from(events % 251).unwrap_or_default();
    Block {
        before: number * BLOCK_EVENTS as u64,
        last: Position(number * 1_000_000_000_000 + events as u64),
        digest: LogDigest(Sha256([byte; 32])),
        marks: (0..events).map(|n| (n as u64 ^ u64::MAX).to_le_bytes()).collect(),
    }
}

async fn keep(digests: &impl Digests, block: &Block) {
    digests.keep(block).await.unwrap_or_else(|error| panic!("{error:?}"));
}

async fn last(digests: &impl Digests) -> Option<Block> {
    digests.last().await.unwrap_or_else(|error| panic!("{error:?}"))
}

async fn load(digests: &impl Digests, before: u64) -> Option<Block> {
    digests.load(before).await.unwrap_or_else(|error| panic!("{error:?}"))
}

async fn longer_blocks_take_the_place_of_shorter_ones(digests: &impl Digests) {
    for (events, stays) in [(1, 1), (7, 7), (3, 7), (BLOCK_EVENTS, BLOCK_EVENTS)] {
        keep(digests, &block(0, events)).await;
        assert_eq!(load(digests, 0).await, Some(block(0, stays)), "{events}");
    }
    let alike = Block { last: Position(5), ..block(0, BLOCK_EVENTS) };
    keep(digests, &alike).await;
    assert_eq!(load(digests, 0).await, Some(block(0, BLOCK_EVENTS)), "as many do not");
}

async fn the_last_block_is_that_with_the_most_before_it(digests: &impl Digests) {
    for number in [1, 3, 2] {
        keep(digests, &block(number, 10)).await;
    }
    assert_eq!(last(digests).await, Some(block(3, 10)));
    assert_eq!(load(digests, 2 * BLOCK_EVENTS as u64).await, Some(block(2, 10)));
    assert_eq!(load(digests, 4 * BLOCK_EVENTS as u64).await, None);
}
