//! Whole files: uploading, finding, downloading, renaming, moving, the trash, and what happened to them.
#![expect(
    clippy::too_many_arguments,
    reason = "each parameter of an operation is an argument, so that the OpenAPI document shows it"
)]

mod download;
mod history;
mod link;
mod problems;
mod query;
mod types;
mod update;
mod upload;
mod versions;

use std::sync::Arc;

use cairn_commands::file::{Deleted, delete, restore, restore_version};
use cairn_domain::FileId;
use poem::Request;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Query};
use poem_openapi::payload::Json;
use uuid::Uuid;

use self::download::{Asked, Signature, Wanted, download, own_record};
use self::history::{HistoryPage, history};
use self::problems::{
    DownloadProblem, LinkProblem, LookProblem, PeekProblem, QueryProblem, TrashProblem, UpdateProblem, UploadProblem,
    VersionProblem,
};
use self::query::{Wish, list};
use self::types::{
    ChangeAnswer, DeleteAnswer, DeleteBody, HistoryAnswer, LinkAnswer, LinkBody, MetaAnswer, QueryAnswer, RestoreBody,
    RestoreVersionBody, UpdateBody, UploadAnswer, VersionsAnswer,
};
use super::Tag;
use super::common::{Downloaded, FileDocument, FileStatus, Peeked, Visitor, document_of, perform};
use crate::app::App;
use crate::ask::{Done, IdempotencyKey, MinPosition};
use crate::auth::SignedIn;
use crate::http::body::UploadBody;
use crate::http::json::JsonBody;

pub(super) use self::download::{boundary, probable_store, source};
pub(super) use self::problems::{no_such_folder, not_replaced, too_large};
pub(super) use self::upload::announced_sha256;

/// Whole files.
pub struct FileApi;

#[OpenApi(tag = "Tag::File")]
impl FileApi {
    /// Upload a file
    ///
    /// The body is a form with the part `file`, before which a part `folder_id` may stand; or, with any other media type, the file
    /// itself. The answer comes when the file is durable; until then nothing of it can be seen. The same content is stored only once.
    #[oai(path = "/file/upload", method = "post", operation_id = "file_upload")]
    async fn upload(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        request: &Request,
        /// A retry under the same key returns the first answer and changes nothing.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        /// What the file is called, 1 to 255 bytes; for a body that is no form.
        name: Query<Option<String>>,
        /// The folder for the file, for a body that is no form; absent or empty is the top.
        folder_id: Query<Option<String>>,
        /// The file whose new version it is, for a body that is no form. That keeps its name and place.
        replace_id: Query<Option<String>>,
        /// `sha-256=:<base64>:` of the file (RFC 9530); other bytes are refused.
        #[oai(name = "Content-Digest")]
        _content_digest: Header<Option<String>>,
        /// `sha-256=:<base64>:` of the file (RFC 9530); other bytes are refused.
        #[oai(name = "Repr-Digest")]
        _repr_digest: Header<Option<String>>,
        body: UploadBody,
    ) -> Result<UploadAnswer, UploadProblem> {
        let asking = app.ask(request, Some(&caller), &key)?;
        let sha256 = announced_sha256(request.headers())?;
        let head = upload::Head { name: name.0, folder_id: folder_id.0, replace_id: replace_id.0, sha256 };
        let done = upload::upload(&app, asking, caller, head, body).await?;
        Ok(UploadAnswer::Created(Json(done.body), done.position.map(|position| position.0)))
    }

    /// List files
    ///
    /// The caller's files, newest first. All conditions that are given must hold.
    #[oai(path = "/file/query", method = "get", operation_id = "file_query")]
    async fn query(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        /// The answer shows at least what the log held at this position.
        #[oai(name = "Cairn-Min-Position")]
        position: MinPosition,
        /// In this folder; empty is the top, absent is anywhere.
        folder_id: Query<Option<String>>,
        /// With this in their name, in whatever case of the letters A to Z.
        name: Query<Option<String>>,
        /// With this content, by its SHA-256 or SHA-1 in hex.
        filehash: Query<Option<String>>,
        /// In use or in the trash; in use when absent.
        status: Query<Option<FileStatus>>,
        /// Rows of a page; 100 when absent.
        #[oai(validator(minimum(value = "1"), maximum(value = "1000")))]
        limit: Query<Option<u64>>,
        /// The `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<QueryAnswer, QueryProblem> {
        let tables = app.reach(&caller, position.0).await?;
        let wish = Wish { folder_id: folder_id.0, name: name.0, filehash: filehash.0, status: status.0 };
        let list = list(&app, &*tables, &caller, &wish, limit.0, cursor.0.as_deref()).await?;
        Ok(QueryAnswer::Found(Json(list)))
    }

