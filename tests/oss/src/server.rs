//! The thread that listens, with a runtime of its own, so that the stand-in works in every kind of test.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::door::Door;

/// How long accepting pauses when the process has no file descriptors left.
const PAUSE: Duration = Duration::from_millis(10);

/// What is still being written to disk may end, for so long.
const END_MAX: Duration = Duration::from_secs(10);

/// A port on which nobody answers yet.
pub(crate) struct Port {
    listener: std::net::TcpListener,
    pub(crate) address: SocketAddr,
}

impl Port {
    pub(crate) fn open() -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }
}

pub(crate) struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(port: Port, door: Arc<Door>) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("oss-double").enable_all().build()?;
        let listener = {
            let _within = runtime.enter();
            TcpListener::from_std(port.listener)?
        };
        let (stop, stopped) = oneshot::channel();
        let work = move || run(runtime, listener, door, stopped);
        let thread = thread::Builder::new().name("oss-double".to_owned()).spawn(work)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        // A panic there was already printed, and there is nothing left to stop.
        let _ended = self.thread.take().map(JoinHandle::join);
    }
}

fn run(runtime: Runtime, listener: TcpListener, door: Arc<Door>, stopped: oneshot::Receiver<()>) {
    runtime.block_on(async {
        tokio::select! {
            () = accept(listener, door) => {}
            _ = stopped => {}
        }
    });
    runtime.shutdown_timeout(END_MAX);
}

async fn accept(listener: TcpListener, door: Arc<Door>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(serve(stream, Arc::clone(&door)))),
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

async fn serve(stream: TcpStream, door: Arc<Door>) {
    // It only delays answers if it fails.
    let _sent_at_once = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let door = Arc::clone(&door);
        async move { door.handle(request).await }
    });
    // It ends with an error whenever a client leaves or a test breaks it.
    let _ended = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
