//! A bad network, for one server.

mod connection;
mod listener;
mod mode;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{self, Runtime};
use tokio::sync::{oneshot, watch};

use self::mode::{Mode, State};
use crate::error::{Error, doing};
use crate::wait;

/// A shorter period would only keep a processor busy.
const FLAP_MIN: Duration = Duration::from_millis(1);

/// Longer than a thread waits for a processor.
const SETTLE_MAX: Duration = Duration::from_secs(10);

/// A TCP proxy on a port of its own that treats connections as badly as it is told to, from one moment to the next.
///
/// A mode holds for old and for new connections until the next one is set; it is [`ChaosProxy::pass`] at first. Bytes that a mode
/// holds back are not lost: TCP would send them again, so they are delivered when the mode ends. The proxy runs in a thread of its
/// own and ends, with all its connections, when it is dropped.
pub struct ChaosProxy {
    address: SocketAddr,
    state: watch::Sender<State>,
    /// The resets that have reached the connections nobody had accepted yet.
    resets_done: Arc<AtomicU64>,
    runtime: runtime::Handle,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ChaosProxy {
    /// Starts a proxy for the server at this address, which need not be there yet.
    pub fn start(target: SocketAddr) -> Result<Self, Error> {
        let what = "start a proxy";
        let (listener, address) = listen().map_err(doing(what))?;
        let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(doing(what))?;
        let handle = runtime.handle().clone();
        let (state, seen) = watch::channel(State::default());
        let resets_done = Arc::new(AtomicU64::new(0));
        let work = listener::Work { listener, target, state: seen, resets_done: Arc::clone(&resets_done) };
        let (end, ended) = oneshot::channel();
        let thread = thread::spawn(move || run(&runtime, work, ended));
        Ok(Self { address, state, resets_done, runtime: handle, end: Some(end), thread: Some(thread) })
    }

    /// Where clients connect instead of to the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Forwards everything at once.
    pub fn pass(&self) {
        self.set(Mode::Pass);
    }

    /// Forwards everything later, by this much in each direction. Throughput stays as it is.
    pub fn latency(&self, each_way: Duration) {
        self.set(Mode::Latency(each_way));
    }

    /// Forwards so many bytes per second, in each direction of each connection.
    pub fn rate(&self, bytes_per_second: u64) {
        self.set(Mode::Rate(bytes_per_second.max(1)));
    }

    /// Accepts connections and forwards nothing, neither bytes nor ends of connections.
    pub fn black_hole(&self) {
        self.set(Mode::BlackHole);
    }

    /// Forwards from the client to the server, and nothing back.
    pub fn half_open(&self) {
        self.set(Mode::HalfOpen);
    }

    /// Resets each new connection at once. Old ones go on; see [`ChaosProxy::reset_all`].
    pub fn refuse(&self) {
        self.set(Mode::Refuse);
    }

    /// Resets each connection when so many more bytes of it were forwarded, counted from now and in both directions together.
    pub fn cut_after(&self, bytes: u64) {
        self.set(Mode::CutAfter(bytes));
    }

    /// Resets all connections there are just now, and none that begins after this. The mode stays.
    pub fn reset_all(&self) {
        self.state.send_modify(State::reset);
        self.settle();
    }

    /// The network is there for this long, then it is gone for as long, and so on. When it goes, old connections are reset, and
    /// new ones are until it comes back.
    pub fn flap(&self, period: Duration) {
        self.set(Mode::Pass);
        let number = self.state.borrow().modes;
        self.runtime.spawn(flap(self.state.clone(), number, period));
    }

    fn set(&self, mode: Mode) {
        self.state.send_modify(|state| state.set(mode));
        self.settle();
    }

    /// Waits until no connection that begins now can be taken for one that is to be reset.
    fn settle(&self) {
        let resets = self.state.borrow().resets;
        wait::until(SETTLE_MAX, || self.resets_done.load(Ordering::Acquire) == resets);
    }
}

impl Drop for ChaosProxy {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _already_reported_as_a_panic = thread.join();
        }
    }
}

impl fmt::Debug for ChaosProxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ChaosProxy").field("address", &self.address).finish_non_exhaustive()
    }
}

fn listen() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

fn run(runtime: &Runtime, work: listener::Work, ended: oneshot::Receiver<()>) {
    runtime.block_on(async {
        tokio::select! {
            _ = ended => {}
            _stopped_listening = work.serve() => {}
        }
    });
}

/// Flaps from the mode with this number on, until somebody else sets a mode.
async fn flap(state: watch::Sender<State>, mut number: u64, period: Duration) {
    for is_up in [false, true].into_iter().cycle() {
        tokio::time::sleep(period.max(FLAP_MIN)).await;
        let is_mine = state.send_if_modified(|state| {
            let is_mine = state.modes == number;
            if is_mine {
                state.flap(is_up);
                number = state.modes;
            }
            is_mine
        });
        if !is_mine {
            return;
        }
    }
}
