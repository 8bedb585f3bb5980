//! The accept loop: HTTP/1.1 on hyper, with a limit on everything a client can hold on to.
//!
//! poem's own server has no defence against slow clients: half a header, a stalled body or a trickle stayed open for as long as
//! they were watched (45 s, measured). Here a connection ends when its header, its body or its reading takes too long.

#[cfg(test)]
mod tests;

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::combinators::BoxBody;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use metrics::gauge;
use poem::{
    Body, Endpoint, Request, RequestParts,
    http::{HeaderValue, header, uri::Scheme},
    web::{LocalAddr, RemoteAddr},
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    afterwards::Afterwards,
    deadline::{Credit, Patience, PatientBody},
    socket::Socket,
};

/// Connections that the kernel keeps for us while all slots are taken.
const BACKLOG: u32 = 4096;

/// Pause after an accept that failed for want of resources, so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What hyper may buffer for one connection in one direction. Uploads are written in pieces of this size.
const BUFFER_BYTES_MAX: usize = 128 * 1024;

/// What clients may hold on to, and for how long.
#[derive(Debug, Clone)]
pub struct ListenLimits {
    /// Open connections; beyond it, clients wait in the kernel's backlog.
    pub connections_max: usize,
    /// From the first byte awaited to the last byte of the header, also between two requests of one connection.
    pub header_deadline: Duration,
    /// Request line and header fields together; more is answered with 431.
    pub header_bytes_max: usize,
    /// How long a request body may make no progress.
    pub body_idle_deadline: Duration,
    /// How long a client may read nothing of its answer.
    pub write_idle_deadline: Duration,
    /// Clients that send or read more slowly than this are given up soon after the idle deadline.
    pub bytes_per_second_min: u32,
    /// How long a refused body may still arrive, so that its client can read the refusal.
    pub linger: Duration,
    /// How long requests in flight may take after the order to stop.
    pub drain_deadline: Duration,
}

impl Default for ListenLimits {
    fn default() -> Self {
        Self {
            connections_max: 1024,
            header_deadline: Duration::from_secs(15),
            header_bytes_max: 16 * 1024,
            body_idle_deadline: Duration::from_secs(30),
            write_idle_deadline: Duration::from_mins(1),
            bytes_per_second_min: 1024,
            linger: Duration::from_secs(2),
            drain_deadline: Duration::from_secs(30),
        }
    }
}

/// How [`serve`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every request in flight was answered.
    Clean,
    /// This many connections were cut off at the drain deadline.
    Cut(usize),
}

/// Binds a listener with a backlog of 4096. Needs a running tokio runtime.
///
/// # Errors
/// Those of the system, such as an address in use.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `stop` is cancelled, then finishes what is in flight.
pub async fn serve<E>(listener: TcpListener, endpoint: E, limits: ListenLimits, stop: CancellationToken) -> Drained
where
    E: Endpoint + 'static,
{
    let server = Server {
        endpoint: Arc::new(endpoint),
        slots: Arc::new(Semaphore::new(limits.connections_max)),
        limits,
        draining: GracefulShutdown::new(),
        tasks: TaskTracker::new(),
        cut: CancellationToken::new(),
    };
    server.accept_until(&listener, &stop).await;
    drop(listener);
    server.drain().await
}

struct Server<E> {
    endpoint: Arc<E>,
    limits: ListenLimits,
    slots: Arc<Semaphore>,
    draining: GracefulShutdown,
    tasks: TaskTracker,
    cut: CancellationToken,
}

