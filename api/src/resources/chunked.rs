//! Chunked upload: a file in parts, in any order, in parallel, and from where it was left.
#![expect(
    clippy::too_many_arguments,
    reason = "each parameter of an operation is an argument, so that the OpenAPI document shows it"
)]

mod part;
mod part_body;
mod problems;
mod status;
mod types;

use std::sync::Arc;

use cairn_commands::upload::{StartUpload, cancel, complete, start};
use cairn_domain::{FileId, FolderId, UploadId};
use poem::Request;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Query};
use poem_openapi::payload::Json;
use uuid::Uuid;

use self::part::{Coming, part};
use self::part_body::PartBody;
use self::problems::{CancelProblem, CompleteProblem, InitProblem, PartProblem, StatusProblem, UploadsProblem};
use self::status::{document, list, show};
use self::types::{CancelAnswer, CompleteAnswer, InitAnswer, InitBody, PartAnswer, StatusAnswer, UploadBody, UploadsAnswer};
use super::Tag;
use super::common::{Fields, document_of, page_of, perform};
use super::file::announced_sha256;
use crate::app::App;
use crate::ask::{Done, IdempotencyKey, MinPosition};
use crate::auth::SignedIn;
use crate::http::json::JsonBody;
use crate::http::problem::Problem;

/// Chunked upload.
pub struct ChunkedApi;

#[OpenApi(tag = "Tag::Chunked")]
impl ChunkedApi {
    /// Start an upload in parts
    ///
    /// Reserves the space. Who has an open upload of the same name, size, hashes and folder gets that one, to go on with it.
    #[oai(path = "/file/mpupload/init", method = "post", operation_id = "file_mpupload_init")]
    async fn init(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        request: &Request,
        /// A retry under the same key returns the first answer and changes nothing.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<InitBody>,
    ) -> Result<InitAnswer, InitProblem> {
        let wish = wish(&body.0)?;
        let ask = app.ask(request, Some(&caller), &key)?.about("POST /file/mpupload/init", &body.0);
        let (drive, asked) = (Arc::clone(&app.drive), ask.request.clone());
        let work = async move {
            let started = start(&drive, &asked, &caller, wish).await?;
            let status = if started.new { 201 } else { 200 };
            let body = document(&drive, &started.status).await?;
            Ok::<_, InitProblem>(Done { status, position: Some(started.position), body })
        };
        let done = perform(&app, ask, work).await?;
        let (body, position) = (Json(done.body), done.position.map(|position| position.0));
        Ok(if done.status == 201 { InitAnswer::Started(body, position) } else { InitAnswer::Found(body, position) })
    }

    /// Send a part
    ///
    /// In any order, in parallel, and again. A part is there whole or not at all; the answer comes when it is durable.
    #[oai(path = "/file/mpupload/uppart", method = "post", operation_id = "file_mpupload_uppart")]
    async fn post_part(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        request: &Request,
        /// A retry under the same key returns the first answer and changes nothing.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        /// The upload.
        upload_id: Query<Uuid>,
        /// Which part, from 1.
        index: Query<u64>,
        /// `sha-256=:<base64>:` of the part (RFC 9530); other bytes are refused.
        #[oai(name = "Content-Digest")]
        _content_digest: Header<Option<String>>,
        body: PartBody,
    ) -> Result<PartAnswer, PartProblem> {
        receive(&app, caller, request, &key, (upload_id.0, index.0), body).await
    }

    /// Put a part
    ///
    /// The same as a POST.
    #[oai(path = "/file/mpupload/uppart", method = "put", operation_id = "file_mpupload_uppart_put")]
    async fn put_part(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        request: &Request,
        /// A retry under the same key returns the first answer and changes nothing.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        /// The upload.
        upload_id: Query<Uuid>,
        /// Which part, from 1.
        index: Query<u64>,
        /// `sha-256=:<base64>:` of the part (RFC 9530); other bytes are refused.
        #[oai(name = "Content-Digest")]
        _content_digest: Header<Option<String>>,
        body: PartBody,
    ) -> Result<PartAnswer, PartProblem> {
        receive(&app, caller, request, &key, (upload_id.0, index.0), body).await
    }

