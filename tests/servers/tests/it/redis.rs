use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use cairn_servers::{Redis, RedisAddress};

use crate::life::live;

/// The first line of the answer, and the second one where the answer is a text.
fn call(server: &RedisAddress, command: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    write!(stream, "{command}\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    if first.starts_with('$') && first != "$-1" { lines.next().unwrap() } else { first }
}

#[test]
fn a_redis_keeps_what_it_was_given() {
    let server = Redis::start().unwrap();
    assert_eq!(server.url(), format!("redis://127.0.0.1:{}", server.port()));
    live(server, |server| assert_eq!(call(server, "SET kept data"), "+OK"), |server| call(server, "GET kept") == "data");
}
