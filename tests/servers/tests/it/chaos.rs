//! Each way in which the proxy can be a bad network.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use cairn_servers::ChaosProxy;

use crate::support::until;

/// Long enough for anything that comes at all to come.
const NEVER: Duration = Duration::from_millis(300);

const PATIENCE: Duration = Duration::from_secs(20);

/// A server that says back what it hears, a proxy before it, and all that the server heard.
struct Line {
    proxy: ChaosProxy,
    heard: Receiver<io::Result<Vec<u8>>>,
}

fn line() -> Line {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = ChaosProxy::start(listener.local_addr().unwrap()).unwrap();
    let (sender, heard) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let sender = sender.clone();
            thread::spawn(move || echo(stream, &sender));
        }
    });
    Line { proxy, heard }
}

/// Nobody to say it to is no reason not to listen. The last thing heard is nothing, or how the connection broke.
fn echo(mut stream: TcpStream, heard: &Sender<io::Result<Vec<u8>>>) {
    let mut bytes = [0; 4096];
    loop {
        let read = stream.read(&mut bytes).map(|count| bytes[..count].to_vec());
        let is_last = !read.as_ref().is_ok_and(|bytes| !bytes.is_empty());
        if let Ok(bytes) = &read {
            let _gone = stream.write_all(bytes);
        }
        if heard.send(read).is_err() || is_last {
            return;
        }
    }
}

impl Line {
    fn connect(&self) -> TcpStream {
        connect(self.proxy.address()).unwrap()
    }

    /// A connection over which something went already.
    fn connected(&self) -> TcpStream {
        let mut client = self.connect();
        assert!(echoes(&mut client, b"hello"));
        assert_eq!(self.heard.recv_timeout(PATIENCE).unwrap().unwrap(), b"hello");
        client
    }

