//! The twin, and what a drive of one process uses.

use std::time::Duration;

use async_trait::async_trait;
use cairn_domain::{SessionId, Sha256, Timestamp};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::{BELIEVED_MICROS, CLOCKS_APART_MICROS, Ended, Known, Reach, Session, SessionCache, is_believed};

/// Answers kept.
const KEPT_MAX: u64 = 10_000;
/// Ended sessions remembered; the read tables know of the older ones long since.
const ENDED_MAX: u64 = 100_000;

/// Remembers in memory, for one process.
#[derive(Debug, Clone)]
pub struct MemorySessions {
    kept: Cache<Sha256, (Session, Timestamp)>,
    ended: Cache<SessionId, ()>,
    /// When the read tables last knew of no session, as long as an older answer might still be believed somewhere.
    missed: Cache<Sha256, Timestamp>,
}

impl Default for MemorySessions {
    fn default() -> Self {
        let believed = Duration::from_micros(BELIEVED_MICROS.unsigned_abs());
        // Twice: whoever believes it at the last moment may remember that for as long again.
        let doubted = believed * 2 + Duration::from_micros(CLOCKS_APART_MICROS.unsigned_abs());
        Self {
            kept: Cache::builder().max_capacity(KEPT_MAX).time_to_live(believed).build(),
            // Whoever is new must get in, however often the others are asked for.
            ended: Cache::builder().max_capacity(ENDED_MAX).eviction_policy(EvictionPolicy::lru()).build(),
            missed: Cache::builder().max_capacity(KEPT_MAX).time_to_live(doubted).build(),
        }
    }
}

impl MemorySessions {
    /// Whether the session is known to have ended.
    pub fn has_ended(&self, session: SessionId) -> bool {
        self.ended.contains_key(&session)
    }

    /// The session has ended, whatever anybody says later.
    pub fn note_end(&self, session: SessionId) {
        self.ended.insert(session, ());
    }

    /// Whether the read tables, asked no earlier than then, knew of no session of that token.
    pub fn was_missed(&self, token_sha256: Sha256, asked_at: Timestamp) -> bool {
        self.missed.get(&token_sha256).is_some_and(|missed_at| asked_at <= missed_at)
    }
}

#[async_trait]
impl SessionCache for MemorySessions {
    async fn find(&self, token_sha256: Sha256, now: Timestamp) -> Known {
        match self.kept.get(&token_sha256) {
            Some((session, _)) if self.has_ended(session.caller.session) => Known::Ended,
            Some((session, asked_at)) if is_believed(asked_at, now) && !self.was_missed(token_sha256, asked_at) => {
                Known::Session(session)
            }
            Some(_) | None => Known::Unknown,
        }
    }

    async fn keep(&self, token_sha256: Sha256, session: &Session, asked_at: Timestamp) -> bool {
        self.kept.insert(token_sha256, (session.clone(), asked_at));
        !self.has_ended(session.caller.session) && !self.was_missed(token_sha256, asked_at)
    }

    async fn miss(&self, token_sha256: Sha256, asked_at: Timestamp) {
        self.missed.insert(token_sha256, asked_at);
    }

    async fn end(&self, ended: &[Ended], _: Timestamp) {
        for one in ended {
            self.note_end(one.session);
        }
    }

    fn reach(&self) -> Reach {
        Reach::Process
    }
}

#[cfg(test)]
mod tests {
    use super::super::contract;
    use super::*;

    #[tokio::test]
    async fn the_twin_keeps_the_contract() {
        let cache = MemorySessions::default();
        contract::suite(&cache, &cache.clone(), "memory").await;
    }

    #[tokio::test]
    async fn the_latest_end_is_remembered_however_many_there_were() {
        let cache = MemorySessions::default();
        let ended = |n: u64| Ended { session: SessionId(uuid::Uuid::from_u128(n.into())), until: Timestamp(1) };
        for n in 0..ENDED_MAX + 1_000 {
            cache.end(&[ended(n)], Timestamp(0)).await;
            assert!(cache.has_ended(ended(n).session));
        }
        cache.ended.run_pending_tasks();
        assert!(cache.has_ended(ended(ENDED_MAX + 999).session));
        assert!(cache.ended.entry_count() <= ENDED_MAX);
    }
}
