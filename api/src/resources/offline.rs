//! Offline download: the drive itself fetches a file from a URL.

mod documents;
mod problems;
mod types;

use std::sync::Arc;

use cairn_commands::offline::{OfflineWish, cancel, create};
use cairn_domain::{FolderId, OfflineId};
use poem::Request;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use uuid::Uuid;

use self::documents::{document, list, show};
use self::problems::{CancelProblem, CreateProblem, ListProblem, StatusProblem};
use self::types::{CancelAnswer, CreateAnswer, CreateBody, ListAnswer, OfflineBody, StatusAnswer};
use super::Tag;
use super::common::{Fields, page_of, perform};
use crate::app::App;
use crate::ask::{Done, IdempotencyKey, MinPosition};
use crate::auth::SignedIn;
use crate::http::json::JsonBody;
use crate::http::problem::Problem;

/// Offline download.
pub struct OfflineApi;

#[OpenApi(tag = "Tag::Offline")]
impl OfflineApi {
    /// Have a file fetched from a URL
    ///
    /// The drive fetches it in the background and stores it like an upload; what breaks off goes on from where it was where the source gives
    /// ranges. Only `http` and `https`, without a password, and only hosts of the public internet, through every redirect. When `sha256` is given
    /// and the caller has this content already, the file is there at once.
    #[oai(path = "/offline/create", method = "post", operation_id = "offline_create")]
    async fn create(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        request: &Request,
        /// A retry under the same key returns the first answer and changes nothing.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<CreateBody>,
    ) -> Result<CreateAnswer, CreateProblem> {
        let wish = wish(&body.0)?;
        let ask = app.ask(request, Some(&caller), &key)?.about("POST /offline/create", &body.0);
        let (drive, asked) = (Arc::clone(&app.drive), ask.request.clone());
        let work = async move {
            let (id, offline) = create(&drive, &asked, &caller, wish).await?;
            let body = document(&drive, id, &offline).await?;
            Ok::<_, CreateProblem>(Done { status: 202, position: Some(offline.position), body })
        };
        let done = perform(&app, ask, work).await?;
        Ok(CreateAnswer::Accepted(Json(done.body), done.position.map(|position| position.0)))
    }

    /// List offline downloads
    ///
    /// The caller's own, newest first, also those that have ended.
    #[oai(path = "/offline/query", method = "get", operation_id = "offline_query")]
    async fn query(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        /// The answer shows at least what the log held at this position.
        #[oai(name = "Cairn-Min-Position")]
        position: MinPosition,
        /// Rows of a page; 100 when absent.
        #[oai(validator(minimum(value = "1"), maximum(value = "1000")))]
        limit: Query<Option<u64>>,
        /// The `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<ListAnswer, ListProblem> {
        let tables = app.reach(&caller, position.0).await?;
        let page = page_of(limit.0, cursor.0.as_deref())?;
        Ok(ListAnswer::Found(Json(list(&app.drive, &*tables, &caller, page).await?)))
    }

    /// Show an offline download
    ///
    /// How far it has come; and the file, once it is there. How much has come is exact in the process that fetches, and up to twenty seconds old in
    /// another one.
    #[oai(path = "/offline/status", method = "get", operation_id = "offline_status")]
    async fn status(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        /// The answer shows at least what the log held at this position.
        #[oai(name = "Cairn-Min-Position")]
        position: MinPosition,
        /// The download.
        id: Query<Uuid>,
    ) -> Result<StatusAnswer, StatusProblem> {
        app.reach(&caller, position.0).await?;
        Ok(StatusAnswer::Found(Json(show(&app.drive, &caller, OfflineId(id.0)).await?)))
    }

    /// Cancel an offline download
    ///
    /// Ends it without a file. One that has ended stays as it has.
    #[oai(path = "/offline/cancel", method = "post", operation_id = "offline_cancel")]
    async fn cancel(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        request: &Request,
        /// A retry under the same key returns the first answer and changes nothing.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<OfflineBody>,
    ) -> Result<CancelAnswer, CancelProblem> {
        let ask = app.ask(request, Some(&caller), &key)?.about("POST /offline/cancel", &body.0);
        let (drive, asked, id) = (Arc::clone(&app.drive), ask.request.clone(), OfflineId(body.0.id));
        let work = async move {
            let offline = cancel(&drive, &asked, &caller, id).await?;
            let body = document(&drive, id, &offline).await?;
            Ok::<_, CancelProblem>(Done { status: 200, position: Some(offline.position), body })
        };
        let done = perform(&app, ask, work).await?;
        Ok(CancelAnswer::Ended(Json(done.body), done.position.map(|position| position.0)))
    }
}

fn wish(body: &CreateBody) -> Result<OfflineWish, Problem> {
    let mut fields = Fields::default();
    let name = fields.read_optional("name", body.name.as_deref());
    let sha256 = fields.read_optional("sha256", body.sha256.as_deref());
    let (name, sha256) = fields.finish(name.zip(sha256))?;
    Ok(OfflineWish { url: body.url.clone(), name, folder: body.folder_id.map(FolderId), sha256 })
}
