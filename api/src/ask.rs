//! A request to change something: who asks, under which key, and the promise that a key is answered once.

use std::sync::Arc;

use cairn_commands::once::{Key, Repeat};
use cairn_commands::ports::ledger::StoredAnswer;
use cairn_commands::{Caller, Drive, Request, Trouble};
use cairn_domain::Position;
use poem_openapi::param::Header;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::http::observe::RequestContext;
use crate::http::problem::{Explain, Problem, common};

/// The `Idempotency-Key` header: 1 to 255 visible ASCII characters. A retry under the same key returns the first answer and changes nothing.
pub type IdempotencyKey = Header<Option<String>>;

/// The `Cairn-Min-Position` header: the answer shows at least what the log held at this position.
pub type MinPosition = Header<Option<u64>>;

/// Who wants to change something, and under which key; not yet what.
pub(crate) struct Asking {
    drive: Arc<Drive>,
    request: Request,
    key: Option<Key>,
}

/// A request to change something.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    /// As the use cases want it.
    pub(crate) request: Request,
    /// None without a key.
    once: Option<Once>,
}

/// What makes two requests the same request.
#[derive(Debug, Clone)]
struct Once {
    key: Key,
    fingerprint: String,
}

/// A success, as much of it as can be given again.
#[derive(Debug, Clone)]
pub struct Done<T> {
    /// The HTTP status.
    pub status: u16,
    /// Where the log then stood.
    pub position: Option<Position>,
    /// The body.
    pub body: T,
}

impl App {
    /// Reads who asks, and under which key.
    pub(crate) fn ask(&self, http: &poem::Request, caller: Option<&Caller>, key: &IdempotencyKey) -> Result<Asking, Problem> {
        let account = caller.map(|caller| caller.account);
        let key = key.0.as_deref().map(|key| parse_key(key).map(|key| Key::new(account, key))).transpose()?;
        Ok(Asking { drive: Arc::clone(&self.drive), request: self.request_of(http, caller), key })
    }

    /// A request that has an effect and takes no key: its retries are requests of their own.
    pub(crate) fn request_of(&self, http: &poem::Request, caller: Option<&Caller>) -> Request {
        Request {
            command: self.drive.ports().ids.command(),
            keyed: false,
            correlation: http.data::<RequestContext>().map(|context| context.id.to_string()),
            actor: caller.map(|caller| caller.account),
            client: self.client_address(http),
            causation: None,
        }
    }

    /// Does the work, unless its key was answered before: then gives that answer again.
    ///
    /// Only successes are remembered. What was refused may be tried again under the same key.
    pub(crate) async fn once<T, P>(&self, ask: &Ask, work: impl Future<Output = Result<Done<T>, P>> + Send) -> Result<Done<T>, P>
    where
        T: Serialize + DeserializeOwned,
        P: From<Problem>,
    {
        if let Some(answer) = self.answered(ask).await? {
            return Ok(answer);
        }
        let done = work.await?;
        self.record(ask, &done).await?;
        Ok(done)
    }

    /// Remembers how far the log was, and the answer under the request's key, if it has one.
    pub(crate) async fn record<T: Serialize>(&self, ask: &Ask, done: &Done<T>) -> Result<(), Problem> {
        if let Some((account, position)) = ask.request.actor.zip(done.position) {
            self.wrote(account, position);
        }
        let Some(Once { key, .. }) = &ask.once else { return Ok(()) };
        let body = serde_json::to_string(&done.body).map_err(|error| Problem::of(common::internal).because(error))?;
        let answer = StoredAnswer { status: done.status, position: done.position.map(|position| position.0), body };
        Ok(self.drive.finish_once(key, &answer).await?)
    }

    /// The answer that was given to this request before, if one was. A key that was used for another request is refused.
    pub(crate) async fn answered<T: DeserializeOwned>(&self, ask: &Ask) -> Result<Option<Done<T>>, Problem> {
        let Some(Once { key, fingerprint }) = &ask.once else { return Ok(None) };
        match self.drive.begin_once(key, fingerprint).await? {
            Repeat::Proceed => Ok(None),
            Repeat::Reused => Err(Problem::of(common::idempotency_key_reused)),
            Repeat::Answer(answer) => {
                let body = serde_json::from_str(&answer.body).map_err(|error| Problem::of(common::internal).because(error))?;
                Ok(Some(Done { status: answer.status, position: answer.position.map(Position), body }))
            }
        }
    }

    /// Runs a command detached from the connection: a client that hangs up can't stop it half-way.
    pub(crate) async fn detached<T, P>(&self, work: impl Future<Output = Result<T, P>> + Send + 'static) -> Result<T, P>
    where
        T: Send + 'static,
        P: From<Problem> + Send + 'static,
    {
        let ended = self.drive.detached(work).await;
        ended.unwrap_or_else(|| Err(Problem::of(common::internal).because("the command panicked").into()))
    }
}

impl Asking {
    /// The caller's key, if one came.
    pub(crate) fn key(&self) -> Option<&Key> {
        self.key.as_ref()
    }

    /// Says what: `call` and `wish` are everything that decides about the effect. Whoever comes back with the same key and the same of both
    /// retries, and whoever comes with anything else is refused.
    pub(crate) fn about(self, call: &'static str, wish: &impl Serialize) -> Ask {
        let Some(key) = self.key else { return Ask { request: self.request, once: None } };
        let fingerprint = self.drive.fingerprint(&[call.as_bytes(), &canonical(wish)]);
        let request = Request { command: key.command(&fingerprint), keyed: true, ..self.request };
        Ask { request, once: Some(Once { key, fingerprint }) }
    }
}

/// A wish as one text, whatever the spacing and the order of the request's body were.
pub(crate) fn canonical(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).unwrap_or_default()
}

fn parse_key(text: &str) -> Result<&str, Problem> {
    let fine = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fine { Ok(text) } else { Err(Problem::invalid("Idempotency-Key", "1 to 255 visible ASCII characters")) }
}

impl From<Trouble> for Problem {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Unavailable(_) | Trouble::Busy => Self::of(common::unavailable).because(trouble),
            Trouble::NoRoom => Self::of(common::storage_full),
            Trouble::OverQuota { quota, free } => Self::of(common::quota_exceeded).detail(format!(
                "You may hold {quota} bytes, of which {free} are free; purge something, also from the trash, or ask an operator."
            )),
            Trouble::Broken(_) => Self::of(common::internal).because(trouble),
        }
    }
}
