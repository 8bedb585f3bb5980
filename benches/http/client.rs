//! The least client that can put load on a server: HTTP/1.1 over one kept connection, with fixed buffers and nothing in between.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A call that can be made again and again.
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// Path and query.
    pub(crate) path: String,
    /// Further header fields, each with its line end.
    pub(crate) fields: String,
}

pub(crate) struct Client {
    stream: TcpStream,
    /// What is sent: always the same but for its first bytes.
    content: Vec<u8>,
    received: Vec<u8>,
    /// How much of `received` is filled.
    filled: usize,
}

/// A status and what the answer says of its body.
struct Head {
    status: u16,
    length: u64,
}

/// What is given to the kernel, or taken from it, at once.
const PIECE_BYTES: usize = 256 * 1024;

impl Client {
    pub(crate) async fn connect(target: &Target) -> Self {
        let stream = TcpStream::connect(target.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let content = (0..PIECE_BYTES).map(|index| (index * 31 + index / 251) as u8).collect();
        Self { stream, content, received: vec![0; PIECE_BYTES], filled: 0 }
    }

    /// Posts `bytes` bytes; every `number` gives another content.
    pub(crate) async fn upload(&mut self, target: &Target, number: u64, bytes: u64) -> Vec<u8> {
        let mut opening = head("POST", target, &content_fields("application/octet-stream", bytes)).into_bytes();
        let stamp = number.to_be_bytes();
        let first = (bytes as usize).min(PIECE_BYTES);
        opening.extend_from_slice(&stamp);
        opening.extend_from_slice(&self.content[stamp.len()..first]);
        self.stream.write_all(&opening).await.unwrap();
        let mut left = bytes - first as u64;
        while left > 0 {
            let piece = left.min(PIECE_BYTES as u64);
            self.stream.write_all(&self.content[..piece as usize]).await.unwrap();
            left -= piece;
        }
        self.answer().await
    }

    /// Posts a JSON document and returns the answer's.
    pub(crate) async fn call(&mut self, target: &Target, json: &str) -> Vec<u8> {
        let head = head("POST", target, &content_fields("application/json", json.len() as u64));
        self.stream.write_all(format!("{head}{json}").as_bytes()).await.unwrap();
        self.answer().await
    }

    /// Gets a body, forgets it, and returns how long it was.
    pub(crate) async fn download(&mut self, target: &Target) -> u64 {
        self.stream.write_all(head("GET", target, "").as_bytes()).await.unwrap();
        let head = self.read_head().await;
        assert_eq!(head.status, 200);
        let mut left = head.length - self.filled as u64;
        while left > 0 {
            let read = self.stream.read(&mut self.received).await.unwrap();
            assert!(read > 0, "{left} bytes are missing");
            left -= read as u64;
        }
        self.filled = 0;
        head.length
    }

    /// The body of an answer that says that all went well.
    async fn answer(&mut self) -> Vec<u8> {
        let head = self.read_head().await;
        while (self.filled as u64) < head.length {
            self.read_more().await;
        }
        let body = self.received[..self.filled].to_vec();
        assert!(matches!(head.status, 200 | 201), "{}: {}", head.status, String::from_utf8_lossy(&body));
        self.filled = 0;
        body
    }

    /// Reads the head of an answer; what came of its body stays in the buffer.
    async fn read_head(&mut self) -> Head {
        let end = loop {
            if let Some(end) = self.received[..self.filled].windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            self.read_more().await;
        };
        let text = std::str::from_utf8(&self.received[..end]).unwrap().to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:")).unwrap();
        let head = Head { status: text[9..12].parse().unwrap(), length: length.trim().parse().unwrap() };
        self.received.copy_within(end..self.filled, 0);
        self.filled -= end;
        head
    }

    async fn read_more(&mut self) {
        let read = self.stream.read(&mut self.received[self.filled..]).await.unwrap();
        assert!(read > 0, "the server closed the connection: {}", String::from_utf8_lossy(&self.received[..self.filled]));
        self.filled += read;
    }
}

fn head(method: &str, target: &Target, content_fields: &str) -> String {
    let Target { address, path, fields } = target;
    format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n{fields}{content_fields}\r\n")
}

fn content_fields(media_type: &str, length: u64) -> String {
    format!("Content-Type: {media_type}\r\nContent-Length: {length}\r\n")
}
