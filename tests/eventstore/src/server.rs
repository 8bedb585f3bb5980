//! HTTP/2 without TLS: every connection is a task of its own, so that it can be cut.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};

use crate::call;
use crate::shared::Shared;

/// Serves until its runtime is dropped.
pub(crate) async fn serve(listener: std::net::TcpListener, shared: Arc<Shared>) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    loop {
        // What fails here is one connection, not the listener.
        if let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(connection(socket, Arc::clone(&shared)));
        }
    }
}

async fn connection(socket: TcpStream, shared: Arc<Shared>) {
    // Without it every answer could wait 40 ms for an acknowledgement; an answer that comes late is still an answer.
    let _ = socket.set_nodelay(true);
    let cut = shared.new_connection();
    let token = cut.clone();
    let service = service_fn(move |request| {
        let answer = call::answer(Arc::clone(&shared), token.clone(), request);
        async { Ok::<_, Infallible>(answer.await) }
    });
    let served = http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service);
    tokio::select! {
        () = cut.cancelled() => {}
        // However a client leaves, the double has nothing to say about it.
        _ = served => {}
    }
}
