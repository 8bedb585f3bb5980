//! The beginning of AMQP 0-9-1: as much of it as it takes to log in.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use crate::http::connect;

const METHOD_FRAME: u8 = 1;
const FRAME_END: u8 = 0xCE;

/// More than any frame before the tuning may have.
const FRAME_BYTES_MAX: usize = 128 * 1024;

/// Class and method numbers of section 1.3 of the AMQP 0-9-1 reference.
const START: (u16, u16) = (10, 10);
const START_OK: (u16, u16) = (10, 11);
const TUNE: (u16, u16) = (10, 30);
const TUNE_OK: (u16, u16) = (10, 31);
const OPEN: (u16, u16) = (10, 40);
const OPEN_OK: (u16, u16) = (10, 41);
const CLOSE: (u16, u16) = (10, 50);
const CLOSE_OK: (u16, u16) = (10, 51);

/// Opens a connection to the virtual host `/` and closes it again.
pub(super) fn log_in(port: u16, user: &str, password: &str) -> io::Result<()> {
    let mut stream = connect(port)?;
    stream.write_all(b"AMQP\x00\x00\x09\x01")?;
    expect(&mut stream, START)?;
    send(&mut stream, START_OK, &start_ok(user, password))?;
    let offered = expect(&mut stream, TUNE)?;
    send(&mut stream, TUNE_OK, &offered)?;
    // The virtual host, and two fields that have no use any more.
    send(&mut stream, OPEN, &[1, b'/', 0, 0])?;
    expect(&mut stream, OPEN_OK)?;
    // Code 200, no text, not because of a method.
    send(&mut stream, CLOSE, &[0, 200, 0, 0, 0, 0, 0])?;
    expect(&mut stream, CLOSE_OK).map(drop)
}

/// No properties, the mechanism PLAIN, the user and the password, the language.
fn start_ok(user: &str, password: &str) -> Vec<u8> {
    let response = format!("\0{user}\0{password}");
    let mut arguments = vec![0, 0, 0, 0, 5];
    arguments.extend_from_slice(b"PLAIN");
    arguments.extend_from_slice(&(response.len() as u32).to_be_bytes());
    arguments.extend_from_slice(response.as_bytes());
    arguments.extend_from_slice(b"\x05en_US");
    arguments
}

/// Sends a method on channel 0.
fn send(stream: &mut TcpStream, (class, method): (u16, u16), arguments: &[u8]) -> io::Result<()> {
    let mut frame = vec![METHOD_FRAME, 0, 0];
    frame.extend_from_slice(&(arguments.len() as u32 + 4).to_be_bytes());
    frame.extend_from_slice(&class.to_be_bytes());
    frame.extend_from_slice(&method.to_be_bytes());
    frame.extend_from_slice(arguments);
    frame.push(FRAME_END);
    stream.write_all(&frame)
}

/// Reads a method, which must be this one, and gives its arguments.
fn expect(stream: &mut TcpStream, (class, method): (u16, u16)) -> io::Result<Vec<u8>> {
    let mut head = [0; 7];
    stream.read_exact(&mut head)?;
    let size = u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize;
    if head[0] != METHOD_FRAME || !(4..=FRAME_BYTES_MAX).contains(&size) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut payload = vec![0; size + 1];
    stream.read_exact(&mut payload)?;
    let number = [class.to_be_bytes(), method.to_be_bytes()].concat();
    if payload[..4] != number || payload[size] != FRAME_END {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(payload[4..size].to_vec())
}
