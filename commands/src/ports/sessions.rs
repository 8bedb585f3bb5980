//! Whose token it is, remembered for a moment, and which sessions have ended.

use async_trait::async_trait;
use cairn_domain::{SessionId, Sha256, Timestamp};

use crate::Caller;

#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod memory;

pub use memory::MemorySessions;

/// How long the answer of the read tables is believed at most, in microseconds. With what processes that share a cache add to it, a session
/// that ended and a role that changed are noticed everywhere within a second.
pub const BELIEVED_MICROS: i64 = 250_000;

/// How far the clocks of processes that share a cache may be apart before they do not believe each other any more, in microseconds.
pub const CLOCKS_APART_MICROS: i64 = 250_000;

/// Remembers for a moment what the read tables said of a token, and which sessions have ended before the tables know.
///
/// It may forget anything at any time; then the read tables are asked. It fails in silence, so that it is never what a request fails for,
/// and it answers within a fraction of a second whatever has become of the server behind it.
///
/// - What is found was kept no longer than [`BELIEVED_MICROS`] ago, counted from when the tables were asked, by the clocks of
///   whoever kept and whoever finds it.
/// - Where [`end`](Self::end) was heard of, the session is never found alive again, whether it is kept before, meanwhile or afterwards. The
///   process that ended it hears at once; the others that share the cache do within a quarter of a second if it can be reached, and
///   otherwise learn it from the read tables when their belief has run out.
/// - What the read tables said before they knew of [no session](Self::miss) is not believed any more by the process that asked them: whoever was
///   once turned away there is not let in by an older answer.
#[async_trait]
pub trait SessionCache: Send + Sync {
    /// What is known of the session whose token has this SHA-256.
    async fn find(&self, token_sha256: Sha256, now: Timestamp) -> Known;

    /// Keeps what the read tables said of a token when they were asked. False when its session is known to have ended, or was missed since: they
    /// are behind.
    async fn keep(&self, token_sha256: Sha256, session: &Session, asked_at: Timestamp) -> bool;

    /// The read tables knew of no session of that token when they were asked.
    async fn miss(&self, token_sha256: Sha256, asked_at: Timestamp);

    /// These sessions have ended.
    async fn end(&self, ended: &[Ended], now: Timestamp);

    /// Who else sees what is kept here.
    fn reach(&self) -> Reach;
}

/// A session as the read tables have it. Whether it has expired is for the caller to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Who asks with this token.
    pub caller: Caller,
    /// When its token stops working.
    pub expires_at: Timestamp,
}

/// What is known of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// The read tables said this a moment ago, and nobody has ended it since.
    Session(Session),
    /// Its session has ended.
    Ended,
    /// Nothing: ask the read tables.
    Unknown,
}

/// A session that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Which.
    pub session: SessionId,
    /// When its token would have stopped working: nothing needs to be known of it afterwards.
    pub until: Timestamp,
}

/// Who sees what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// This process alone, as is intended.
    Process,
    /// Every process that shares the cache.
    Shared,
    /// This process alone, because the shared cache can't be reached.
    Cut,
}

/// Whether an answer of the read tables may still be believed.
pub fn is_believed(asked_at: Timestamp, now: Timestamp) -> bool {
    let age = now.0.saturating_sub(asked_at.0);
    (-CLOCKS_APART_MICROS..BELIEVED_MICROS).contains(&age)
}
