//! The connection to the server, and who replaces it.
//!
//! A client whose first call failed is broken for good, as is one whose leader is lost, and none has deadlines of its own. So whoever
//! meets trouble [suspects](Link::suspect) the client that he used: it is thrown away, and one task makes new ones until one answers.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use cairn_commands::ports::BoxError;
use cairn_domain::Position;
use eventstore::{BatchAppendClient, BatchAppendOptions, Client};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::address::Server;
use super::call::{self, Begin};
use super::trouble::{Failure, Late};

/// How long making a client that answers may take.
const CONNECT_MAX: Duration = Duration::from_secs(2);

/// How long whoever needs a client waits for one that is about to come.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// The first pause between two tries to connect, and the longest one; chance makes each of them up to twice as long. A server that is
/// back is noticed while somebody who needs it still waits.
const PAUSE_MIN: Duration = Duration::from_millis(25);
const PAUSE_MAX: Duration = Duration::from_millis(400);

/// A client that has worked this long was a good one: the next begins with short pauses again.
const PROVEN_AFTER: Duration = Duration::from_secs(5);

/// How often a question is put, and how soon its first try must have failed for another one: together with the deadline of a call that
/// keeps whoever asks from waiting longer than three seconds.
const TRIES_MAX: usize = 3;
const SOON: Duration = Duration::from_millis(600);

/// Events of others that are passed by at once.
const PAGE: usize = 1_000;

/// How often a client is asked again that has been sent to another leader.
const LEADERS_MAX: usize = 3;

/// Why the log of a server can't be used, in words for who runs it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nobody answers at the address.
    #[error("nobody listens at {server}: is the address right, and does the server run?")]
    Unreachable {
        /// Where.
        server: Server,
        /// What is the matter.
        #[source]
        source: BoxError,
    },
    /// Somebody answers, in another language.
    #[error(
        "{server} answers, but not as EventStoreDB {how}: `tls` in the URL must be what the server has, and its certificate known here"
    )]
    NotUnderstood {
        /// Where.
        server: Server,
        /// How it was talked to.
        how: &'static str,
        /// What is the matter.
        #[source]
        source: BoxError,
    },
    /// The server does not know the user or the password, or does not let him read `$all`.
    #[error("{server} does not let us in: wrong user or password, or the user may not read $all")]
    NotLetIn {
        /// Where.
        server: Server,
    },
    /// It answers, and something else is wrong.
    #[error("the event log at {server} can't be used")]
    Unusable {
        /// Where.
        server: Server,
        /// What is the matter.
        #[source]
        source: BoxError,
    },
}

/// A client that has answered.
pub(super) struct Live {
    pub(super) client: Client,
    /// Counts the clients: what was learnt over another one may not hold any more.
    pub(super) number: u64,
    sessions: [Mutex<Option<Arc<BatchAppendClient>>>; 2],
    end: Mutex<End>,
}

/// What an append relies on. A refusal ends its session, so those that may well be refused have one of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Certainty {
    /// What was seen of the stream.
    Known,
    /// That the stream is new.
    Guessed,
}

/// The end of the server's log, as far as it was looked at.
#[derive(Default)]
struct End {
    /// The last event of anybody.
    last: Option<Position>,
    /// The last one of ours.
    head: Position,
}

/// The way to a client that works.
pub(super) struct Link {
    server: Server,
    live: watch::Sender<Option<Arc<Live>>>,
}

impl Link {
    /// With the first client, which has told the head of the log.
    pub(super) async fn open(server: &Server) -> Result<(Self, Position), OpenError> {
        match connect(server, 0, Position::START).await {
            Ok((live, head)) => Ok((Self { server: server.clone(), live: watch::Sender::new(Some(live)) }, head)),
            Err(failure) => Err(explain(server, failure).await),
        }
    }

    /// The client that works, if there is one or will be in a moment.
    pub(super) async fn live(&self) -> Result<Arc<Live>, Failure> {
        let mut live = self.live.subscribe();
        let found = timeout(WAIT_MAX, live.wait_for(Option::is_some)).await;
        let found = found.ok().and_then(|found| found.ok()?.clone());
        found.ok_or_else(|| Failure::Away(io::Error::new(io::ErrorKind::NotConnected, "the server is away").into()))
    }

