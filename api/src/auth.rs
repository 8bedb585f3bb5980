//! Who is asking: the bearer token, looked up in the read tables by its SHA-256.

use std::sync::Arc;
use std::time::Duration;

use cairn_commands::Caller;
use cairn_domain::account::Role;
use cairn_domain::{SessionId, Sha256, Timestamp};
use cairn_projections::queries::users::{SessionRecord, session_by_token};
use moka::sync::Cache;
use poem::{Request, Result};
use poem_openapi::SecurityScheme;
use poem_openapi::auth::Bearer;
use sha2::Digest;

use crate::app::App;
use crate::http::problem::{Explain, Problem, common};

/// Somebody with a valid token.
#[derive(SecurityScheme)]
#[oai(ty = "bearer", key_name = "token", bearer_format = "64 hex digits", checker = "check")]
pub struct SignedIn(pub Caller);

/// Somebody with a valid token and the role of an operator.
#[derive(SecurityScheme)]
#[oai(ty = "bearer", key_name = "operator", bearer_format = "64 hex digits", checker = "check_operator")]
pub struct Operator(pub Caller);

async fn check(request: &Request, bearer: Bearer) -> Result<Caller> {
    let app = request.data::<Arc<App>>().ok_or_else(|| Problem::of(common::internal).because("the app is not there"))?;
    let caller = app.caller(&bearer.token).await?;
    Ok(caller.ok_or_else(|| Problem::of(common::unauthorized))?)
}

/// To whoever is no operator, what operators see is as if absent.
async fn check_operator(request: &Request, bearer: Bearer) -> Result<Caller> {
    let caller = check(request, bearer).await?;
    if caller.roles.contains(&Role::Admin) { Ok(caller) } else { Err(Problem::of(common::not_found).into()) }
}

/// Sessions that were looked up a moment ago.
pub(crate) struct Sessions {
    found: Cache<Sha256, SessionRecord>,
    /// Sessions that were signed out here: dead at once, however far the read tables are behind.
    ended: Cache<SessionId, ()>,
}

/// How long a look-up is believed: a session that ended in another process is dead within this time.
const BELIEVED: Duration = Duration::from_millis(500);
/// Look-ups kept.
const KEPT_MAX: u64 = 10_000;
/// Ended sessions remembered; the read tables know of the older ones long since.
const ENDED_MAX: u64 = 100_000;

impl Default for Sessions {
    fn default() -> Self {
        let found = Cache::builder().max_capacity(KEPT_MAX).time_to_live(BELIEVED).build();
        Self { found, ended: Cache::builder().max_capacity(ENDED_MAX).build() }
    }
}

impl Sessions {
    /// Forgets every look-up: sessions have ended in this process, and their tokens must be dead when the answer goes out.
    pub(crate) fn forget(&self) {
        self.found.invalidate_all();
    }

    /// This session has ended, whatever the read tables say.
    pub(crate) fn end(&self, session: SessionId) {
        self.ended.insert(session, ());
        self.forget();
    }
}

impl App {
    /// Whose token it is; none for one that is unknown, expired or revoked.
    pub(crate) async fn caller(&self, token: &str) -> Result<Option<Caller>, Problem> {
        let token_sha256 = Sha256(sha2::Sha256::digest(token.as_bytes()).into());
        let session = match self.sessions.found.get(&token_sha256) {
            Some(session) => Some(session),
            None => self.look_up(token_sha256).await?,
        };
        let now = self.drive.ports().clock.now();
        let ended = |session: &SessionRecord| self.sessions.ended.contains_key(&session.session);
        Ok(session.filter(|session| is_alive(session, now) && !ended(session)).map(|session| Caller {
            account: session.account,
            session: session.session,
            roles: session.roles,
        }))
    }

    async fn look_up(&self, token_sha256: Sha256) -> Result<Option<SessionRecord>, Problem> {
        let found = session_by_token(&*self.tables, token_sha256).await?;
        if let Some(session) = &found {
            self.sessions.found.insert(token_sha256, session.clone());
        }
        Ok(found)
    }
}

fn is_alive(session: &SessionRecord, now: Timestamp) -> bool {
    now < session.expires_at
}
