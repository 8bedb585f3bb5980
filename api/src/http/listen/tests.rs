//! Real sockets, short deadlines. Every wait is for an event: an answer, an end of file, a signal from the handler.

use std::{sync::atomic::AtomicUsize, time::Instant};

use poem::{EndpointExt, Response, Route, endpoint::make, http::StatusCode};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::{Notify, Semaphore, mpsc},
    task::JoinHandle,
    time::interval,
};
use uuid::Uuid;

use super::*;
use crate::http::{observe::Observe, problem};

/// Far longer than anything here takes, so that a test which waits in vain fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Deadlines that a test waits out; the others stay long, so that they cannot be what ended a connection.
const SHORT: Duration = Duration::from_millis(200);

struct Running {
    address: SocketAddr,
    stop: CancellationToken,
    served: JoinHandle<Drained>,
}

impl Running {
    fn start(limits: ListenLimits, endpoint: impl Endpoint + 'static) -> Self {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let endpoint = endpoint.with(Observe::new(Uuid::nil));
        let served = tokio::spawn(serve(listener, endpoint, limits, stop.clone()));
        Self { address, stop, served }
    }

    async fn connect(&self) -> TcpStream {
        timeout(PATIENCE, TcpStream::connect(self.address)).await.unwrap().unwrap()
    }

    /// Sends a request and returns all that comes until the server closes.
    async fn ask(&self, request: &str) -> String {
        let mut client = self.connect().await;
        client.write_all(request.as_bytes()).await.unwrap();
        read_to_end(&mut client).await
    }

    /// Stops the server and returns how it ended.
    async fn stop(self) -> Drained {
        self.stop.cancel();
        timeout(PATIENCE, self.served).await.unwrap().unwrap()
    }
}

async fn read_to_end(client: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset after the answer is an end as well.
    let _ = timeout(PATIENCE, client.read_to_end(&mut bytes)).await.expect("the server did not close");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads the header of one answer and leaves the connection open.
async fn read_head(client: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(PATIENCE, client.read_u8()).await.unwrap().unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// A result whose error type needs no naming.
#[expect(clippy::unnecessary_wraps, reason = "that is its purpose")]
fn fine<T>(value: T) -> poem::Result<T> {
    Ok(value)
}

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

fn hello() -> impl Endpoint + 'static {
    Route::new().at("/", make(|_| async { fine("hello") }))
}

/// Reads the whole body and answers with its length.
fn sink() -> impl Endpoint + 'static {
    Route::new().at(
        "/",
        make(|mut request: Request| async move {
            let bytes = crate::http::body::collect(request.take_body(), 1 << 30).await?;
            fine(bytes.len().to_string())
        }),
    )
}

#[tokio::test]
async fn requests_are_answered_also_two_on_one_connection() {
    let server = Running::start(ListenLimits::default(), hello());
    let mut client = server.connect().await;
    client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let head = read_head(&mut client).await;
    assert!(head.starts_with("HTTP/1.1 200 OK") && head.contains("x-request-id: "), "{head}");
    let mut hello = [0; 5];
    client.read_exact(&mut hello).await.unwrap();
    client.write_all(GET.as_bytes()).await.unwrap();
    assert!(read_to_end(&mut client).await.ends_with("hello"));
    assert_eq!(server.stop().await, Drained::Clean);
}

#[tokio::test]
async fn slow_headers_end_the_connection() {
    let limits = ListenLimits { header_deadline: SHORT, ..ListenLimits::default() };
    let server = Running::start(limits, hello());
    let mut silent = server.connect().await;
    let mut half = server.connect().await;
    half.write_all(b"GET / HTTP/1.1\r\nHost:").await.unwrap();
    assert_eq!(read_to_end(&mut silent).await, "");
    assert_eq!(read_to_end(&mut half).await, "");
}

#[tokio::test]
async fn a_header_that_trickles_ends_the_connection() {
    let limits = ListenLimits { header_deadline: SHORT, ..ListenLimits::default() };
    let server = Running::start(limits, hello());
    let mut client = server.connect().await;
    let mut pace = interval(Duration::from_millis(10));
    client.write_all(b"GET / HTTP/1.1\r\nX-Slow: ").await.unwrap();
    let written = timeout(PATIENCE, async {
        loop {
            pace.tick().await;
            if client.write_all(b"x").await.is_err() {
                return;
            }
        }
    });
    written.await.expect("the server took a header for ever");
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_an_answer_too() {
    let limits = ListenLimits { header_deadline: SHORT, ..ListenLimits::default() };
    let server = Running::start(limits, hello());
    let answer = server.ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer.ends_with("hello"), "{answer}");
}

#[tokio::test]
async fn a_header_that_is_too_large_is_431() {
    let limits = ListenLimits { header_bytes_max: 8192, ..ListenLimits::default() };
    let server = Running::start(limits, hello());
    let answer = server.ask(&format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(9000))).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn a_stalled_body_is_408_and_the_end_of_the_connection() {
    let limits = ListenLimits { body_idle_deadline: SHORT, linger: SHORT, ..ListenLimits::default() };
    let server = Running::start(limits, sink());
    for request in [
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ] {
        let answer = server.ask(request).await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(answer.contains("connection: close") && answer.contains("\"code\":\"request_timeout\""), "{answer}");
    }
}

