//! Failed attempts, counted for all processes of a drive.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use cairn_commands::ports::attempts::{AttemptPolicy, Attempts, Failures, MemoryAttempts};
use cairn_commands::ports::clock::Clock;
use cairn_domain::Timestamp;
use redis::Script;

use super::{Link, Seal};

static BEGIN: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("attempts/begin.lua")));
static FORGIVE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("attempts/forgive.lua")));
static FORGET: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("attempts/forget.lua")));

/// That failures were forgotten is remembered so long, in seconds: a process that still knows them must not bring them back.
const FORGOTTEN_SECONDS: u64 = 3_600;
/// No count stands longer, in seconds.
const SECONDS_MAX: u64 = 365 * 24 * 3_600;

/// Attempts in Redis.
///
/// Every process also keeps what it was last told, and counts on from there while Redis is away. What it counted meanwhile it says when Redis is back,
/// also to one that has lost everything: the count is the higher of both, unless all was forgiven since.
pub struct RedisAttempts {
    link: Arc<Link>,
    seal: Seal,
    clock: Arc<dyn Clock>,
    own: MemoryAttempts,
}

impl RedisAttempts {
    /// The attempts at the drive with this seal.
    pub fn over(link: Arc<Link>, seal: Seal, clock: Arc<dyn Clock>) -> Self {
        Self { link, seal, clock, own: MemoryAttempts::default() }
    }

    /// Names and addresses are nobody's business.
    fn key(&self, key: &str) -> String {
        self.link.key("attempts", &self.seal.name(key))
    }
}

#[async_trait]
impl Attempts for RedisAttempts {
    async fn begin(&self, key: &str, now: Timestamp, policy: AttemptPolicy) -> Option<u64> {
        let own = self.own.known(key);
        let own = own.map_or([0; 3], |own| [i64::from(own.count), own.last.0, own.forget_at.0]);
        let longest = policy.wait_seconds_max.min(SECONDS_MAX);
        let mut script = BEGIN.prepare_invoke();
        script.key(self.key(key));
        script.arg(now.0).arg(now.plus_seconds(longest).0);
        script.arg(policy.free).arg(policy.first_wait_seconds).arg(longest).arg(&own[..]);
        let Ok((wait, count, last, forget_at)) = self.link.run::<(u64, u32, i64, i64)>(&script).await else {
            return self.own.begin(key, now, policy).await;
        };
        let told = Failures { count, last: Timestamp(last), forget_at: Timestamp(forget_at) };
        self.own.learn(key, told, now);
        (wait > 0).then_some(wait)
    }

    async fn forgive(&self, key: &str) {
        self.own.forgive(key).await;
        let mut script = FORGIVE.prepare_invoke();
        script.key(self.key(key));
        // Not heard, one more stays counted: no harm to anybody but him who was right.
        let _ = self.link.run::<()>(&script).await;
    }

    async fn forget(&self, key: &str) {
        self.own.forget(key).await;
        let now = self.clock.now();
        let mut script = FORGET.prepare_invoke();
        script.key(self.key(key)).arg(now.0).arg(now.plus_seconds(FORGOTTEN_SECONDS).0).arg(FORGOTTEN_SECONDS);
        let _ = self.link.run::<()>(&script).await;
    }
}
