//! The way to a store without TLS, on which no answer waits for the kernel.
//!
//! The gateway of Ceph sends the head of an answer and then its body. Unless it is told otherwise (`tcp_nodelay=1`), the body waits there until
//! the head is acknowledged, and the kernel here puts that off for 40 ms, in the hope of something to send along with it. So whoever has
//! read something here has it acknowledged at once (`TCP_QUICKACK` in tcp(7), which holds for one time only). The clients that the SDK
//! brings let nobody at their sockets; stores in public networks, which are reached with TLS, don't hold their bodies back.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use aws_sdk_s3::config::SharedHttpClient;
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::retries::ErrorKind;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::connect::{self, CaptureConnection, Connect, Connected, Connection, capture_connection};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tower::ServiceExt;

use super::connect::CONNECT_MAX;
use super::local_names;

/// A client for an endpoint; none for one with TLS.
pub(super) fn client_for(endpoint: &str) -> Option<SharedHttpClient> {
    endpoint.starts_with("http://").then(|| {
        let mut tcp = connect::HttpConnector::new_with_resolver(tower::service_fn(addresses));
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_MAX));
        let pool = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(tcp.map_response(Prompt));
        let connector = SharedHttpConnector::new(Connector(pool));
        http_client_fn(move |_, _| connector.clone())
    })
}

/// Of a host, without a port.
async fn addresses(name: Name) -> io::Result<std::vec::IntoIter<SocketAddr>> {
    let found: Vec<SocketAddr> = match local_names::addresses(name.as_str()) {
        Some(here) => here.map(|address| SocketAddr::from((address, 0))).to_vec(),
        None => tokio::net::lookup_host((name.as_str(), 0)).await?.collect(),
    };
    Ok(found.into_iter())
}

struct Connector<C>(Client<C, SdkBody>);

impl<C> std::fmt::Debug for Connector<C> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Connector")
    }
}

impl<C: Connect + Clone + Send + Sync + 'static> HttpConnector for Connector<C> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        };
        let connection = capture_connection(&mut request);
        if let Some(capture) = request.extensions().get::<CaptureSmithyConnection>() {
            capture.set_connection_retriever(move || metadata(&connection));
        }
        let answer = self.0.request(request);
        HttpConnectorFuture::new(async move {
            let answer = answer.await.map_err(explain)?.map(SdkBody::from_body_1_x);
            HttpResponse::try_from(answer).map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// By which the SDK keeps a connection from being used again over which a call has failed.
fn metadata(connection: &CaptureConnection) -> Option<ConnectionMetadata> {
    connection.connection_metadata().as_ref()?;
    let connection = connection.clone();
    let poison = move || {
        if let Some(connected) = connection.connection_metadata().as_ref() {
            connected.poison();
        }
    };
    Some(ConnectionMetadata::builder().proxied(false).poison_fn(poison).build())
}

/// The SDK tries again what has failed on the way.
fn explain(error: Error) -> ConnectorError {
    let hyper = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<hyper::Error>());
    match hyper {
        Some(hyper) if hyper.is_user() => ConnectorError::user(error.into()),
        Some(hyper) if hyper.is_timeout() => ConnectorError::timeout(error.into()),
        Some(hyper) if hyper.is_incomplete_message() => ConnectorError::other(error.into(), Some(ErrorKind::TransientError)),
        _ => ConnectorError::io(error.into()),
    }
}

/// A connection on which what has come is acknowledged as soon as it was read.
struct Prompt(TokioIo<TcpStream>);

impl Read for Prompt {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.0).poll_read(context, buffer);
        #[cfg(target_os = "linux")]
        if let Poll::Ready(Ok(())) = read {
            // Where it can't be hurried it comes all the same.
            let _ = rustix::net::sockopt::set_tcp_quickack(self.0.inner(), true);
        }
        read
    }
}

impl Write for Prompt {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, slices)
    }
}

impl Connection for Prompt {
    fn connected(&self) -> Connected {
        self.0.connected()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A store that answers as Ceph's gateway does: head and body apart, in an order that the kernel keeps.
    async fn store() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                socket.set_nodelay(false).expect("Nagle's algorithm");
                tokio::spawn(async move {
                    let mut request = [0; 8 * 1024];
                    while socket.read(&mut request).await.is_ok_and(|bytes| bytes > 0) {
                        for piece in ["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", "he", "llo"] {
                            if socket.write_all(piece.as_bytes()).await.is_err() {
                                return;
                            }
                        }
                    }
                });
            }
        });
        format!("http://{address}")
    }

    #[tokio::test]
    async fn the_body_of_an_answer_is_not_held_up() {
        let endpoint = store().await;
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(&endpoint)
            .force_path_style(true)
            .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
            .http_client(client_for(&endpoint).expect("a client"));
        let client = aws_sdk_s3::Client::from_conf(config.build());
        let mut took = Vec::new();
        for _ in 0..41 {
            let began = Instant::now();
            let answer = client.get_object().bucket("bucket").key("key").send().await.expect("an answer");
            assert_eq!(answer.body.collect().await.expect("a body").into_bytes(), "hello");
            took.push(began.elapsed());
        }
        took.sort();
        // The kernel would wait for 40 ms at least, once it has seen that this is a conversation.
        assert!(took[20] < Duration::from_millis(20), "{took:?}");
    }

    #[test]
    fn with_tls_others_see_to_it() {
        assert!(client_for("https://oss.example.org").is_none());
    }
}
