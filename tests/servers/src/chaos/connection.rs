//! One connection: two directions, each a reader and a writer with a queue between them, so that what is late delays nothing
//! behind it.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::net::Shutdown;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{self, Instant};

use super::mode::{Direction, Mode, State};

/// Read at once, in bytes.
const CHUNK: usize = 16 * 1024;

/// On the way at most, in chunks: enough for 1 s of latency at 16 MB/s.
const QUEUE: usize = 1024;

/// Rates are kept in steps of this part of a second.
const STEPS_PER_SECOND: u64 = 50;

const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;

/// The connection must end with RST on both sides.
pub(super) struct Reset;

/// A failure on one side is a reset on the other.
impl From<io::Error> for Reset {
    fn from(_: io::Error) -> Self {
        Self
    }
}

impl From<watch::error::RecvError> for Reset {
    fn from(_: watch::error::RecvError) -> Self {
        Self
    }
}

/// What was read; no bytes at the end of the stream, an error where it broke.
struct Chunk {
    bytes: io::Result<Vec<u8>>,
    arrived: Instant,
}

/// Forwards both ways until both sides have ended.
pub(super) async fn forward(client: &TcpStream, server: &TcpStream, state: watch::Receiver<State>) -> Result<(), Reset> {
    for stream in [client, server] {
        stream.set_nodelay(true)?;
    }
    let counted = Counted::default();
    let to_server = one_way(client, server, Writer { direction: Direction::ToServer, state: state.clone(), counted: &counted });
    let to_client = one_way(server, client, Writer { direction: Direction::ToClient, state, counted: &counted });
    tokio::try_join!(to_server, to_client).map(drop)
}

async fn one_way(from: &TcpStream, to: &TcpStream, writer: Writer<'_>) -> Result<(), Reset> {
    let (sender, chunks) = mpsc::channel(QUEUE);
    tokio::try_join!(read(from, sender), writer.write(to, chunks)).map(drop)
}

async fn read(from: &TcpStream, chunks: mpsc::Sender<Chunk>) -> Result<(), Reset> {
    loop {
        let bytes = read_some(from).await;
        let is_last = !matches!(&bytes, Ok(bytes) if !bytes.is_empty());
        let taken = chunks.send(Chunk { bytes, arrived: Instant::now() }).await;
        if is_last || taken.is_err() {
            return Ok(());
        }
    }
}

async fn read_some(from: &TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; CHUNK];
    loop {
        from.readable().await?;
        match from.try_read(&mut bytes) {
            Ok(count) => {
                bytes.truncate(count);
                return Ok(bytes);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

/// The bytes of a connection in both directions, since the mode with this number began.
#[derive(Default)]
struct Counted(Mutex<(u64, u64)>);

impl Counted {
    fn add(&self, modes: u64, bytes: usize) {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let so_far = if counted.0 == modes { counted.1 } else { 0 };
        *counted = (modes, so_far + bytes as u64);
    }

    fn since(&self, modes: u64) -> u64 {
        let counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.0 == modes { counted.1 } else { 0 }
    }
}

struct Writer<'a> {
    direction: Direction,
    state: watch::Receiver<State>,
    counted: &'a Counted,
}

impl Writer<'_> {
    async fn write(mut self, to: &TcpStream, mut chunks: mpsc::Receiver<Chunk>) -> Result<(), Reset> {
        while let Some(chunk) = chunks.recv().await {
            self.wait_until_due(chunk.arrived).await?;
            let bytes = chunk.bytes?;
            if bytes.is_empty() {
                rustix::net::shutdown(to, Shutdown::Write).map_err(io::Error::from)?;
                return Ok(());
            }
            self.write_all(to, &bytes, chunk.arrived).await?;
        }
        Ok(())
    }

    /// Waits as long as the mode of the moment holds back what arrived then.
    async fn wait_until_due(&mut self, arrived: Instant) -> Result<(), Reset> {
        loop {
            let mode = self.state.borrow_and_update().mode;
            let due = match mode {
                Mode::Latency(latency) => arrived + latency,
                _ if mode.passes(self.direction) => return Ok(()),
                _ => {
                    self.state.changed().await?;
                    continue;
                }
            };
            tokio::select! {
                () = time::sleep_until(due) => return Ok(()),
                changed = self.state.changed() => changed?,
            }
        }
    }

    async fn write_all(&mut self, to: &TcpStream, mut bytes: &[u8], arrived: Instant) -> Result<(), Reset> {
        while !bytes.is_empty() {
            self.wait_until_due(arrived).await?;
            let state = *self.state.borrow();
            let piece = &bytes[..bytes.len().min(self.may_write(state))];
            let written = write_some(to, piece).await?;
            self.counted.add(state.modes, written);
            bytes = &bytes[written..];
            self.after(state, written).await?;
        }
        Ok(())
    }

    /// How many bytes may go at once.
    fn may_write(&self, state: State) -> usize {
        let most = match state.mode {
            Mode::Rate(rate) => (rate / STEPS_PER_SECOND).max(1),
            Mode::CutAfter(bytes) => bytes.saturating_sub(self.counted.since(state.modes)),
            _ => CHUNK as u64,
        };
        usize::try_from(most).unwrap_or(usize::MAX)
    }

    /// What the mode does when so many bytes were written: it waits, or cuts.
    async fn after(&mut self, state: State, written: usize) -> Result<(), Reset> {
        match state.mode {
            Mode::Rate(rate) => {
                let pause = Duration::from_nanos(written as u64 * NANOSECONDS_PER_SECOND / rate);
                // A new mode ends the pause and is looked at by whoever writes next.
                let _passed = time::timeout(pause, self.state.changed()).await;
                Ok(())
            }
            Mode::CutAfter(bytes) if self.counted.since(state.modes) >= bytes => Err(Reset),
            _ => Ok(()),
        }
    }
}

/// Writes what can be written at once. Where that is nothing, it waits until there is room: the mode may be another one then.
async fn write_some(to: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    match to.try_write(bytes) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => to.writable().await.map(|()| 0),
        other => other,
    }
}