    /// Show a file
    ///
    /// By its id, or by its content: then it is the caller's newest file with that content, one in use before one in the trash.
    #[oai(path = "/file/meta", method = "get", operation_id = "file_meta")]
    async fn meta(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        /// The answer shows at least what the log held at this position.
        #[oai(name = "Cairn-Min-Position")]
        position: MinPosition,
        /// The file; or `filehash` instead.
        id: Query<Option<Uuid>>,
        /// The content's SHA-256 or SHA-1 in hex; or `id` instead.
        filehash: Query<Option<String>>,
    ) -> Result<MetaAnswer, LookProblem> {
        let tables = app.reach(&caller, position.0).await?;
        let wanted = Wanted::read(id.0, filehash.0.as_deref())?;
        let record = own_record(&*tables, &caller, wanted).await?.ok_or(LookProblem::not_found())?;
        Ok(MetaAnswer::Found(Json(FileDocument::of_record(&app.drive, record))))
    }

    /// Download a file
    ///
    /// The caller's own with a token, or any for which `expires` and `signature` come from a link. A file in the trash can be
    /// downloaded with a token only.
    #[oai(path = "/file/download", method = "get", operation_id = "file_download")]
    async fn download(
        &self,
        app: Data<&Arc<App>>,
        Visitor(caller): Visitor,
        request: &Request,
        /// The answer shows at least what the log held at this position.
        #[oai(name = "Cairn-Min-Position")]
        position: MinPosition,
        /// The file; or `filehash` instead.
        id: Query<Option<Uuid>>,
        /// The content's SHA-256 or SHA-1 in hex; or `id` instead.
        filehash: Query<Option<String>>,
        /// Which version of the file; the one in use when absent.
        version: Query<Option<u64>>,
        /// When the link ends, in seconds since 1970.
        expires: Query<Option<i64>>,
        /// What makes the link valid, in hex.
        signature: Query<Option<String>>,
        /// One range of bytes or several (RFC 9110 section 14), at most 32.
        #[oai(name = "Range")]
        _range: Header<Option<String>>,
        /// The range counts only as long as this is the content's `ETag`.
        #[oai(name = "If-Range")]
        _if_range: Header<Option<String>>,
        /// 304 when the content's `ETag` is among these.
        #[oai(name = "If-None-Match")]
        _if_none_match: Header<Option<String>>,
    ) -> Result<Downloaded, DownloadProblem> {
        let signature = Signature { expires: expires.0, signature: signature.0 };
        let asked = Asked { id: id.0, filehash: filehash.0, version: version.0, signature };
        Ok(Downloaded(download(&app, request, caller, position, asked).await?))
    }

    /// Look at a download
    ///
    /// As the download, without the bytes.
    #[oai(path = "/file/download", method = "head", operation_id = "file_download_head")]
    async fn download_head(
        &self,
        app: Data<&Arc<App>>,
        Visitor(caller): Visitor,
        request: &Request,
        /// The answer shows at least what the log held at this position.
        #[oai(name = "Cairn-Min-Position")]
        position: MinPosition,
        /// The file; or `filehash` instead.
        id: Query<Option<Uuid>>,
        /// The content's SHA-256 or SHA-1 in hex; or `id` instead.
        filehash: Query<Option<String>>,
        /// Which version of the file; the one in use when absent.
        version: Query<Option<u64>>,
        /// When the link ends, in seconds since 1970.
        expires: Query<Option<i64>>,
        /// What makes the link valid, in hex.
        signature: Query<Option<String>>,
        /// 304 when the content's `ETag` is among these.
        #[oai(name = "If-None-Match")]
        _if_none_match: Header<Option<String>>,
    ) -> Result<Peeked, PeekProblem> {
        let signature = Signature { expires: expires.0, signature: signature.0 };
        let asked = Asked { id: id.0, filehash: filehash.0, version: version.0, signature };
        Ok(Peeked(download(&app, request, caller, position, asked).await?))
    }

    /// Make a download link
    ///
    /// Whoever holds the link may download the file without a token until it ends, or until the file goes to the trash. A link that leads to
    /// the object store, where an operator has set that up, works until it ends in any case.
    #[oai(path = "/file/downloadurl", method = "post", operation_id = "file_downloadurl")]
    async fn download_url(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        request: &Request,
        /// A retry under the same key returns the first answer and changes nothing.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<LinkBody>,
    ) -> Result<LinkAnswer, LinkProblem> {
        let ask = app.ask(request, Some(&caller), &key)?.about("POST /file/downloadurl", &body.0);
        let work = link::make(Arc::clone(&app), caller, body.0.clone());
        let done = perform(&app, ask, work).await?;
        Ok(LinkAnswer::Signed(Json(done.body)))
    }

    /// Rename or move a file
    ///
    /// With `If-Match` only if the file still has the version that the caller has seen.
    #[oai(path = "/file/update", method = "post", operation_id = "file_update")]
    async fn update(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        request: &Request,
        /// A retry under the same key returns the first answer and changes nothing.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        /// `"<version>"`, with the quotes.
        #[oai(name = "If-Match")]
        _if_match: Header<Option<String>>,
        body: JsonBody<UpdateBody>,
    ) -> Result<ChangeAnswer, UpdateProblem> {
        let change = update::Change::read(request.headers(), &body.0)?;
        let ask = app.ask(request, Some(&caller), &key)?.about("POST /file/update", &change.fingerprint());
        let work = change.make(Arc::clone(&app), ask.request.clone(), caller);
        let done = perform(&app, ask, work).await?;
        Ok(ChangeAnswer::Changed(Json(done.body), done.position.map(|position| position.0)))
    }