#[tokio::test]
async fn a_body_that_trickles_is_ended_too() {
    let limits = ListenLimits { body_idle_deadline: SHORT, bytes_per_second_min: 10_000, linger: SHORT, ..ListenLimits::default() };
    let server = Running::start(limits, sink());
    let (mut reader, mut writer) = server.connect().await.into_split();
    writer.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n").await.unwrap();
    let trickle = tokio::spawn(async move {
        let mut pace = interval(Duration::from_millis(10));
        loop {
            pace.tick().await;
            if writer.write_all(b"x").await.is_err() {
                return;
            }
        }
    });
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, reader.read_to_end(&mut answer)).await.expect("the server took a trickle for ever");
    assert!(answer.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&answer));
    drop(reader);
    timeout(PATIENCE, trickle).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_slow_server_is_not_the_clients_fault() {
    let limits = ListenLimits { body_idle_deadline: SHORT, ..ListenLimits::default() };
    let busy = make(|mut request: Request| async move {
        sleep(2 * SHORT).await;
        let bytes = crate::http::body::collect(request.take_body(), 100).await?;
        fine(bytes.len().to_string())
    });
    let server = Running::start(limits, Route::new().at("/", busy));
    let answer = server.ask("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with('3'), "{answer}");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_dropped() {
    let limits = ListenLimits { write_idle_deadline: SHORT, ..ListenLimits::default() };
    let (dropped, mut was_dropped) = mpsc::unbounded_channel::<()>();
    let endless = make(move |_| {
        let dropped = dropped.clone();
        async move {
            let pieces = futures_util::stream::repeat_with(move || {
                let _kept = &dropped;
                Ok::<_, io::Error>(Bytes::from_static(&[0; 16384]))
            });
            fine(Response::builder().body(Body::from_bytes_stream(pieces)))
        }
    });
    let server = Running::start(limits, Route::new().at("/endless", endless));
    let mut client = server.connect().await;
    client.write_all(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    read_head(&mut client).await;
    server.stop.cancel();
    // The endpoint and the body hold the only senders, so the channel closes when both are gone.
    assert!(timeout(PATIENCE, was_dropped.recv()).await.expect("the client was kept").is_none());
}

#[tokio::test]
async fn a_client_that_resets_in_the_middle_frees_its_handler_and_hurts_nobody() {
    struct Tell(mpsc::UnboundedSender<&'static str>);
    impl Drop for Tell {
        fn drop(&mut self) {
            let _ = self.0.send("dropped");
        }
    }
    let (tell, mut told) = mpsc::unbounded_channel();
    let waiting = make(move |_| {
        let tell = tell.clone();
        async move {
            tell.send("started").unwrap();
            let _tell = Tell(tell);
            std::future::pending::<poem::Result<()>>().await
        }
    });
    let server =
        Running::start(ListenLimits::default(), Route::new().at("/wait", waiting).at("/", make(|_| async { fine("hello") })));
    let mut client = server.connect().await;
    client.write_all(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert_eq!(timeout(PATIENCE, told.recv()).await.unwrap(), Some("started"));
    client.set_zero_linger().unwrap();
    drop(client);
    assert_eq!(timeout(PATIENCE, told.recv()).await.unwrap(), Some("dropped"));
    assert!(server.ask(GET).await.ends_with("hello"));
}

#[tokio::test]
async fn connections_over_the_limit_wait_for_their_turn() {
    let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let gate = Arc::new(Semaphore::new(0));
    let (started, mut has_started) = mpsc::unbounded_channel();
    let counted = make({
        let (open, most, gate) = (Arc::clone(&open), Arc::clone(&most), Arc::clone(&gate));
        move |_| {
            let (open, most, gate, started) = (Arc::clone(&open), Arc::clone(&most), Arc::clone(&gate), started.clone());
            async move {
                most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                started.send(()).unwrap();
                gate.acquire().await.unwrap().forget();
                open.fetch_sub(1, Ordering::SeqCst);
                fine("done")
            }
        }
    });
    let limits = ListenLimits { connections_max: 2, ..ListenLimits::default() };
    let server = Arc::new(Running::start(limits, Route::new().at("/", counted)));
    let clients: Vec<_> = (0..10)
        .map(|_| {
            let server = Arc::clone(&server);
            tokio::spawn(async move { server.ask(GET).await })
        })
        .collect();
    for _ in 0..10 {
        timeout(PATIENCE, has_started.recv()).await.unwrap().unwrap();
        gate.add_permits(1);
    }
    for client in clients {
        let answer = timeout(PATIENCE, client).await.unwrap().unwrap();
        assert!(answer.ends_with("done"), "{answer}");
    }
    assert!(most.load(Ordering::SeqCst) <= 2);
}

#[tokio::test]
async fn a_request_in_flight_is_finished_after_the_order_to_stop() {
    let (started, may_end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = make({
        let (started, may_end) = (Arc::clone(&started), Arc::clone(&may_end));
        move |_| {
            let (started, may_end) = (Arc::clone(&started), Arc::clone(&may_end));
            async move {
                started.notify_one();
                may_end.notified().await;
                fine("finished")
            }
        }
    });
    let server = Running::start(ListenLimits::default(), Route::new().at("/", slow));
    let address = server.address;
    let mut idle = server.connect().await;
    let mut client = server.connect().await;
    client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    timeout(PATIENCE, started.notified()).await.unwrap();
    let stopping = tokio::spawn(server.stop());
    assert_eq!(read_to_end(&mut idle).await, "", "an idle connection is closed at once");
    assert!(TcpStream::connect(address).await.is_err(), "nobody is accepted any more");
    may_end.notify_one();
    let answer = read_to_end(&mut client).await;
    assert!(answer.ends_with("finished"), "{answer}");
    assert_eq!(stopping.await.unwrap(), Drained::Clean);
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_at_the_drain_deadline() {
    let started = Arc::new(Notify::new());
    let stuck = make({
        let started = Arc::clone(&started);
        move |_| {
            started.notify_one();
            std::future::pending::<poem::Result<()>>()
        }
    });
    let limits = ListenLimits { drain_deadline: SHORT, ..ListenLimits::default() };
    let server = Running::start(limits, Route::new().at("/", stuck));
    let mut client = server.connect().await;
    client.write_all(GET.as_bytes()).await.unwrap();
    timeout(PATIENCE, started.notified()).await.unwrap();
    assert_eq!(server.stop().await, Drained::Cut(1));
    assert_eq!(read_to_end(&mut client).await, "");
}

#[tokio::test]
async fn a_panic_is_500_and_the_server_lives() {
    let panics = make(|request: Request| async move {
        assert!(request.uri().path() != "/panic", "on purpose");
        fine("alive")
    });
    let server = Running::start(ListenLimits::default(), Route::new().at("/panic", panics).at("/", hello()));
    let answer = server.ask("GET /panic HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 500") && answer.contains(problem::CONTENT_TYPE), "{answer}");
    assert!(answer.contains("\"request_id\"") && !answer.contains("on purpose"), "{answer}");
    assert!(server.ask(GET).await.ends_with("hello"));
}

#[tokio::test]
async fn a_panic_in_a_body_ends_its_connection_alone() {
    let panics = make(|_| async {
        let pieces = futures_util::stream::once(async { panic!("on purpose") });
        fine(Response::builder().body(Body::from_bytes_stream::<_, Bytes, io::Error>(pieces)))
    });
    let server = Running::start(ListenLimits::default(), Route::new().at("/panic", panics).at("/", hello()));
    server.ask("GET /panic HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(server.ask(GET).await.ends_with("hello"));
    assert_eq!(server.stop().await, Drained::Clean);
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let refuse = make(|_| async { fine(StatusCode::PAYLOAD_TOO_LARGE) });
    let server = Running::start(ListenLimits::default(), Route::new().at("/", refuse));
    let (mut reader, mut writer) = server.connect().await.into_split();
    let send = async {
        writer.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 16777216\r\n\r\n").await?;
        writer.write_all(&vec![0; 16 << 20]).await?;
        writer.shutdown().await
    };
    let mut answer = Vec::new();
    let (sent, received) = timeout(PATIENCE, async { tokio::join!(send, reader.read_to_end(&mut answer)) }).await.unwrap();
    received.expect("the answer was lost in a reset");
    sent.expect("the connection was closed while the client was sending");
    assert!(answer.starts_with(b"HTTP/1.1 413"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn bodies_arrive_whole_with_and_without_a_length() {
    let server = Running::start(ListenLimits::default(), sink());
    let mut client = server.connect().await;
    client.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5000000\r\n\r\n").await.unwrap();
    client.write_all(&vec![7; 5_000_000]).await.unwrap();
    assert!(read_to_end(&mut client).await.ends_with("5000000"));
    let chunked =
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    assert!(server.ask(chunked).await.ends_with('5'));
}

#[tokio::test]
async fn a_body_cut_by_its_client_is_no_success() {
    let (outcome, mut outcomes) = mpsc::unbounded_channel();
    let sink = make(move |mut request: Request| {
        let outcome = outcome.clone();
        async move {
            let read = crate::http::body::collect(request.take_body(), 100).await;
            outcome.send(read.is_ok()).unwrap();
            fine("read")
        }
    });
    let server = Running::start(ListenLimits::default(), Route::new().at("/", sink));
    let mut client = server.connect().await;
    client.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(timeout(PATIENCE, outcomes.recv()).await.unwrap(), Some(false));
}

#[tokio::test]
async fn what_is_no_http_is_400() {
    let server = Running::start(ListenLimits::default(), hello());
    let began = Instant::now();
    let answer = server.ask("\x16\x03\x01 this is not HTTP\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(began.elapsed() < ListenLimits::default().header_deadline);
}
