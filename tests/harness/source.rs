//! A server elsewhere, from which the drive fetches files: obliging or not.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Answers on a port of its own, from threads, so that it does whatever the test waits for.
pub(crate) struct Source {
    address: SocketAddr,
    pages: Pages,
}

type Pages = Arc<Mutex<BTreeMap<String, (Page, Vec<u64>)>>>;

/// What stands behind a path.
#[derive(Debug, Clone, Default)]
pub(crate) struct Page {
    pub(crate) bytes: Vec<u8>,
    /// Whether it gives ranges, under this entity tag.
    pub(crate) tag: Option<&'static str>,
    /// Whether it keeps the size to itself.
    pub(crate) hides_size: bool,
    /// What it does after how many bytes of an answer, one answer after the other; those behind come whole.
    pub(crate) ends: VecDeque<(usize, End)>,
    /// Instead of a content.
    pub(crate) status: Option<&'static str>,
    /// Further fields of the answer, each with its line end.
    pub(crate) fields: String,
}

/// How an answer ends too early.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    /// The connection is closed.
    Cut,
    /// Nothing more comes, and the connection stays.
    Hang,
    /// It never ends: the content comes again and again.
    Endless,
}

impl Source {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let pages = Pages::default();
        let shared = pages.clone();
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let pages = shared.clone();
                // A client that goes away is what some tests are about.
                thread::spawn(move || drop(answer(connection, &pages)));
            }
        });
        Self { address, pages }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn put(&self, path: &str, page: Page) {
        let mut pages = lock(&self.pages);
        pages.entry(path.to_owned()).or_default().0 = page;
    }

    /// From which byte on the path was asked for, each time.
    pub(crate) fn asked(&self, path: &str) -> Vec<u64> {
        lock(&self.pages).get(path).map(|(_, asked)| asked.clone()).unwrap_or_default()
    }
}

fn lock(pages: &Pages) -> MutexGuard<'_, BTreeMap<String, (Page, Vec<u64>)>> {
    pages.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(mut connection: TcpStream, pages: &Pages) -> std::io::Result<()> {
    let head = head(&mut connection)?;
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let field = |name: &str| {
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}: ")));
        line.map(|line| line[name.len() + 2..].to_owned())
    };
    let (page, offset, end) = {
        let mut pages = lock(pages);
        let Some((page, asked)) = pages.get_mut(&path) else {
            return connection.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        };
        let same = page.tag.is_some_and(|tag| field("if-range").as_deref() == Some(tag));
        let range = field("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
        let offset: usize = range.filter(|_| same).unwrap_or(0);
        asked.push(offset as u64);
        (page.clone(), offset, page.ends.pop_front())
    };
    connection.write_all(begin(&page, offset).as_bytes())?;
    let rest = &page.bytes[offset..];
    let Some((after, end)) = end else { return connection.write_all(rest) };
    connection.write_all(&rest[..after.min(rest.len())])?;
    match end {
        End::Cut => Ok(()),
        // Until the client goes.
        End::Hang => connection.read(&mut [0]).map(|_| ()),
        End::Endless => loop {
            connection.write_all(&page.bytes)?;
        },
    }
}

fn head(connection: &mut TcpStream) -> std::io::Result<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && connection.read(&mut byte)? == 1 {
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn begin(page: &Page, offset: usize) -> String {
    let whole = page.bytes.len();
    let status = page.status.unwrap_or(if offset > 0 { "206 Partial Content" } else { "200 OK" });
    let mut fields = vec![format!("HTTP/1.1 {status}\r\nconnection: close\r\n{}", page.fields)];
    if let Some(tag) = page.tag {
        fields.push(format!("accept-ranges: bytes\r\netag: {tag}\r\n"));
    }
    if offset > 0 {
        fields.push(format!("content-range: bytes {offset}-{}/{whole}\r\n", whole - 1));
    }
    if !page.hides_size {
        fields.push(format!("content-length: {}\r\n", whole - offset));
    }
    fields.concat() + "\r\n"
}
