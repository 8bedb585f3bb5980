//! Who is asking: the bearer token, looked up in the read tables by its SHA-256.

use std::sync::Arc;
use std::time::Duration;

use cairn_commands::Caller;
use cairn_domain::account::Role;
use cairn_domain::{Sha256, Timestamp};
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
pub(crate) struct Sessions(Cache<Sha256, SessionRecord>);

/// How long a look-up is believed: a session that ended in another process is dead within this time.
const BELIEVED: Duration = Duration::from_millis(500);
/// Look-ups kept.
const KEPT_MAX: u64 = 10_000;

impl Default for Sessions {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(KEPT_MAX).time_to_live(BELIEVED).build())
    }
}

impl Sessions {
    /// Forgets every look-up: a session has ended in this process, and its token must be dead when the answer goes out.
    pub(crate) fn forget(&self) {
        self.0.invalidate_all();
    }
}

impl App {
    /// Whose token it is; none for one that is unknown, expired or revoked.
    pub(crate) async fn caller(&self, token: &str) -> Result<Option<Caller>, Problem> {
        let token_sha256 = Sha256(sha2::Sha256::digest(token.as_bytes()).into());
        let session = match self.sessions.0.get(&token_sha256) {
            Some(session) => Some(session),
            None => self.look_up(token_sha256).await?,
        };
        let now = self.drive.ports().clock.now();
        Ok(session.filter(|session| is_alive(session, now)).map(|session| Caller {
            account: session.account,
            session: session.session,
            roles: session.roles,
        }))
    }

    async fn look_up(&self, token_sha256: Sha256) -> Result<Option<SessionRecord>, Problem> {
        let found = session_by_token(&*self.tables, token_sha256).await?;
        if let Some(session) = &found {
            self.sessions.0.insert(token_sha256, session.clone());
        }
        Ok(found)
    }
}

fn is_alive(session: &SessionRecord, now: Timestamp) -> bool {
    now < session.expires_at
}
