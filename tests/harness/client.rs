//! A small HTTP client that knows the drive's manners: bearer tokens, problems, and that no answer is a server error.

use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use reqwest::{Body, Method, RequestBuilder};
use serde_json::Value;

use super::answer::Answer;
use super::drive::Drive;

/// Somebody who calls the drive, with a token or without.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    /// The drive, where it is shared and lives as long as somebody calls it.
    _drive: Option<Arc<Drive>>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        // Idle connections are given up before the drive does it, also where a test makes it impatient.
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .pool_idle_timeout(Duration::from_millis(500));
        let http = http.timeout(Duration::from_mins(2)).build().expect("a client");
        Self { http, base: format!("http://{address}"), token: None, _drive: None }
    }

    /// The same, and the drive lives as long as this.
    pub(crate) fn holding(self, drive: Arc<Drive>) -> Self {
        Self { _drive: Some(drive), ..self }
    }

    /// The same with this token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same without a token.
    pub(crate) fn anonymous(&self) -> Self {
        Self { token: None, ..self.clone() }
    }

    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> Call {
        self.call(Method::POST, path)
    }

    /// `path` starts with a slash and may carry a query; a whole URL is taken as it is.
    pub(crate) fn call(&self, method: Method, path: &str) -> Call {
        let url = if path.starts_with("http://") { path.to_owned() } else { format!("{}{path}", self.base) };
        let request = self.http.request(method, url);
        Call(match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    }
}

/// A request that is about to be sent.
#[derive(Debug)]
#[must_use]
pub(crate) struct Call(RequestBuilder);

impl Call {
    pub(crate) fn header(self, name: &str, value: impl Display) -> Self {
        Self(self.0.header(name, value.to_string()))
    }

    pub(crate) fn query(self, name: &str, value: impl Display) -> Self {
        Self(self.0.query(&[(name, value.to_string())]))
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        Self(self.0.json(body))
    }

    pub(crate) fn body(self, bytes: impl Into<Body>) -> Self {
        Self(self.0.body(bytes))
    }

    /// A body without an announced length, in HTTP's chunks.
    pub(crate) fn stream<E>(self, stream: impl Stream<Item = Result<Bytes, E>> + Send + 'static) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        Self(self.0.body(Body::wrap_stream(stream)))
    }

    pub(crate) fn form(self, form: reqwest::multipart::Form) -> Self {
        Self(self.0.multipart(form))
    }

    /// The answer, which must not be a server error.
    #[track_caller]
    pub(crate) fn send(self) -> impl Future<Output = Answer> {
        let place = std::panic::Location::caller();
        async move {
            let answer = self.try_send().await.unwrap_or_else(|error| panic!("no answer, asked at {place}: {error:?}"));
            assert!(answer.status < 500, "asked at {place}: {answer:?}");
            answer
        }
    }

    /// The answer's head; its body is read by the caller, as slowly as it likes.
    pub(crate) async fn open(self) -> reqwest::Response {
        self.0.send().await.expect("an answer")
    }

    /// Whatever comes.
    pub(crate) async fn try_send(self) -> reqwest::Result<Answer> {
        Answer::read(self.0.send().await?).await
    }
}
