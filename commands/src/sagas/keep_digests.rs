//! Keeps digests of the log as it grows, for whoever wants to know later whether it was altered.

use std::sync::Arc;

use cairn_domain::Position;

use crate::Trouble;
use crate::log_digest::LogDigest;
use crate::ports::digests::{BLOCK_EVENTS, Block, Digests};
use crate::ports::event_store::EventStore;

/// Reads what is new in the log and keeps its digests.
pub struct DigestKeeper {
    log: Arc<dyn EventStore>,
    digests: Arc<dyn Digests>,
    /// The block that grows; none before the first step.
    block: Option<Block>,
}

impl DigestKeeper {
    /// Goes on where anybody has left off.
    pub fn new(log: Arc<dyn EventStore>, digests: Arc<dyn Digests>) -> Self {
        Self { log, digests, block: None }
    }

    /// The last event whose digest is known to be kept.
    pub fn last(&self) -> Position {
        self.block.as_ref().map_or(Position::START, |block| block.last)
    }

    /// Up to the end of the log. Returns how many events are new.
    pub async fn step(&mut self) -> Result<u64, Trouble> {
        let mut new = 0;
        loop {
            let mut block = match self.block.take() {
                Some(block) => block,
                None => self.digests.last().await.map_err(unavailable)?.unwrap_or_else(first),
            };
            if block.marks.len() == BLOCK_EVENTS {
                block = Block { before: block.before + BLOCK_EVENTS as u64, marks: Vec::new(), ..block };
            }
            let events = self.log.read_all(block.last, BLOCK_EVENTS - block.marks.len()).await?;
            for event in &events {
                block.digest = block.digest.then(event);
                block.last = event.position;
                block.marks.push(block.digest.mark());
            }
            if !events.is_empty() {
                self.digests.keep(&block).await.map_err(unavailable)?;
            }
            self.block = Some(block);
            new += events.len() as u64;
            if events.is_empty() {
                return Ok(new);
            }
        }
    }
}

fn first() -> Block {
    Block { before: 0, last: Position::START, digest: LogDigest::EMPTY, marks: Vec::new() }
}

fn unavailable(error: crate::ports::digests::DigestsError) -> Trouble {
    Trouble::Unavailable(error.into())
}