impl<E: Endpoint + 'static> Server<E> {
    async fn accept_until(&self, listener: &TcpListener, stop: &CancellationToken) {
        loop {
            let Some(Ok(slot)) = stop.run_until_cancelled(Arc::clone(&self.slots).acquire_owned()).await else { return };
            match stop.run_until_cancelled(listener.accept()).await {
                None => return,
                Some(Ok((stream, peer))) => self.start(stream, peer, slot),
                Some(Err(error)) if is_of_one_connection(&error) => {}
                Some(Err(error)) => {
                    tracing::warn!(%error, "cannot accept connections, trying again");
                    if stop.run_until_cancelled(sleep(ACCEPT_PAUSE)).await.is_none() {
                        return;
                    }
                }
            }
        }
    }

    fn start(&self, stream: TcpStream, peer: SocketAddr, slot: OwnedSemaphorePermit) {
        let connection = Connection {
            endpoint: Arc::clone(&self.endpoint),
            limits: self.limits.clone(),
            local: LocalAddr(stream.local_addr().unwrap_or(peer).into()),
            remote: RemoteAddr(peer.into()),
            unread: Arc::default(),
            afterwards: Afterwards::default(),
        };
        let watcher = self.draining.watcher();
        let cut = self.cut.clone();
        self.tasks.spawn(async move {
            let _slot = slot;
            let _open = OpenConnection::new();
            // A panic here comes from a response body: handlers are guarded on their own.
            let served = AssertUnwindSafe(connection.serve(stream, watcher)).catch_unwind();
            if let Some(Err(_)) = cut.run_until_cancelled(served).await {
                tracing::error!(%peer, "a response body panicked, its connection is closed");
            }
        });
    }

    async fn drain(self) -> Drained {
        self.tasks.close();
        if timeout(self.limits.drain_deadline, self.draining.shutdown()).await.is_ok() {
            return Drained::Clean;
        }
        let open = self.tasks.len();
        self.cut.cancel();
        self.tasks.wait().await;
        Drained::Cut(open)
    }
}

struct Connection<E> {
    endpoint: Arc<E>,
    limits: ListenLimits,
    local: LocalAddr,
    remote: RemoteAddr,
    unread: Arc<AtomicBool>,
    afterwards: Afterwards,
}

impl<E: Endpoint + 'static> Connection<E> {
    async fn serve(self, stream: TcpStream, watcher: Watcher) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, peer = %self.remote, "cannot set TCP_NODELAY");
        }
        let limits = &self.limits;
        let patience = Patience::new(Credit::new(limits.write_idle_deadline, limits.bytes_per_second_min));
        let socket = Socket::new(stream, patience, Arc::clone(&self.unread), limits.linger, self.afterwards.clone());
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(limits.header_deadline)
            .max_header_size(limits.header_bytes_max)
            .max_buf_size(BUFFER_BYTES_MAX.max(limits.header_bytes_max));
        let peer = self.remote.clone();
        let connection = Arc::new(self);
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let connection = Arc::clone(&connection);
            async move {
                let request = connection.request(request);
                let response = connection.endpoint.get_response(request).await;
                Ok::<_, Infallible>(connection.response(response))
            }
        });
        if let Err(error) = watcher.watch(http.serve_connection(TokioIo::new(socket), service)).await {
            tracing::debug!(%peer, %error, "a connection ended early");
        }
    }

    fn request(&self, request: hyper::Request<Incoming>) -> Request {
        let (parts, body) = request.into_parts();
        // Whoever asks for more has what was answered before.
        self.afterwards.tell(true);
        let patience = Patience::new(Credit::new(self.limits.body_idle_deadline, self.limits.bytes_per_second_min));
        self.unread.store(false, Ordering::Relaxed);
        let body = BoxBody::new(PatientBody::new(body, patience, Arc::clone(&self.unread)));
        let parts = RequestParts::from((parts, self.local.clone(), self.remote.clone(), Scheme::HTTP));
        let mut request = Request::from_parts(parts, Body::from(body));
        request.extensions_mut().insert(self.afterwards.clone());
        request
    }

    /// Says so when the connection ends with this answer, because the rest of a body that nobody read is in the way: a client would
    /// send its next request into it otherwise (RFC 9112 section 9.6).
    fn response(&self, response: poem::Response) -> hyper::Response<BoxBody<Bytes, io::Error>> {
        let mut response = hyper::Response::from(response);
        if self.unread.load(Ordering::Relaxed) {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// Keeps the gauge of open connections right, however a connection ends.
struct OpenConnection;

impl OpenConnection {
    fn new() -> Self {
        gauge!("cairn_http_connections").increment(1);
        Self
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        gauge!("cairn_http_connections").decrement(1);
    }
}

/// Whether only the connection that was about to be accepted is lost.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
