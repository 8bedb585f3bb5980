//! Who is asking: the bearer token, looked up by its SHA-256 in the cache of sessions and behind it in the read tables.

use std::sync::Arc;

use cairn_commands::Caller;
use cairn_commands::pace::Asker;
use cairn_commands::ports::sessions::{Known, Session};
use cairn_domain::policy::may_operate;
use cairn_domain::{Sha256, Timestamp};
use cairn_projections::queries::users::{SessionRecord, session_by_token};
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
    let Some(caller) = app.caller(&bearer.token).await? else {
        app.pace_stranger(request).await?;
        return Err(Problem::of(common::unauthorized).into());
    };
    app.pace(Asker::Account(caller.account)).await?;
    Ok(caller)
}

/// To whoever is no operator, what operators see is as if absent.
async fn check_operator(request: &Request, bearer: Bearer) -> Result<Caller> {
    let caller = check(request, bearer).await?;
    if may_operate(caller.asker()) { Ok(caller) } else { Err(Problem::of(common::not_found).into()) }
}

impl App {
    /// Takes a request of somebody who has not signed in, unless too many came from the address.
    pub(crate) async fn pace_stranger(&self, request: &Request) -> Result<(), Problem> {
        match self.client_address(request) {
            Some(address) => self.pace(Asker::Address(&address)).await,
            None => Ok(()),
        }
    }

    async fn pace(&self, asker: Asker<'_>) -> Result<(), Problem> {
        let wait = self.drive.pace(asker).await;
        wait.map_or(Ok(()), |wait| Err(Problem::of(common::too_many_requests).retry_after(wait)))
    }

    /// Whose token it is; none for one that is unknown, expired or revoked.
    pub(crate) async fn caller(&self, token: &str) -> Result<Option<Caller>, Problem> {
        let token_sha256 = Sha256(sha2::Sha256::digest(token.as_bytes()).into());
        let ports = self.drive.ports();
        let now = ports.clock.now();
        let session = match ports.sessions.find(token_sha256, now).await {
            Known::Session(session) => Some(session),
            Known::Ended => None,
            Known::Unknown => self.look_up(token_sha256, now).await?,
        };
        Ok(session.filter(|session| now < session.expires_at).map(|session| session.caller))
    }

    /// Asks the read tables. They may be behind what is known of a session's end.
    async fn look_up(&self, token_sha256: Sha256, now: Timestamp) -> Result<Option<Session>, Problem> {
        let sessions = &self.drive.ports().sessions;
        let Some(SessionRecord { session, account, expires_at, roles }) = session_by_token(&*self.tables, token_sha256).await?
        else {
            sessions.miss(token_sha256, now).await;
            return Ok(None);
        };
        let session = Session { caller: Caller { account, session, roles }, expires_at };
        let alive = sessions.keep(token_sha256, &session, now).await;
        Ok(alive.then_some(session))
    }
}