    /// Nobody shall use this client any more.
    pub(super) fn suspect(&self, suspected: &Arc<Live>) {
        self.live.send_if_modified(|live| {
            let is_it = live.as_ref().is_some_and(|live| Arc::ptr_eq(live, suspected));
            if is_it {
                *live = None;
            }
            is_it
        });
    }

    /// The number of the present client.
    pub(super) fn number(&self) -> Option<u64> {
        self.live.borrow().as_ref().map(|live| live.number)
    }

    /// Asks a question that changes nothing, a second time if the first try failed soon enough.
    pub(super) async fn ask<T, F>(&self, question: impl Fn(Arc<Live>) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let started = Instant::now();
        let mut tries = 0;
        loop {
            let live = self.live().await?;
            tries += 1;
            match self.while_wanted(&live, question(Arc::clone(&live))).await {
                Err(Failure::Again(_) | Failure::Moved(_)) if tries < TRIES_MAX => {}
                Err(Failure::Away(error)) => {
                    self.suspect(&live);
                    if tries == TRIES_MAX || started.elapsed() > SOON {
                        return Err(Failure::Away(error));
                    }
                }
                answer => return answer,
            }
        }
    }

    /// The answer, unless somebody gives the client up meanwhile: nobody has to find out by himself that it is dead.
    pub(super) async fn while_wanted<T>(
        &self,
        wanted: &Arc<Live>,
        answer: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let mut live = self.live.subscribe();
        let given_up = async {
            let is_another = |live: &Option<Arc<Live>>| !live.as_ref().is_some_and(|live| Arc::ptr_eq(live, wanted));
            let _ = live.wait_for(is_another).await;
        };
        tokio::select! {
            biased;
            answer = answer => answer,
            () = given_up => Err(Failure::Away("the connection was given up".into())),
        }
    }

    /// Makes clients as long as they are needed. `seen` is how far the log is known to go: one that ends before is not the same log.
    pub(super) async fn supervise(&self, seen: watch::Receiver<Position>, stop: CancellationToken) {
        let _ = stop.run_until_cancelled(self.replace_for_ever(seen)).await;
        self.live.send_replace(None);
    }

    async fn replace_for_ever(&self, seen: watch::Receiver<Position>) {
        let mut live = self.live.subscribe();
        let mut pauses = pauses();
        let mut number = 0;
        loop {
            let since = Instant::now();
            if live.wait_for(Option::is_none).await.is_err() {
                return;
            }
            if since.elapsed() > PROVEN_AFTER {
                pauses = self::pauses();
            }
            number += 1;
            let next = self.next(number, &seen, &mut pauses).await;
            self.live.send_replace(Some(next));
        }
    }

    async fn next(&self, number: u64, seen: &watch::Receiver<Position>, pauses: &mut impl Iterator<Item = Duration>) -> Arc<Live> {
        let mut told = false;
        loop {
            tokio::time::sleep(pauses.next().unwrap_or(PAUSE_MAX)).await;
            let known = *seen.borrow();
            match connect(&self.server, number, known).await {
                Ok((live, _)) => {
                    if told {
                        tracing::info!(server = %self.server, "the event log answers again");
                    }
                    return live;
                }
                Err(failure) if !told => {
                    told = true;
                    tracing::warn!(server = %self.server, ?failure, "the event log does not answer; it is tried again");
                }
                Err(failure) => tracing::debug!(server = %self.server, ?failure, "the event log does not answer"),
            }
        }
    }
}

impl Live {
    /// The session over which such appends go. The server ends it whenever it refuses an append.
    pub(super) async fn session(&self, certainty: Certainty) -> Result<Arc<BatchAppendClient>, Failure> {
        let mut session = self.sessions[certainty as usize].lock().await;
        if let Some(open) = &*session {
            return Ok(Arc::clone(open));
        }
        // No deadline: it would be one for the whole session.
        let options = BatchAppendOptions::default().requires_leader(true);
        let opened = Box::pin(self.client.batch_append(&options)).await?;
        Ok(Arc::clone(session.insert(Arc::new(opened))))
    }

