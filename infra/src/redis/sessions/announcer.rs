//! Says to all processes that sessions have ended, again and again until it is heard.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cairn_commands::ports::clock::Clock;
use cairn_commands::ports::sessions::Ended;
use cairn_domain::{SessionId, Timestamp};
use redis::Pipeline;
use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;

use super::super::link::{Away, Link};

/// Ends that wait for Redis to come back. Beyond, they are left to the read tables, which know all of them in the usual case.
const WAITING_MAX: usize = 100_000;
/// Ends that are said at once.
const TOGETHER: usize = 500;

/// An end stands at least so long: clocks may be wrong, and the read tables behind.
const SECONDS_MIN: u64 = 3_600;
/// And at most a year.
const SECONDS_MAX: u64 = 365 * 24 * 3_600;

pub(super) struct Announcer {
    link: Arc<Link>,
    waiting: Arc<Waiting>,
    _task: AbortOnDropHandle<()>,
}

#[derive(Default)]
struct Waiting {
    ends: Mutex<HashMap<SessionId, Timestamp>>,
    more: Notify,
}

impl Waiting {
    fn ends(&self) -> MutexGuard<'_, HashMap<SessionId, Timestamp>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, ended: &[Ended]) {
        let mut ends = self.ends();
        let room = WAITING_MAX.saturating_sub(ends.len());
        if room < ended.len() {
            tracing::warn!("too many sessions have ended without the shared cache: the read tables alone tell of some of them");
        }
        ends.extend(ended.iter().take(room).map(|ended| (ended.session, ended.until)));
        drop(ends);
        self.more.notify_one();
    }

    /// Some of those that still matter.
    fn some(&self, now: Timestamp) -> Vec<Ended> {
        let mut ends = self.ends();
        ends.retain(|_, until| now < *until);
        ends.iter().take(TOGETHER).map(|(session, until)| Ended { session: *session, until: *until }).collect()
    }
}

impl Announcer {
    pub(super) fn start(link: Arc<Link>, clock: Arc<dyn Clock>) -> Self {
        let waiting = Arc::new(Waiting::default());
        let task = tokio::spawn(say_again(Arc::clone(&link), Arc::clone(&waiting), clock));
        Self { link, waiting, _task: AbortOnDropHandle::new(task) }
    }

    /// Says it now, or as soon as it can be heard.
    pub(super) async fn announce(&self, ended: &[Ended], now: Timestamp) {
        for some in ended.chunks(TOGETHER) {
            if say(&self.link, some, now).await.is_err() {
                self.waiting.add(some);
            }
        }
    }
}

/// Under which key a session's end stands.
pub(super) fn key(link: &Link, session: SessionId) -> String {
    link.key("ended", &session.0.as_simple().to_string())
}

async fn say(link: &Link, ended: &[Ended], now: Timestamp) -> Result<(), Away> {
    let mut commands = Pipeline::with_capacity(ended.len());
    for one in ended {
        let seconds = u64::try_from(one.until.seconds().saturating_sub(now.seconds())).unwrap_or(0) + 1;
        let seconds = seconds.clamp(SECONDS_MIN, SECONDS_MAX);
        commands.cmd("SET").arg(key(link, one.session)).arg("").arg("EX").arg(seconds).ignore();
    }
    link.send(&commands).await
}

async fn say_again(link: Arc<Link>, waiting: Arc<Waiting>, clock: Arc<dyn Clock>) {
    loop {
        waiting.more.notified().await;
        loop {
            link.up().await;
            let now = clock.now();
            let some = waiting.some(now);
            if some.is_empty() {
                break;
            }
            if say(&link, &some, now).await.is_ok() {
                let mut ends = waiting.ends();
                for one in &some {
                    ends.remove(&one.session);
                }
            }
        }
    }
}
