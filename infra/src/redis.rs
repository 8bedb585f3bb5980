//! Redis: what the processes of a drive share for a moment. Whose tokens are, which sessions have ended, and how often somebody was wrong.
//!
//! Nothing depends on it. While it does not answer, each process goes on with the read tables and with what it knows itself; nothing waits
//! longer than a quarter of a second for it, and only the first to notice waits at all. Nothing is believed because it stands
//! there: entries are sealed with a key that Redis does not have.
//!
//! Redis 6.0 and later, or Valkey; one server, not a cluster.

mod attempts;
mod link;
mod seal;
mod server;
mod sessions;

pub use attempts::RedisAttempts;
pub use link::{Link, OpenError};
pub use seal::Seal;
pub use server::{BadUrl, Server};
pub use sessions::RedisSessions;
