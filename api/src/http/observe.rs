//! The outermost layer of every request: its id and trace, its one log line, its metrics, and the promise that whatever
//! goes wrong inside leaves as a problem document.

mod context;
mod record;

#[cfg(test)]
mod tests;

use std::{any::Any, collections::HashMap, panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use poem::{
    Endpoint, IntoResponse, Middleware, PathPattern, Request, Response, Result,
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
};
use poem_openapi::OpenApi;
use tracing::Instrument;
use uuid::Uuid;

pub use context::{RequestContext, TraceParent};

use self::record::Record;
use super::problem::{self, Explain, Problem, common};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The middleware; it belongs outside of all others.
///
/// - `X-Request-Id` is taken from the client if it is 1 to 128 visible ASCII characters, otherwise made; it is echoed,
///   logged, and stands in every problem. Handlers find it with the W3C trace parent in `Data<&RequestContext>`.
/// - One line is logged when the answer was sent, never with a query, a header or a body.
/// - `cairn_http_requests_total{method,route,status}` and `cairn_http_request_duration_seconds{method,route}` are counted,
///   with status 499 when the client went away before the answer.
/// - Errors of any kind and panics become problem documents.
#[derive(Clone)]
pub struct Observe {
    new_id: Arc<dyn Fn() -> Uuid + Send + Sync>,
    allowed: Arc<HashMap<String, HeaderValue>>,
    secret_below: Option<&'static str>,
}

impl Observe {
    /// `new_id` makes the ids of requests that bring none.
    pub fn new(new_id: impl Fn() -> Uuid + Send + Sync + 'static) -> Self {
        Self { new_id: Arc::new(new_id), allowed: Arc::default(), secret_below: None }
    }

    /// Knows the methods of every path of an API, for the `Allow` of a 405 (RFC 9110 section 15.5.6).
    #[must_use]
    pub fn api<A: OpenApi>(self) -> Self {
        A::meta().into_iter().flat_map(|api| api.paths).fold(self, |observe, path| {
            let methods: Vec<Method> = path.operations.into_iter().map(|operation| operation.method).collect();
            observe.path(&path.path, &methods)
        })
    }

    /// Paths that begin like this end with a secret: the rest is not logged.
    #[must_use]
    pub fn secret_below(self, begin: &'static str) -> Self {
        Self { secret_below: Some(begin), ..self }
    }

    fn shown<'a>(&self, path: &'a str) -> &'a str {
        self.secret_below.filter(|begin| path.starts_with(begin)).unwrap_or(path)
    }

    /// Knows the methods of one more path, given as its route pattern. GET answers HEAD as well.
    #[must_use]
    pub fn path(mut self, pattern: &str, methods: &[Method]) -> Self {
        let mut names: Vec<&str> = methods.iter().map(Method::as_str).collect();
        if methods.contains(&Method::GET) {
            names.push("HEAD");
        }
        names.sort_unstable();
        names.dedup();
        if let Ok(value) = HeaderValue::from_str(&names.join(", ")) {
            Arc::make_mut(&mut self.allowed).insert(pattern.replace('{', ":").replace('}', ""), value);
        }
        self
    }
}

impl<E: Endpoint> Middleware<E> for Observe {
    type Output = Observed<E>;

    fn transform(&self, inner: E) -> Observed<E> {
        Observed { inner, observe: self.clone() }
    }
}

/// An endpoint inside of [`Observe`]; it never returns an error.
pub struct Observed<E> {
    inner: E,
    observe: Observe,
}

impl<E: Endpoint> Endpoint for Observed<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let context = RequestContext::read(request.headers(), &*self.observe.new_id);
        let span = context.span(request.method(), self.observe.shown(request.uri().path()), request.remote_addr());
        let mut record = Record::start(request.method(), span.clone());
        request.set_data(context.clone());
        let outcome = AssertUnwindSafe(self.inner.call(request)).catch_unwind().instrument(span).await;
        let (response, route) = settle(outcome);
        let mut response = self.finish(response, route.as_ref(), &context, &mut record);
        let inner = response.take_body();
        let body = record.watch(response.headers().get(header::CONTENT_LENGTH), inner);
        response.set_body(body);
        Ok(response)
    }
}

type Outcome<T> = std::result::Result<Result<T>, Box<dyn Any + Send>>;

/// Turns whatever came out of the endpoint into a response, and finds the route that it took.
fn settle<T: IntoResponse>(outcome: Outcome<T>) -> (Response, Option<PathPattern>) {
    match outcome {
        Ok(Ok(output)) => {
            let response = output.into_response();
            let route = response.data::<PathPattern>().cloned();
            let plain = problem::plain_error(&response);
            (plain.map_or(response, IntoResponse::into_response), route)
        }
        Ok(Err(error)) => {
            let route = error.data::<PathPattern>().cloned();
            (problem::answer(error), route)
        }
        Err(panic) => {
            let cause = format!("the handler panicked: {}", panic_message(panic.as_ref()));
            (Problem::of(common::internal).because(cause).into_response(), None)
        }
    }
}

impl<E> Observed<E> {
    /// Gives a problem its request id and 405 its `Allow`, and echoes the request id.
    fn finish(&self, response: Response, route: Option<&PathPattern>, context: &RequestContext, record: &mut Record) -> Response {
        let mut response = match response.data::<Problem>().cloned() {
            Some(problem) => {
                record.problem(&problem);
                problem.for_request(&context.id).into_response()
            }
            None => response,
        };
        let allowed = route.and_then(|route| self.observe.allowed.get(route.0.as_ref()));
        if let (StatusCode::METHOD_NOT_ALLOWED, Some(allowed)) = (response.status(), allowed) {
            response.headers_mut().insert(header::ALLOW, allowed.clone());
        }
        if let Ok(id) = HeaderValue::from_str(&context.id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        record.answered(response.status(), route);
        response
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&'static str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}
