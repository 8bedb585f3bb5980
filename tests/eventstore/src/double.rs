//! The double itself: what a test holds.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use tokio::runtime::{Builder, Runtime};
use tonic::Status;

use crate::access::User;
use crate::fault::{Fault, Method, Scope};
use crate::server;
use crate::shared::Shared;

/// How running subscriptions end, seen from the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionEnd {
    /// As if everything were said: status `OK`.
    Clean,
    /// Status `UNAVAILABLE`, as of a server that stops.
    Unavailable,
    /// Status `ABORTED`, as older servers end a subscription whose client does not keep up.
    ConsumerTooSlow,
}

impl SubscriptionEnd {
    pub(crate) fn status(self) -> Option<Status> {
        match self {
            Self::Clean => None,
            Self::Unavailable => Some(Status::unavailable("Server Is Not Ready")),
            Self::ConsumerTooSlow => Some(Status::aborted(
                "Operation timed out: Consumer too slow to handle event while live. Client resubscription required.",
            )),
        }
    }
}

/// A running double. Dropping it ends it and everything that it holds.
///
/// It serves from a thread of its own, so that it also works for tests without a runtime.
pub struct Double {
    shared: Arc<Shared>,
    runtime: Mutex<Option<Runtime>>,
    /// While it is frozen: dropping it thaws.
    frozen: Mutex<Option<mpsc::Sender<()>>>,
}

impl Double {
    /// Starts on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// If no port can be had, or no thread.
    pub fn start() -> io::Result<Self> {
        Self::start_on(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// Starts on this address; port 0 means any.
    ///
    /// # Errors
    /// If the address can't be had, or no thread.
    pub fn start_on(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let shared = Arc::new(Shared::new(listener.local_addr()?));
        let runtime = run(listener, Arc::clone(&shared))?;
        Ok(Self { shared, runtime: Mutex::new(Some(runtime)), frozen: Mutex::default() })
    }

    /// The connection string for clients.
    pub fn url(&self) -> String {
        format!("esdb://{}?tls=false", self.shared.address)
    }

    /// The same for a client with these credentials.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        format!("esdb://{user}:{password}@{}?tls=false", self.shared.address)
    }

    /// From now on only this user may read and write. At first everybody may, whatever credentials he has.
    pub fn let_in_only(&self, user: &str, password: &str) {
        self.shared.let_in_only(User::new(user, password));
    }

    /// Where it listens, also while it is stopped.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// Stops its one thread where it is, as SIGSTOP does to a server: connections stay open, the system takes new ones for it, and nothing
    /// answers once this returns. It must run.
    pub fn freeze(&self) {
        let (thaw, thawed) = mpsc::channel();
        let (report, reported) = mpsc::channel();
        if let Some(runtime) = &*self.runtime.lock().unwrap_or_else(PoisonError::into_inner) {
            runtime.spawn(async move {
                let _whoever_asked_went = report.send(());
                let _sender_was_dropped = thawed.recv();
            });
        }
        *self.frozen.lock().unwrap_or_else(PoisonError::into_inner) = Some(thaw);
        let _not_if_it_does_not_run = reported.recv();
    }

    /// Lets it go on after [`Double::freeze`].
    pub fn thaw(&self) {
        self.frozen.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Cuts all connections and listens no more. What was written stays.
    pub fn stop(&self) {
        self.thaw();
        let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A runtime waits for its thread when it is dropped, which tokio forbids to a test that runs on tokio itself.
        let _ = std::thread::spawn(|| drop(runtime)).join();
    }

    /// Listens again on the same address, with the events that were there; stops first if it still runs. Faults that are planned stay
    /// planned.
    ///
    /// # Errors
    /// If the address was taken meanwhile, or there is no thread.
    pub fn restart(&self) -> io::Result<()> {
        self.stop();
        let runtime = run(TcpListener::bind(self.shared.address)?, Arc::clone(&self.shared))?;
        *self.runtime.lock().unwrap_or_else(PoisonError::into_inner) = Some(runtime);
        Ok(())
    }

    /// The next `calls` calls within the scope meet this fault. Of several planned faults the first that fits is used up first.
    pub fn inject(&self, calls: usize, scope: impl Into<Scope>, fault: Fault) {
        self.shared.faults.plan(calls, scope.into(), fault);
    }

    /// Forgets the faults that no call has met yet.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// Lets the calls go on that hang now.
    pub fn release(&self) {
        self.shared.faults.release();
    }

    /// How many calls hang now.
    pub fn hanging(&self) -> usize {
        self.shared.faults.hanging()
    }

    /// Cuts every connection in the middle of whatever it does; new ones are accepted at once.
    pub fn drop_connections(&self) {
        self.shared.cut_connections();
    }

    /// Ends the subscriptions that run now.
    pub fn end_subscriptions(&self, end: SubscriptionEnd) {
        self.shared.endings.send_replace(end);
    }

    /// How many subscriptions run now.
    pub fn subscriptions(&self) -> usize {
        self.shared.subscriptions.load(Ordering::Acquire)
    }

    /// How often this method was called since the start, refused calls included.
    pub fn calls(&self, method: Method) -> usize {
        self.shared.calls(method)
    }

    /// How many events clients have written; those of the system's own streams do not count.
    pub fn event_count(&self) -> usize {
        self.shared.store().log().iter().filter(|record| !record.is_system()).count()
    }

    /// How many events can be read from this stream.
    pub fn event_count_of(&self, stream: &str) -> usize {
        let readable = self.shared.store().readable(stream).ok().flatten();
        readable.map_or(0, |revisions| (revisions.end - revisions.start) as usize)
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(listener: TcpListener, shared: Arc<Shared>) -> io::Result<Runtime> {
    listener.set_nonblocking(true)?;
    let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("eventstore-double").enable_all().build()?;
    runtime.spawn(server::serve(listener, shared));
    Ok(runtime)
}
