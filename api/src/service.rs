//! The whole REST interface as one endpoint, and the document that describes it.

mod headers;
mod nullable;
mod query;
mod sections;
mod swagger;

use std::sync::Arc;

use bytes::Bytes;
use poem::endpoint::{BoxEndpoint, make_sync};
use poem::http::Method;
use poem::{Endpoint, EndpointExt, Response, Route, get};
use poem_openapi::{LicenseObject, OpenApiService};

use crate::app::App;
use crate::cookie;
use crate::http::observe::Observe;
use crate::pages;
use crate::resources::admin::AdminApi;
use crate::resources::chunked::ChunkedApi;
use crate::resources::file::FileApi;
use crate::resources::folder::FolderApi;
use crate::resources::instant::InstantApi;
use crate::resources::offline::OfflineApi;
use crate::resources::share::ShareApi;
use crate::resources::system::SystemApi;
use crate::resources::user::UserApi;

use self::nullable::Nullable;
pub use self::sections::Section;
use self::swagger::SwaggerUi;

type Resources = (UserApi, FileApi, FolderApi, InstantApi, ChunkedApi, ShareApi, OfflineApi, SystemApi, AdminApi);
const RESOURCES: Resources = (UserApi, FileApi, FolderApi, InstantApi, ChunkedApi, ShareApi, OfflineApi, SystemApi, AdminApi);

/// Paths that are served beside the operations.
const PAGES: [&str; 6] =
    ["/openapi.json", "/openapi.yaml", "/docs", "/docs/swagger-ui.css", "/docs/swagger-ui.js", "/docs/start.js"];

/// Everything that the drive answers over HTTP. It never returns an error: whatever goes wrong is a problem document.
pub fn service(app: Arc<App>) -> BoxEndpoint<'static, Response> {
    let ids = Arc::clone(&app.drive.ports().ids);
    let observe = Observe::new(move || ids.command().0).api::<Resources>();
    let observe = PAGES.iter().fold(observe, |observe, page| observe.path(page, &[Method::GET]));
    let observe = pages::observe(observe);
    let (ui, described) = (SwaggerUi::new(), described());
    Route::new()
        .at("/openapi.json", get(fixed("application/json", described.spec())))
        .at("/openapi.yaml", get(fixed("application/yaml", described.spec_yaml())))
        .at("/docs", get(swagger::page()))
        .at("/docs/swagger-ui.css", get(ui.style()))
        .at("/docs/swagger-ui.js", get(ui.script()))
        .at("/docs/start.js", get(swagger::start()))
        .nest("/", described)
        .around(cookie::admit)
        .around(pages::answer)
        .around(sections::answer)
        .around(query::answer)
        .data(app)
        .with(observe)
        .map(headers::secure)
        .boxed()
}

/// The OpenAPI document as JSON.
pub fn openapi_json() -> String {
    described().spec()
}

/// The OpenAPI document as YAML.
pub fn openapi_yaml() -> String {
    described().spec_yaml()
}

fn described() -> OpenApiService<Nullable<Resources>, ()> {
    OpenApiService::new(Nullable(RESOURCES), "Cairn", env!("CARGO_PKG_VERSION"))
        .description(DESCRIPTION)
        .license(LicenseObject::new("MIT OR Apache-2.0"))
        .server("/")
}

/// An endpoint whose answer never changes while the program runs.
fn fixed(content_type: &'static str, body: impl Into<Bytes>) -> impl Endpoint<Output = Response> + 'static {
    let body = body.into();
    make_sync(move |_| Response::builder().content_type(content_type).body(body.clone()))
}

const DESCRIPTION: &str = "\
A cloud drive whose every action is an event. Every call is a noun and a verb: JSON in, JSON out, raw bytes for content.

- **Signing in.** `POST /user/signin` gives a token; send it as `Authorization: Bearer <token>`. Pages of a browser ask for a cookie \
instead, with `Cairn-Session: cookie`; it counts only in requests that a page of this drive makes.
- **Values.** Ids are UUIDs, hashes lower-case hex, times RFC 3339 in UTC, sizes bytes.
- **Errors** are problem documents (RFC 9457). Decide on `code`, which never changes; `detail` is for people. What is not yours is 404, \
as if absent.
- **Retries.** Any POST takes an `Idempotency-Key`: a retry under the same key returns the first answer and changes nothing; \
the same key with another request is refused.
- **Reading your own writes.** A change answers with `Cairn-Position`; a read takes it as `Cairn-Min-Position` and waits for it, also \
on another node. On one node it is not needed.
- **Lists** take `limit` (1 to 1000, 100 when absent) and `cursor`, and answer with `items` and `next_cursor`, which is null on the last page.
- **Processes.** A drive may be spread over several. One that is asked for what others answer says 421 `misdirected`: a balancer sends it wrong.
- **Tracing.** Every answer has an `X-Request-Id`, the client's own if it sent one.";

#[cfg(test)]
mod tests;
