//! One call of a client, from its path to its answer.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use hyper::body::Incoming;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::codec::ProstCodec;
use tonic::server::Grpc;
use tonic::{Request, Response, Status, Streaming};
use tower::service_fn;

use crate::batch;
use crate::fault::Method;
use crate::proto::{
    AppendContent, AppendReq, AppendResp, AppendResult, BatchAppendReq, BatchAppendResp, ClusterInfo, DeleteReq, DeleteResp, Empty,
    Position, ReadReq, ReadResp, SupportedMethods, WriteSuccess,
};
use crate::request::{self, Mode, Read};
use crate::shared::Shared;
use crate::store::{Expected, NewEvent, Refusal, Store, Written};
use crate::{control, page, refusal, subscription};

/// What one message of a client may have, in bytes: more than an append may have, so that it is the append that is refused.
const MESSAGE_BYTES_MAX: usize = 16 << 20;

/// How many answers wait for a slow client before the call that makes them waits too.
const ANSWERS_WAITING_MAX: usize = 32;

const SUPPORTED_METHODS: &str = "/event_store.client.server_features.ServerFeatures/GetSupportedMethods";
const GOSSIP: &str = "/event_store.client.gossip.Gossip/Read";

/// What nobody in particular may call, too.
const OPEN: [&str; 2] = [SUPPORTED_METHODS, GOSSIP];

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) shared: Arc<Shared>,
    pub(crate) connection: CancellationToken,
    /// How long the client wants to wait.
    deadline: Option<Duration>,
}

/// Answers whatever comes in over a connection.
pub(crate) async fn answer(
    shared: Arc<Shared>,
    connection: CancellationToken,
    request: http::Request<Incoming>,
) -> http::Response<Body> {
    if let Some(user) = shared.user()
        && let Err(status) = user.judge(request.headers(), OPEN.contains(&request.uri().path()))
    {
        return status.into_http();
    }
    let call = Call { shared, connection, deadline: deadline(request.headers()) };
    match request.uri().path() {
        SUPPORTED_METHODS => grpc().unary(service_fn(|_: Request<Empty>| call.clone().supported_methods()), request).await,
        GOSSIP => grpc().unary(service_fn(|_: Request<Empty>| call.clone().gossip()), request).await,
        "/event_store.client.streams.Streams/Read" => {
            grpc().server_streaming(service_fn(|request| call.clone().read(request)), request).await
        }
        "/event_store.client.streams.Streams/Append" => {
            grpc().client_streaming(service_fn(|request| call.clone().append(request)), request).await
        }
        "/event_store.client.streams.Streams/BatchAppend" => {
            grpc().streaming(service_fn(async |request| Ok(call.batch_append(request))), request).await
        }
        "/event_store.client.streams.Streams/Delete" => {
            grpc().unary(service_fn(|request| call.clone().delete(request)), request).await
        }
        "/event_store.client.streams.Streams/Tombstone" => {
            grpc().unary(service_fn(|request| call.clone().tombstone(request)), request).await
        }
        _ => Status::unimplemented("Service is unimplemented.").into_http(),
    }
}

fn grpc<Sent, Received>() -> Grpc<ProstCodec<Sent, Received>>
where
    Sent: prost::Message + Send + 'static,
    Received: prost::Message + Default + Send + 'static,
{
    Grpc::new(ProstCodec::default()).max_decoding_message_size(MESSAGE_BYTES_MAX)
}

/// The header of the gRPC specification: up to eight digits and a unit.
fn deadline(headers: &http::HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let value: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(value * 3600)),
        "M" => Some(Duration::from_secs(value * 60)),
        "S" => Some(Duration::from_secs(value)),
        "m" => Some(Duration::from_millis(value)),
        "u" => Some(Duration::from_micros(value)),
        "n" => Some(Duration::from_nanos(value)),
        _ => None,
    }
}

impl Call {
    async fn supported_methods(self) -> Result<Response<SupportedMethods>, Status> {
        self.counted(Method::ServerFeatures, async { Ok(control::supported_methods()) }).await.map(Response::new)
    }

    async fn gossip(self) -> Result<Response<ClusterInfo>, Status> {
        let cluster = control::cluster(self.shared.address);
        self.counted(Method::Gossip, async { Ok(cluster) }).await.map(Response::new)
    }

    async fn append(self, request: Request<Streaming<AppendReq>>) -> Result<Response<AppendResp>, Status> {
        let work = async {
            let (stream, expected, events) = whole_append(request.into_inner()).await?;
            let written = self.shared.write(|store, ticks| store.append(&stream, expected, events, ticks));
            let result = match written {
                Ok(written) => AppendResult::Success(success(written)),
                Err(Refusal::WrongVersion { current }) => AppendResult::WrongVersion(refusal::append_conflict(expected, current)),
                Err(Refusal::Deleted) => return Err(refusal::stream_deleted(&stream)),
            };
            Ok(AppendResp { result: Some(result) })
        };
        self.counted(Method::Append, work).await.map(Response::new)
    }