    /// Delete a file
    ///
    /// Puts it into the trash, where it stays until it is restored or purged; with `purge` removes it for good. Other files with the
    /// same content stay as they are.
    #[oai(path = "/file/delete", method = "post", operation_id = "file_delete")]
    async fn delete(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        request: &Request,
        /// A retry under the same key returns the first answer and changes nothing.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<DeleteBody>,
    ) -> Result<DeleteAnswer, TrashProblem> {
        let ask = app.ask(request, Some(&caller), &key)?.about("POST /file/delete", &body.0);
        let (drive, asked) = (Arc::clone(&app.drive), ask.request.clone());
        let (id, purge) = (FileId(body.0.id), body.0.purge.unwrap_or_default());
        let work = async move {
            Ok::<_, TrashProblem>(match delete(&drive, &asked, &caller, id, purge).await? {
                Deleted::Trashed(file) => {
                    let body = Some(document_of(&drive, id, &file).await?);
                    Done { status: 200, position: Some(file.position), body }
                }
                Deleted::Purged(position) => Done { status: 204, position: Some(position), body: None },
            })
        };
        let done = perform(&app, ask, work).await?;
        let position = done.position.map(|position| position.0);
        Ok(match done.body {
            Some(file) => DeleteAnswer::Trashed(Json(file), position),
            None => DeleteAnswer::Purged(position),
        })
    }

    /// Restore a file
    ///
    /// Takes it out of the trash. One that is not there stays as it is.
    #[oai(path = "/file/restore", method = "post", operation_id = "file_restore")]
    async fn restore(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        request: &Request,
        /// A retry under the same key returns the first answer and changes nothing.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<RestoreBody>,
    ) -> Result<ChangeAnswer, TrashProblem> {
        let ask = app.ask(request, Some(&caller), &key)?.about("POST /file/restore", &body.0);
        let (drive, asked, id) = (Arc::clone(&app.drive), ask.request.clone(), FileId(body.0.id));
        let work = async move {
            let file = restore(&drive, &asked, &caller, id).await?;
            let body = document_of(&drive, id, &file).await?;
            Ok::<_, TrashProblem>(Done { status: 200, position: Some(file.position), body })
        };
        let done = perform(&app, ask, work).await?;
        Ok(ChangeAnswer::Changed(Json(done.body), done.position.map(|position| position.0)))
    }

    /// List the versions of a file
    ///
    /// Every content that it keeps, the newest first. Uploading over a file (`replace_id`) makes another; each counts as what it occupies.
    #[oai(path = "/file/versions", method = "get", operation_id = "file_versions")]
    async fn versions(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        /// The file.
        id: Query<Uuid>,
    ) -> Result<VersionsAnswer, LookProblem> {
        Ok(VersionsAnswer::Found(Json(versions::list(&app.drive, &caller, FileId(id.0)).await?)))
    }

    /// Restore a version of a file
    ///
    /// Gives the file that content again. The others are kept.
    #[oai(path = "/file/versions/restore", method = "post", operation_id = "file_versions_restore")]
    async fn restore_version(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        request: &Request,
        /// A retry under the same key returns the first answer and changes nothing.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<RestoreVersionBody>,
    ) -> Result<ChangeAnswer, VersionProblem> {
        let ask = app.ask(request, Some(&caller), &key)?.about("POST /file/versions/restore", &body.0);
        let (drive, asked) = (Arc::clone(&app.drive), ask.request.clone());
        let (id, number) = (FileId(body.0.id), body.0.version);
        let work = async move {
            let file = restore_version(&drive, &asked, &caller, id, number).await?;
            let body = document_of(&drive, id, &file).await?;
            Ok::<_, VersionProblem>(Done { status: 200, position: Some(file.position), body })
        };
        let done = perform(&app, ask, work).await?;
        Ok(ChangeAnswer::Changed(Json(done.body), done.position.map(|position| position.0)))
    }

    /// Show what happened to a file
    ///
    /// Every event of it, oldest first: who did what, and when; and how its content has moved from store to store since. A page may have fewer
    /// rows than `limit`, even none, although `next_cursor` leads to more.
    #[oai(path = "/file/history", method = "get", operation_id = "file_history")]
    async fn history(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        /// The answer shows at least what the log held at this position.
        #[oai(name = "Cairn-Min-Position")]
        position: MinPosition,
        /// The file.
        id: Query<Uuid>,
        /// Rows of a page; 100 when absent.
        #[oai(validator(minimum(value = "1"), maximum(value = "1000")))]
        limit: Query<Option<u64>>,
        /// The `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<HistoryAnswer, LookProblem> {
        app.reach(&caller, position.0).await?;
        let page = HistoryPage::read(limit.0, cursor.0.as_deref())?;
        let list = history(&app.drive, &caller, FileId(id.0), page).await?;
        Ok(HistoryAnswer::Found(Json(list)))
    }
}
