//! What every request passes: it is counted, perhaps broken, perhaps refused, and handed to `s3s`.

mod rest;

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use md5::{Digest as _, Md5};
use s3s::service::S3Service;
use s3s::{Body, HttpRequest, HttpResponse, S3Error, S3Result, s3_error};

use crate::fault::{Broken, Fault, Faults, cut};
use crate::operation::{Counts, Operation};
use crate::refusal::{self, Target};

use rest::Rest;

/// OSS reads so much of a list of what to delete, in bytes.
const LIST_BYTES_MAX: usize = 2 * 1024 * 1024;

pub(crate) struct Door {
    service: S3Service,
    pub(crate) faults: Faults,
    pub(crate) counts: Counts,
    requests: AtomicU64,
}

impl Door {
    pub(crate) fn new(service: S3Service) -> Self {
        Self { service, faults: Faults::default(), counts: Counts::default(), requests: AtomicU64::new(0) }
    }

    /// An error ends the connection.
    pub(crate) async fn handle(&self, request: Request<Incoming>) -> Result<HttpResponse, Broken> {
        let (head, body) = request.into_parts();
        let body = Rest::new(body);
        let mut answer = self.answer(head, &body).await?;
        let request_id = self.requests.fetch_add(1, Ordering::Relaxed);
        answer.headers_mut().insert("x-amz-request-id", request_id.into());
        // A client that is still sending would see a reset instead of the answer.
        body.drain().await;
        Ok(answer)
    }

    async fn answer(&self, head: Parts, body: &Rest) -> Result<HttpResponse, Broken> {
        let target = Target::of(&head);
        let operation = Operation::of(&head, target);
        self.counts.add(operation);
        let fault = self.faults.next(operation);
        match fault {
            Some(Fault::InternalError) => return Ok(refusal::answer(internal_error())),
            Some(Fault::SlowDown) => return Ok(refusal::answer(slow_down())),
            Some(Fault::Hang) => self.faults.hang().await,
            Some(Fault::CutRequest) => {
                body.skip_half().await;
                return Err(Broken);
            }
            Some(Fault::CutAnswer | Fault::LoseAnswer) | None => {}
        }
        let answer = self.serve(operation, target, head, body).await?;
        match fault {
            Some(Fault::LoseAnswer) => Err(Broken),
            Some(Fault::CutAnswer) => cut(answer),
            _ => Ok(answer),
        }
    }

    async fn serve(&self, operation: Operation, target: Target, head: Parts, body: &Rest) -> Result<HttpResponse, Broken> {
        if let Err(refused) = refusal::check(operation, target, &head) {
            return Ok(refusal::answer(refused));
        }
        let body = match operation {
            Operation::DeleteObjects => match checked_list(&head, body).await {
                Ok(list) => Body::from(list),
                Err(refused) => return Ok(refusal::answer(refused)),
            },
            _ => Body::http_body(body.clone()),
        };
        // OSS ends what it began, even if the client has left.
        let service = self.service.clone();
        let done = tokio::spawn(async move { service.call(HttpRequest::from_parts(head, body)).await });
        done.await.ok().and_then(Result::ok).ok_or(Broken)
    }
}

/// The list of a `DeleteObjects`, which is the only body that `s3s` takes apart before anybody could see it.
async fn checked_list(head: &Parts, body: &Rest) -> S3Result<Bytes> {
    let collected = Limited::new(body.clone(), LIST_BYTES_MAX).collect().await;
    let list = collected.map_err(|_| s3_error!(MalformedXML, "The list is broken off or too long."))?.to_bytes();
    let promised = head.headers.get("content-md5").map(HeaderValue::as_bytes);
    if promised == Some(BASE64_STANDARD.encode(Md5::digest(&list)).as_bytes()) {
        return Ok(list);
    }
    Err(refusal::invalid_digest())
}

fn internal_error() -> S3Error {
    s3_error!(InternalError, "We encountered an internal error. Please try again.")
}

fn slow_down() -> S3Error {
    s3_error!(SlowDown, "Please reduce your request rate.")
}
