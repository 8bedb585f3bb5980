use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use cairn_servers::{Nats, NatsAddress};

use crate::life::live;

/// Sends a request and gives the answer's payload.
fn request(server: &NatsAddress, subject: &str, payload: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    write!(stream, "CONNECT {{\"verbose\":false}}\r\nSUB answers 1\r\n").unwrap();
    write!(stream, "PUB {subject} answers {}\r\n{payload}\r\n", payload.len()).unwrap();
    let mut reader = BufReader::new(stream);
    let head = reader.by_ref().lines().map(Result::unwrap).find(|line| line.starts_with("MSG ")).unwrap();
    let size = head.rsplit(' ').next().unwrap().parse().unwrap();
    let mut answer = vec![0; size];
    reader.read_exact(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

fn publish(server: &NatsAddress) {
    let made = request(server, "$JS.API.STREAM.CREATE.kept", r#"{"name":"kept","subjects":["kept"]}"#);
    assert!(!made.contains("\"error\""), "{made}");
    let acknowledged = request(server, "kept", "data");
    assert!(acknowledged.contains("\"seq\":1"), "{acknowledged}");
}

/// The stored payload comes in base64.
fn is_stored(server: &NatsAddress) -> bool {
    request(server, "$JS.API.STREAM.MSG.GET.kept", r#"{"seq":1}"#).contains("\"ZGF0YQ==\"")
}

#[test]
fn a_nats_keeps_what_it_acknowledged() {
    let server = Nats::start().unwrap();
    assert_eq!(server.url(), format!("nats://127.0.0.1:{}", server.port()));
    live(server, publish, is_stored);
}
