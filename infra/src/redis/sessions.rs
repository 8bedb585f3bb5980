//! Whose tokens are and which sessions have ended, for all processes of a drive.

mod announcer;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use cairn_commands::ports::clock::Clock;
use cairn_commands::ports::sessions::{Ended, Known, MemorySessions, Reach, Session, SessionCache, is_believed};
use cairn_domain::{Sha256, Timestamp};
use moka::sync::Cache;
use redis::Script;

use self::announcer::Announcer;
use super::{Link, Seal};

/// For so long a process does not ask again for what it was told. A session that another process has ended works here no longer than
/// that, and with an answer that was as old as it may be, everything is noticed within a second.
const NEAR: Duration = Duration::from_millis(250);
/// Answers kept near.
const NEAR_MAX: u64 = 10_000;

/// How long an entry stands in Redis, in milliseconds: somewhat longer than it is believed by any clock.
const ENTRY_MILLISECONDS: u32 = 1_000;

static FIND: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("sessions/find.lua")));
static KEEP: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("sessions/keep.lua")));

/// Sessions in Redis.
///
/// An entry stands under the SHA-256 of its token, and is sealed. An end stands under the id of its session until no token of it could work
/// any more; whoever looks for an entry or writes one looks for the end in the same step, so it does not matter which came first.
pub struct RedisSessions {
    link: Arc<Link>,
    seal: Seal,
    /// What this process knows by itself: all there is while Redis is away.
    own: MemorySessions,
    /// What Redis said, and when the read tables had been asked for it.
    near: Cache<Sha256, (Session, Timestamp)>,
    announcer: Announcer,
}

impl RedisSessions {
    /// The sessions of the drive with this seal.
    pub fn over(link: Arc<Link>, seal: Seal, clock: Arc<dyn Clock>) -> Self {
        let near = Cache::builder().max_capacity(NEAR_MAX).time_to_live(NEAR).build();
        let announcer = Announcer::start(Arc::clone(&link), clock);
        Self { link, seal, own: MemorySessions::default(), near, announcer }
    }

    fn known(&self, session: Session, has_ended: bool) -> Known {
        if has_ended {
            self.own.note_end(session.caller.session);
        }
        if self.own.has_ended(session.caller.session) { Known::Ended } else { Known::Session(session) }
    }
}

fn entry(link: &Link, token_sha256: Sha256) -> String {
    link.key("session", &token_sha256.to_string())
}

#[async_trait]
impl SessionCache for RedisSessions {
    async fn find(&self, token_sha256: Sha256, now: Timestamp) -> Known {
        let counts = |asked_at| !self.own.was_missed(token_sha256, asked_at);
        if let Some((session, _)) = self.near.get(&token_sha256).filter(|(_, asked_at)| counts(*asked_at)) {
            return self.known(session, false);
        }
        let mut script = FIND.prepare_invoke();
        script.key(entry(&self.link, token_sha256)).arg(self.link.key("ended", ""));
        let Ok(found) = self.link.run::<Option<(Vec<u8>, bool)>>(&script).await else {
            return self.own.find(token_sha256, now).await;
        };
        let opened = found.and_then(|(text, ended)| Some((self.seal.open(token_sha256, &text)?, ended)));
        match opened {
            Some(((session, _), true)) => self.known(session, true),
            Some(((session, asked_at), false)) if is_believed(asked_at, now) && counts(asked_at) => {
                self.near.insert(token_sha256, (session.clone(), asked_at));
                self.known(session, false)
            }
            Some(_) | None => Known::Unknown,
        }
    }

    async fn keep(&self, token_sha256: Sha256, session: &Session, asked_at: Timestamp) -> bool {
        let mut script = KEEP.prepare_invoke();
        script.key(entry(&self.link, token_sha256)).key(announcer::key(&self.link, session.caller.session));
        script.arg(self.seal.seal(token_sha256, session, asked_at)).arg(ENTRY_MILLISECONDS);
        if self.link.run::<bool>(&script).await == Ok(false) {
            self.own.note_end(session.caller.session);
        }
        self.own.keep(token_sha256, session, asked_at).await
    }

    async fn miss(&self, token_sha256: Sha256, asked_at: Timestamp) {
        self.own.miss(token_sha256, asked_at).await;
    }

    async fn end(&self, ended: &[Ended], now: Timestamp) {
        self.own.end(ended, now).await;
        self.announcer.announce(ended, now).await;
    }

    fn reach(&self) -> Reach {
        if self.link.is_up() { Reach::Shared } else { Reach::Cut }
    }
}