    async fn delete(self, request: Request<DeleteReq>) -> Result<Response<DeleteResp>, Status> {
        let work = async { self.deletion(request.into_inner(), Store::delete) };
        self.counted(Method::Delete, work).await.map(Response::new)
    }

    async fn tombstone(self, request: Request<DeleteReq>) -> Result<Response<DeleteResp>, Status> {
        let work = async { self.deletion(request.into_inner(), Store::tombstone) };
        self.counted(Method::Tombstone, work).await.map(Response::new)
    }

    fn deletion(
        &self,
        request: DeleteReq,
        delete: impl FnOnce(&mut Store, &str, Expected, u64) -> Result<u64, Refusal>,
    ) -> Result<DeleteResp, Status> {
        let (stream, expected) = request::target(request.options)?;
        let position = self
            .shared
            .write(|store, ticks| delete(store, &stream, expected, ticks))
            .map_err(|refusal| refusal::deletion(&stream, expected, refusal))?;
        Ok(DeleteResp { position: Some(Position::of(position)) })
    }

    async fn read(self, request: Request<ReadReq>) -> Result<Response<Answers<ReadResp>>, Status> {
        let read = Read::parse(request.into_inner())?;
        let answers = match read.mode {
            Mode::Page { backwards, limit } => {
                let work = async { page::read(&self.shared.store(), &read, backwards, limit) };
                let page = self.counted(Method::Read, work).await?;
                stream::iter(page).map(|content| Ok(content.into())).boxed()
            }
            Mode::Subscription => {
                self.counted(Method::Subscribe, async { Ok(()) }).await?;
                self.spawn_answers(|sender| subscription::run(Arc::clone(&self.shared), read, sender))
            }
        };
        Ok(Response::new(answers))
    }

    fn batch_append(&self, request: Request<Streaming<BatchAppendReq>>) -> Response<Answers<BatchAppendResp>> {
        Response::new(self.spawn_answers(|sender| batch::run(self.clone(), request.into_inner(), sender)))
    }

    /// Answers as long as `work` makes answers. The client's deadline is one for the whole call, however well it goes.
    fn spawn_answers<T: Send + 'static, W: Future<Output = ()> + Send + 'static>(
        &self,
        work: impl FnOnce(mpsc::Sender<Result<T, Status>>) -> W,
    ) -> Answers<T> {
        let (sender, receiver) = mpsc::channel(ANSWERS_WAITING_MAX);
        let work = work(sender.clone());
        let deadline = self.deadline;
        tokio::spawn(async move {
            let Some(deadline) = deadline else {
                return work.await;
            };
            if tokio::time::timeout(deadline, work).await.is_err() {
                let _ = sender.send(Err(deadline_exceeded())).await;
            }
        });
        stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver))).boxed()
    }

    /// Counts the call, then carries it out with the trouble that was planned for it and within the client's deadline.
    async fn counted<T>(&self, method: Method, work: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
        let work = self.with_faults(method, work);
        match self.deadline {
            None => work.await,
            Some(deadline) => tokio::time::timeout(deadline, work).await.unwrap_or_else(|_| Err(deadline_exceeded())),
        }
    }

    pub(crate) async fn with_faults<T>(&self, method: Method, work: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
        self.shared.count_call(method);
        let cut = async || {
            self.connection.cancel();
            std::future::pending().await
        };
        self.shared.faults.around(method, work, cut).await
    }
}

fn deadline_exceeded() -> Status {
    Status::deadline_exceeded("Deadline Exceeded")
}

/// The limit counts while events come in, so that an append that is too big is refused before its end.
async fn whole_append(mut messages: Streaming<AppendReq>) -> Result<(String, Expected, Vec<NewEvent>), Status> {
    let Some(AppendContent::Options(target)) = messages.message().await?.and_then(|first| first.content) else {
        return Err(Status::invalid_argument("an append begins with its options"));
    };
    let (stream, expected) = request::target(Some(target))?;
    let mut events = Vec::new();
    let mut size_bytes = 0;
    while let Some(message) = messages.message().await? {
        let Some(AppendContent::ProposedMessage(message)) = message.content else {
            return Err(Status::invalid_argument("after its options an append has only events"));
        };
        let event = request::new_event(message)?;
        size_bytes += event.size_bytes();
        if size_bytes > refusal::APPEND_BYTES_MAX {
            return Err(refusal::append_too_big());
        }
        events.push(event);
    }
    Ok((stream, expected, events))
}

pub(crate) fn success(written: Written) -> WriteSuccess {
    WriteSuccess {
        current_revision: written.last_revision,
        no_stream: written.last_revision.is_none().then_some(Empty {}),
        position: Some(Position::of(written.position)),
    }
}
