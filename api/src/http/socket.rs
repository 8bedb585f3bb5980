//! One client's socket: counts bytes, gives up clients that do not read, and closes without cutting off the last answer.

use std::{
    future::Future,
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use metrics::{Counter, counter};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};

use super::afterwards::Afterwards;
use super::deadline::Patience;

pub(crate) struct Socket {
    stream: TcpStream,
    patience: Patience,
    received: Counter,
    sent: Counter,
    unread: Arc<AtomicBool>,
    linger: Duration,
    lingering: Option<Pin<Box<Sleep>>>,
    afterwards: Afterwards,
}

impl Socket {
    /// `patience` is for a client that does not read. If `unread` is true at the end, or somebody waits for what becomes of the connection, what
    /// the client still sends is thrown away for up to `linger` before the socket closes.
    pub(crate) fn new(
        stream: TcpStream,
        patience: Patience,
        unread: Arc<AtomicBool>,
        linger: Duration,
        afterwards: Afterwards,
    ) -> Self {
        Self {
            stream,
            patience,
            received: counter!("cairn_http_request_bytes_total"),
            sent: counter!("cairn_http_response_bytes_total"),
            unread,
            linger,
            lingering: None,
            afterwards,
        }
    }

    /// Counts what was written, or counts the client's patience down while nothing can be written.
    fn written(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match result {
            Poll::Ready(Ok(bytes)) => {
                self.patience.progress(bytes);
                self.sent.increment(bytes as u64);
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => {
                self.afterwards.tell(false);
                Poll::Ready(Err(error))
            }
            Poll::Pending => self.patience.poll_lost(cx).map(|()| Err(io::ErrorKind::TimedOut.into())),
        }
    }

    /// Reads and forgets until the client closes or the time is over.
    ///
    /// Closing a socket with unread bytes makes the kernel send RST, which can take the answer from the client before it was
    /// read (RFC 9112 section 9.6).
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let linger = self.linger;
        let over = self.lingering.get_or_insert_with(|| Box::pin(sleep(linger)));
        if over.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let mut scratch = [0; 16 * 1024];
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                closed => {
                    self.afterwards.tell(closed.is_ok());
                    return Poll::Ready(());
                }
            }
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let received = buffer.filled().len() - before;
        self.received.increment(received as u64);
        match &result {
            Poll::Ready(Ok(())) if received == 0 && buffer.remaining() > 0 => self.afterwards.tell(true),
            Poll::Ready(Err(_)) => self.afterwards.tell(false),
            Poll::Ready(Ok(())) | Poll::Pending => {}
        }
        result
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, result)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.written(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        }
        if self.unread.load(Ordering::Relaxed) || self.lingering.is_some() || self.afterwards.is_awaited() {
            ready!(self.poll_linger(cx));
        }
        Poll::Ready(Ok(()))
    }
}
