//! A log as a text that can be carried away: one JSON object a line, which a reader can check line by line.
//!
//! The first line says what it is, the last one, the [`Manifest`], what it was; between them stands one line for each event. Each of those ends
//! with a chain: the SHA-256 of the chain of the line before and of everything in the line before it. So a line that was changed, moved or
//! left out is noticed right there, and a text that ends early has no manifest. This module knows the lines and no file.

mod line;
mod reader;
mod writer;

#[cfg(test)]
mod tests;

pub use line::{FORMAT, Manifest};
pub use reader::{BadLine, Fault, Line, Reader};
pub use writer::{Unwritable, Writer};

use cairn_domain::{EventId, Position, Sha256, StoredEvent};

use crate::log_digest::LogDigest;

/// What a text has had so far, whoever writes or reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SoFar {
    chain: Sha256,
    digest: LogDigest,
    events: u64,
    first: Option<(Position, EventId)>,
    last: Option<(Position, EventId)>,
}

impl SoFar {
    /// After the first line.
    fn begin() -> Self {
        let chain = line::chain(Sha256([0; 32]), line::head().as_bytes());
        Self { chain, digest: LogDigest::EMPTY, events: 0, first: None, last: None }
    }

    fn add(&mut self, event: &StoredEvent, chain: Sha256) {
        self.chain = chain;
        self.digest = self.digest.then(event);
        self.events += 1;
        self.first.get_or_insert((event.position, event.id));
        self.last = Some((event.position, event.id));
    }

    fn manifest(&self) -> Manifest {
        Manifest {
            events: self.events,
            first: self.first.map(|(position, _)| position),
            last: self.last.map(|(position, _)| position),
            log: self.first.map(|(_, id)| id),
            digest: self.digest,
            chain: self.chain,
        }
    }
}
