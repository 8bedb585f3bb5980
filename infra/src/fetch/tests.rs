//! Which URLs are asked, and that a connection goes nowhere else.

mod addresses;
mod refused;
mod sources;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use cairn_commands::ports::fetch::{Fetch, FetchError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{FetchSettings, HttpFetch, Lookup, Network};

/// Names as they are said here, each answer once; the last one stays.
#[derive(Default)]
struct Names(Mutex<BTreeMap<String, VecDeque<Vec<IpAddr>>>>);

impl Names {
    fn of(names: &[(&str, &[&[&str]])]) -> Arc<Self> {
        let parse = |answer: &&[&str]| answer.iter().map(|address| address.parse().expect("an address")).collect();
        let names = names.iter().map(|(name, answers)| ((*name).to_owned(), answers.iter().map(parse).collect()));
        Arc::new(Self(Mutex::new(names.collect())))
    }
}

#[async_trait]
impl Lookup for Names {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let mut names = self.0.lock().expect("names");
        let answers = names.get_mut(name.trim_end_matches('.')).ok_or(io::ErrorKind::NotFound)?;
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Ok(answer.unwrap_or_default())
    }
}

fn fetch(allow: &[&str], names: Arc<Names>) -> HttpFetch {
    fetch_but(allow, &[], names)
}

fn fetch_but(allow: &[&str], refuse: &[&str], names: Arc<Names>) -> HttpFetch {
    let networks = |texts: &[&str]| texts.iter().map(|network| network.parse::<Network>().expect("a network")).collect();
    let (allow, refuse) = (networks(allow), networks(refuse));
    let second = Duration::from_secs(1);
    HttpFetch::new(FetchSettings { allow, refuse, redirects_max: 3, connect_max: second * 5, idle_max: second }, names)
        .expect("a client")
}

/// A server that gives this answer to each request, and counts them.
struct Server {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    /// The heads of the requests.
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn answering(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("0.0.0.0:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (asked, heard) = (Arc::<AtomicUsize>::default(), Arc::<Mutex<Vec<String>>>::default());
        let (counting, hearing) = (asked.clone(), heard.clone());
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                counting.fetch_add(1, Ordering::SeqCst);
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    match connection.read_u8().await {
                        Ok(byte) => head.push(byte),
                        Err(_) => break,
                    }
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let answer = answer(&head);
                hearing.lock().expect("heads").push(head);
                // The client may have gone.
                let _ = connection.write_all(answer.as_bytes()).await;
            }
        });
        Self { address, asked, heard }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.address.port())
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("heads").clone()
    }
}

fn is_refused<T>(result: &Result<T, FetchError>) -> bool {
    matches!(result, Err(FetchError::Refused(_)))
}
