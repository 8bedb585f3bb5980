//! The space of one account, where it is limited: what was promised to uploads and other new entries that the read tables do not show yet.
//!
//! What stands in the read tables is counted there. A promise is kept in mind until its entry is known to be among that, or known never to come.

mod command;
mod event;
mod rejection;
mod state;

pub use command::{Reserve, SpaceCommand};
pub use event::{Holder, Settled, SpaceEvent, SpaceFreed, SpaceReserved};
pub use rejection::SpaceRejection;
pub use state::{Promise, Space};

#[cfg(test)]
mod tests;
