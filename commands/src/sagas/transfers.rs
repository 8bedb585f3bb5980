//! Contents move by themselves from where they landed to where they are to stay.
//!
//! The log is the inbox, the outbox and the memory: what was stored asks for a transfer ([`request_transfers`]), a transfer puts a task into
//! the queue, a [`Mover`] takes it, copies, and says so on the log, and only then the source goes. The queue may lose anything:
//! [`Watch`] finds on the log what nothing came of. Every step may run again, in several processes at once, and be cut off anywhere.

mod adopt;
mod carry;
mod mover;
mod queue;
mod request;
mod watch;

pub use mover::{Mover, MoverSettings};
pub use request::{Requested, Wanted, request_transfer, request_transfers, transfer_id, wanted, wanted_by_hand};
pub use watch::{Patience, Watch, Watched};
