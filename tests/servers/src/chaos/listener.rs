use std::io;
use std::net::{self, SocketAddr};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::connection::{self, Reset};
use super::mode::{Direction, Mode, State};

/// How long accepting pauses when the process has no file descriptors left.
const PAUSE: Duration = Duration::from_millis(10);

/// What the thread of a proxy does.
pub(super) struct Work {
    pub(super) listener: net::TcpListener,
    pub(super) target: SocketAddr,
    pub(super) state: watch::Receiver<State>,
    pub(super) resets_done: Arc<AtomicU64>,
}

impl Work {
    /// Accepts connections until it is dropped; those it accepted are dropped with the runtime.
    pub(super) async fn serve(mut self) -> io::Result<()> {
        let listener = TcpListener::from_std(self.listener.try_clone()?)?;
        let mut resets = 0;
        loop {
            tokio::select! {
                biased;
                seen = next_reset(resets, &mut self.state) => {
                    reset_waiting(&self.listener);
                    resets = seen;
                    self.resets_done.store(resets, Ordering::Release);
                }
                accepted = listener.accept() => match accepted {
                    Ok((client, _)) => admit(client, self.target, resets, self.state.clone()),
                    Err(_) => tokio::time::sleep(PAUSE).await,
                }
            }
        }
    }
}

/// For a client, its connection is there before anybody accepts it.
fn reset_waiting(listener: &net::TcpListener) {
    while let Ok((client, _)) = listener.accept() {
        reset(&client);
    }
}

/// Takes care of a connection that began after so many resets.
fn admit(client: TcpStream, target: SocketAddr, resets: u64, state: watch::Receiver<State>) {
    if state.borrow().mode == Mode::Refuse {
        reset(&client);
        return;
    }
    tokio::spawn(async move {
        let mut state_for_resets = state.clone();
        let mut server = None;
        let outcome = tokio::select! {
            _ = next_reset(resets, &mut state_for_resets) => Err(Reset),
            outcome = connect_and_forward(&client, target, &mut server, state) => outcome,
        };
        if outcome.is_err() {
            reset(&client);
            server.iter().for_each(reset);
        }
    });
}

/// The server hears of a connection when something may go its way.
async fn connect_and_forward(
    client: &TcpStream,
    target: SocketAddr,
    server: &mut Option<TcpStream>,
    mut state: watch::Receiver<State>,
) -> Result<(), Reset> {
    state.wait_for(|state| state.mode.passes(Direction::ToServer)).await?;
    let server = server.insert(TcpStream::connect(target).await?);
    connection::forward(client, server, state).await
}

/// Waits for a reset after this one and gives its number.
async fn next_reset(resets: u64, state: &mut watch::Receiver<State>) -> u64 {
    let seen = state.wait_for(|state| state.resets != resets).await.map(|state| state.resets);
    match seen {
        Ok(seen) => seen,
        // The proxy ends, and the runtime with it.
        Err(_) => std::future::pending().await,
    }
}

/// Makes the kernel send RST instead of FIN when the stream is dropped.
fn reset(stream: &impl AsFd) {
    let _the_other_side_was_first = rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO));
}
