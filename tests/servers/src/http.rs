//! As much HTTP as it takes to see whether a server answers.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

const ANSWER_MAX: Duration = Duration::from_secs(3);

/// A connection to a port here, on which nothing takes longer than a few seconds.
pub(crate) fn connect(port: u16) -> io::Result<TcpStream> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = TcpStream::connect_timeout(&address, ANSWER_MAX)?;
    stream.set_read_timeout(Some(ANSWER_MAX))?;
    stream.set_write_timeout(Some(ANSWER_MAX))?;
    Ok(stream)
}

/// Does a GET of this path answer 200?
pub(crate) fn is_ok(port: u16, path: &str) -> bool {
    status_line(port, path).is_ok_and(|line| line.starts_with(b"HTTP/1.1 200") || line.starts_with(b"HTTP/1.0 200"))
}

fn status_line(port: u16, path: &str) -> io::Result<[u8; 12]> {
    let mut stream = connect(port)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n")?;
    let mut line = [0; 12];
    stream.read_exact(&mut line)?;
    Ok(line)
}