    /// Show an upload
    ///
    /// Which parts are there and which are missing; and the file, once it is one.
    #[oai(path = "/file/mpupload/status", method = "get", operation_id = "file_mpupload_status")]
    async fn status(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        /// The answer shows at least what the log held at this position.
        #[oai(name = "Cairn-Min-Position")]
        position: MinPosition,
        /// The upload.
        upload_id: Query<Uuid>,
    ) -> Result<StatusAnswer, StatusProblem> {
        app.reach(&caller, position.0).await?;
        Ok(StatusAnswer::Found(Json(show(&app.drive, &caller, UploadId(upload_id.0)).await?)))
    }

    /// List open uploads
    ///
    /// The caller's own, newest first, to go on with them from any device.
    #[oai(path = "/file/mpupload/query", method = "get", operation_id = "file_mpupload_query")]
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
    ) -> Result<UploadsAnswer, UploadsProblem> {
        let tables = app.reach(&caller, position.0).await?;
        let page = page_of(limit.0, cursor.0.as_deref())?;
        Ok(UploadsAnswer::Found(Json(list(&app.drive, &*tables, &caller, page).await?)))
    }

    /// Complete an upload
    ///
    /// Puts the parts together, without copying them, and makes the file. Once it is there, asking again gives the same file. When the
    /// bytes are not the declared ones, the upload ends.
    #[oai(path = "/file/mpupload/complete", method = "post", operation_id = "file_mpupload_complete")]
    async fn complete(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        request: &Request,
        /// A retry under the same key returns the first answer and changes nothing.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<UploadBody>,
    ) -> Result<CompleteAnswer, CompleteProblem> {
        let ask = app.ask(request, Some(&caller), &key)?.about("POST /file/mpupload/complete", &body.0);
        let (drive, asked, id) = (Arc::clone(&app.drive), ask.request.clone(), UploadId(body.0.upload_id));
        let work = async move {
            let completed = complete(&drive, &asked, &caller, id).await?;
            let status = if completed.new { 201 } else { 200 };
            let body = document_of(&drive, completed.id, &completed.file).await?;
            Ok::<_, CompleteProblem>(Done { status, position: Some(completed.position), body })
        };
        let done = perform(&app, ask, work).await?;
        let (body, position) = (Json(done.body), done.position.map(|position| position.0));
        Ok(if done.status == 201 { CompleteAnswer::Merged(body, position) } else { CompleteAnswer::MergedBefore(body, position) })
    }

    /// Cancel an upload
    ///
    /// Ends it without a file and gives its space back. One that has ended without a file stays so.
    #[oai(path = "/file/mpupload/cancel", method = "post", operation_id = "file_mpupload_cancel")]
    async fn cancel(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        request: &Request,
        /// A retry under the same key returns the first answer and changes nothing.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<UploadBody>,
    ) -> Result<CancelAnswer, CancelProblem> {
        let ask = app.ask(request, Some(&caller), &key)?.about("POST /file/mpupload/cancel", &body.0);
        let (drive, asked, id) = (Arc::clone(&app.drive), ask.request.clone(), UploadId(body.0.upload_id));
        let work = async move {
            let position = cancel(&drive, &asked, &caller, id).await?;
            Ok::<_, CancelProblem>(Done { status: 204, position: Some(position), body: () })
        };
        let done = perform(&app, ask, work).await?;
        Ok(CancelAnswer::Cancelled(done.position.map(|position| position.0)))
    }
}

async fn receive(
    app: &Arc<App>,
    caller: cairn_commands::Caller,
    request: &Request,
    key: &IdempotencyKey,
    (upload, index): (Uuid, u64),
    body: PartBody,
) -> Result<PartAnswer, PartProblem> {
    let ask = app.ask(request, Some(&caller), key)?.about("/file/mpupload/uppart", &(upload, index));
    let coming = Coming { upload, index, sha256: announced_sha256(request.headers())? };
    let done = part(app, ask, caller, coming, body).await?;
    Ok(PartAnswer::Received(Json(done.body), done.position.map(|position| position.0)))
}

fn wish(body: &InitBody) -> Result<StartUpload, Problem> {
    let mut fields = Fields::default();
    let name = fields.read("name", &body.name);
    let sha256 = fields.read_optional("sha256", body.sha256.as_deref());
    let sha1 = fields.read_optional("sha1", body.sha1.as_deref());
    let ((name, sha256), sha1) = fields.finish(name.zip(sha256).zip(sha1))?;
    let (folder, replaces) = (body.folder_id.map(FolderId), body.replace_id.map(FileId));
    Ok(StartUpload { name, folder, size: body.size, sha256, sha1, part_bytes: body.part_size, replaces })
}