    /// The position of our last event. What others have written behind it is passed by once, page by page.
    pub(super) async fn head(&self) -> Result<Position, Failure> {
        let mut end = self.end.lock().await;
        let (mut begin, mut limit, mut last) = (Begin::End, 1, None);
        loop {
            let page = call::anything_before(&self.client, begin, limit).await?;
            last = last.or(page.first().map(|(position, _)| *position));
            let news = page.iter().take_while(|(position, _)| end.last.is_none_or(|seen| *position > seen));
            if let Some((head, _)) = news.clone().find(|(_, is_ours)| *is_ours) {
                *end = End { last, head: *head };
                return Ok(end.head);
            }
            if news.count() < limit {
                *end = End { last, head: end.head };
                return Ok(end.head);
            }
            begin = page.last().map_or(Begin::Start, |(first, _)| Begin::At(*first));
            limit = (limit * 32).min(PAGE);
        }
    }

    /// The session has ended, or may have.
    pub(super) async fn leave(&self, certainty: Certainty, ended: &Arc<BatchAppendClient>) {
        let mut session = self.sessions[certainty as usize].lock().await;
        if session.as_ref().is_some_and(|open| Arc::ptr_eq(open, ended)) {
            *session = None;
        }
    }
}

fn pauses() -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::default().with_min_delay(PAUSE_MIN).with_max_delay(PAUSE_MAX).without_max_times().with_jitter().build()
}

/// A new client, once it has told where the log ends.
async fn connect(server: &Server, number: u64, seen: Position) -> Result<(Arc<Live>, Position), Failure> {
    let connected = timeout(CONNECT_MAX, async {
        let client = build(server).await?;
        first_answer(&client).await?;
        Ok(client)
    });
    let client = connected.await.unwrap_or_else(|_| Err(Failure::Away(Late(CONNECT_MAX).into())))?;
    let live = Live { client, number, sessions: Default::default(), end: Mutex::default() };
    let head = live.head().await?;
    // A client that was badly answered once believes for good that the server is too old for batches.
    live.session(Certainty::Known).await?;
    if head < seen {
        let text = format!("the server's log ends at {head}, and it went to {seen}: it was emptied, or is another one");
        return Err(Failure::Refused(text.into()));
    }
    Ok((Arc::new(live), head))
}

/// Making a client reads the certificates of this machine.
async fn build(server: &Server) -> Result<Client, Failure> {
    let (settings, runtime) = (server.settings(), tokio::runtime::Handle::current());
    let built = tokio::task::spawn_blocking(move || {
        Client::with_runtime_handle(runtime, settings).map_err(|error| BoxError::from(format!("{error:#}")))
    });
    built.await.map_err(|error| Failure::Refused(error.into()))?.map_err(Failure::Refused)
}

/// A node that is not the leader names it, and the client goes there for the next call.
async fn first_answer(client: &Client) -> Result<(), Failure> {
    let mut leaders = 0;
    loop {
        match call::anything_before(client, Begin::End, 1).await {
            Err(Failure::Moved(_)) if leaders < LEADERS_MAX => leaders += 1,
            answer => return answer.map(drop),
        }
    }
}

async fn explain(server: &Server, failure: Failure) -> OpenError {
    let server = server.clone();
    match failure {
        Failure::Denied => OpenError::NotLetIn { server },
        Failure::Unreadable(_, source) | Failure::Refused(source) => OpenError::Unusable { server, source },
        Failure::Away(source) => {
            if let Some(error) = nobody_listens(&server).await {
                return OpenError::Unreachable { server, source: error.into() };
            }
            let how = if server.is_encrypted() { "with TLS" } else { "without TLS" };
            OpenError::NotUnderstood { server, how, source }
        }
        other => {
            let source = other.into_store_error("$all", Position::START).into();
            OpenError::Unusable { server, source }
        }
    }
}

/// Why no host of the server can be connected to; none if one can.
async fn nobody_listens(server: &Server) -> Option<io::Error> {
    let mut reason = None;
    for (host, port) in server.hosts() {
        match timeout(CONNECT_MAX, TcpStream::connect((host.as_str(), port))).await {
            Ok(Ok(_)) => return None,
            Ok(Err(error)) => reason = Some(error),
            Err(_) => reason = Some(io::Error::new(io::ErrorKind::TimedOut, Late(CONNECT_MAX))),
        }
    }
    reason
}
