//! What one would write first: handlers on poem's own server, without accounts, events or read tables.

use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::StreamExt;
use poem::error::InternalServerError;
use poem::listener::TcpAcceptor;
use poem::web::Data;
use poem::{Body, EndpointExt, Result, Route, Server, handler, post};
use sha2::Digest;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::runtime::Runtime;

use crate::client::Target;
use crate::drive::remove_files;

/// A server with the handlers, on a runtime of its own with the settings of the drive's.
pub(crate) struct Rivals {
    _runtime: Runtime,
    address: SocketAddr,
    directory: TempDir,
}

impl Rivals {
    pub(crate) fn start(place: &Path) -> Self {
        let directory = tempfile::tempdir_in(place).unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let shelf = Arc::new(Shelf { directory: directory.path().to_owned(), files: AtomicU64::new(0) });
        let routes = Route::new().at("/naive", post(naive)).at("/bare", post(bare)).data(shelf);
        let runtime = Runtime::new().unwrap();
        runtime.spawn(async move { Server::new_with_acceptor(TcpAcceptor::from_std(listener).unwrap()).run(routes).await });
        Self { _runtime: runtime, address, directory }
    }

    /// Hashes and writes frame by frame, and syncs.
    pub(crate) fn naive(&self) -> Target {
        self.target("/naive")
    }

    /// Writes what came in one piece, syncs it, gives it its name, and syncs that. It hashes nothing.
    pub(crate) fn bare(&self) -> Target {
        self.target("/bare")
    }

    pub(crate) fn remove_contents(&self) {
        remove_files(self.directory.path());
    }

    fn target(&self, path: &str) -> Target {
        Target { address: self.address, path: path.to_owned(), fields: String::new() }
    }
}

struct Shelf {
    directory: PathBuf,
    files: AtomicU64,
}

impl Shelf {
    fn next(&self) -> PathBuf {
        self.directory.join(self.files.fetch_add(1, Ordering::Relaxed).to_string())
    }
}

#[handler]
async fn naive(shelf: Data<&Arc<Shelf>>, body: Body) -> Result<String> {
    let mut file = tokio::fs::File::create(shelf.next()).await.map_err(InternalServerError)?;
    let (mut sha256, mut sha1) = (sha2::Sha256::new(), sha1::Sha1::new());
    let mut frames = body.into_bytes_stream();
    while let Some(frame) = frames.next().await {
        let frame = frame.map_err(InternalServerError)?;
        sha256.update(&frame);
        sha1.update(&frame);
        file.write_all(&frame).await.map_err(InternalServerError)?;
    }
    file.sync_all().await.map_err(InternalServerError)?;
    Ok(format!("{} {}", hex::encode(sha256.finalize()), hex::encode(sha1.finalize())))
}

#[handler]
async fn bare(shelf: Data<&Arc<Shelf>>, bytes: Vec<u8>) -> Result<String> {
    let place = shelf.next();
    let write = move || -> io::Result<String> {
        let unfinished = place.with_extension("tmp");
        let mut file = File::create(&unfinished)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, &place)?;
        place.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())?;
        Ok(place.display().to_string())
    };
    tokio::task::spawn_blocking(write).await.map_err(InternalServerError)?.map_err(InternalServerError)
}
