//! The bus over NATS JetStream: a stream of all events for whoever follows the drive from outside, and hints by which processes wake
//! each other.
//!
//! NATS acknowledges before it flushes, so it may lose what it has acknowledged. Nothing here trusts it: the stream's last message says
//! which event it is, and every message is published behind the one that the publisher knows as the last.

mod bus;
mod connect;
mod hints;
mod message;
mod stream;

pub use bus::NatsBus;
pub use connect::{BadUrl, OpenError, Server};
pub use stream::Limits;