    /// How many bytes the server hears until a connection is over.
    fn heard_to_the_end(&self) -> usize {
        let all = std::iter::from_fn(|| self.heard.recv_timeout(PATIENCE).expect("the connection ends").ok());
        all.take_while(|bytes| !bytes.is_empty()).map(|bytes| bytes.len()).sum()
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let client = TcpStream::connect_timeout(&address, PATIENCE)?;
    client.set_read_timeout(Some(PATIENCE))?;
    Ok(client)
}

fn echoes(client: &mut TcpStream, bytes: &[u8]) -> bool {
    let mut answer = vec![0; bytes.len()];
    client.write_all(bytes).and_then(|()| client.read_exact(&mut answer)).is_ok() && answer == bytes
}

#[track_caller]
fn assert_silent(client: &mut TcpStream) {
    client.set_read_timeout(Some(NEVER)).unwrap();
    let error = client.read(&mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    client.set_read_timeout(Some(PATIENCE)).unwrap();
}

#[track_caller]
fn assert_reset(client: &mut TcpStream) {
    assert!(is_reset(client));
}

fn is_reset(client: &mut TcpStream) -> bool {
    client.read_to_end(&mut Vec::new()).is_err_and(|error| error.kind() == ErrorKind::ConnectionReset)
}

/// A reset may come while the client still looks whether it is connected.
fn is_refused(line: &Line) -> bool {
    match connect(line.proxy.address()) {
        Ok(mut client) => is_reset(&mut client),
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

fn is_there(line: &Line) -> bool {
    connect(line.proxy.address()).is_ok_and(|mut client| echoes(&mut client, b"up"))
}

#[test]
fn what_passes_arrives_with_its_end() {
    let line = line();
    let mut client = line.connected();
    let content: Vec<u8> = (0..3_000_000_u32).map(|number| number as u8).collect();
    let mut writer = client.try_clone().unwrap();
    let sent = content.clone();
    let writing = thread::spawn(move || {
        writer.write_all(&sent).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    writing.join().unwrap();
    assert!(answer == content);
}

#[test]
fn latency_delays_each_way_and_keeps_the_throughput() {
    let line = line();
    let mut client = line.connected();
    line.proxy.latency(Duration::from_millis(100));
    let started = Instant::now();
    assert!(echoes(&mut client, b"late"));
    assert!(started.elapsed() >= Duration::from_millis(200), "{:?}", started.elapsed());

    let mut writer = client.try_clone().unwrap();
    let writing = thread::spawn(move || writer.write_all(&vec![7; 2_000_000]).unwrap());
    client.read_exact(&mut vec![0; 2_000_000]).unwrap();
    writing.join().unwrap();
    assert!(started.elapsed() < Duration::from_secs(5), "one chunk after the other would take 25 s: {:?}", started.elapsed());
}

#[test]
fn what_is_late_comes_at_once_when_the_network_is_good_again() {
    let line = line();
    let mut client = line.connected();
    line.proxy.latency(Duration::from_hours(1));
    client.write_all(b"late").unwrap();
    assert_silent(&mut client);
    line.proxy.pass();
    client.read_exact(&mut [0; 4]).unwrap();
}

#[test]
fn a_rate_is_kept() {
    let line = line();
    let mut client = line.connected();
    line.proxy.rate(20_000);
    let started = Instant::now();
    assert!(echoes(&mut client, &[7; 10_000]));
    let took = started.elapsed();
    assert!((Duration::from_millis(450)..Duration::from_secs(5)).contains(&took), "{took:?}");
}

#[test]
fn a_black_hole_swallows_old_and_new_connections_until_it_ends() {
    let line = line();
    let mut old = line.connected();
    line.proxy.black_hole();
    let mut new = line.connect();
    for client in [&mut old, &mut new] {
        client.write_all(b"anybody?").unwrap();
        assert_silent(client);
    }
    assert_eq!(line.heard.recv_timeout(NEVER).unwrap_err(), RecvTimeoutError::Timeout);

    line.proxy.pass();
    for client in [&mut old, &mut new] {
        client.read_exact(&mut [0; 8]).unwrap();
    }
}

#[test]
fn a_half_open_connection_reaches_the_server_but_nothing_comes_back() {
    let line = line();
    let mut old = line.connected();
    line.proxy.half_open();
    let mut new = line.connect();
    for client in [&mut old, &mut new] {
        client.write_all(b"anybody?").unwrap();
        assert_eq!(line.heard.recv_timeout(PATIENCE).unwrap().unwrap(), b"anybody?");
        assert_silent(client);
    }
}

#[test]
fn new_connections_are_refused_and_old_ones_go_on() {
    let line = line();
    let mut old = line.connected();
    line.proxy.refuse();
    assert!(is_refused(&line));
    assert!(echoes(&mut old, b"still here"));
    line.proxy.pass();
    assert!(echoes(&mut line.connect(), b"back"));
}

#[test]
fn connections_are_cut_after_so_many_bytes_of_both_directions() {
    let line = line();
    let mut client = line.connected();
    line.proxy.cut_after(1000);
    // The server says back what it hears, so that each byte counts twice.
    assert!(echoes(&mut client, &[7; 450]));
    client.write_all(&[7; 450]).unwrap();
    assert_reset(&mut client);
    assert!((450..=550).contains(&line.heard_to_the_end()));

    let mut next = line.connect();
    next.write_all(&[7; 2000]).unwrap();
    assert_reset(&mut next);
}

#[test]
fn a_cut_at_a_byte_is_exact() {
    let line = line();
    let mut client = line.connected();
    line.proxy.cut_after(600);
    client.write_all(&[7; 4000]).unwrap();
    assert_reset(&mut client);
    assert_eq!(line.heard_to_the_end(), 600);
}

#[test]
fn all_connections_are_reset_and_new_ones_pass() {
    let line = line();
    let mut clients = [line.connected(), line.connected(), line.connect()];
    line.proxy.reset_all();
    clients.iter_mut().for_each(assert_reset);
    assert!(echoes(&mut line.connect(), b"back"));
}

#[test]
fn a_flapping_network_comes_and_goes_until_it_is_mended() {
    let line = line();
    let mut old = line.connected();
    line.proxy.flap(Duration::from_millis(50));
    assert_reset(&mut old);
    for _ in 0..3 {
        until("the network is there", || is_there(&line));
        until("the network is gone", || !is_there(&line));
    }
    line.proxy.pass();
    let mut new = line.connect();
    let mended = Instant::now();
    while mended.elapsed() < NEVER {
        assert!(echoes(&mut new, b"up"), "{:?} after the last flap", mended.elapsed());
    }
}

#[test]
fn a_server_that_is_not_there_resets_and_a_dropped_proxy_refuses() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = ChaosProxy::start(nobody).unwrap();
    until("a connection is reset", || connect(proxy.address()).is_ok_and(|mut client| is_reset(&mut client)));
    let address = proxy.address();
    drop(proxy);
    assert_eq!(connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}
