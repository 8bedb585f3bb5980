//! Shares: giving others a way to a file, and using the ways that others gave.
#![expect(
    clippy::too_many_arguments,
    reason = "each parameter of an operation is an argument, so that the OpenAPI document shows it"
)]

mod bodies;
mod download;
mod history;
mod problems;
mod types;

use std::sync::Arc;

use cairn_commands::share::{self, new_token};
use cairn_domain::{FileId, ShareId};
use cairn_projections::queries::shares::shares;
use poem::Request;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Query};
use poem_openapi::payload::Json;
use uuid::Uuid;

use self::bodies::{CreateBody, RevokeBody, SaveBody, UpdateBody};
pub(crate) use self::download::leads_nowhere;
use self::download::{download, info};
use self::history::{history, version_of};
use self::problems::{
    CreateProblem, DownloadProblem, HistoryProblem, InfoProblem, PeekProblem, QueryProblem, RevokeProblem, SaveProblem,
    UpdateProblem,
};
use self::types::{
    CreateAnswer, CreatedDocument, HistoryAnswer, InfoAnswer, QueryAnswer, RevokeAnswer, SaveAnswer, ShareDocument, ShareList,
    UpdateAnswer,
};
use super::Tag;
use super::common::{Downloaded, Peeked, Visitor, document_of, page_of, perform, print_of};
use crate::app::App;
use crate::ask::{Done, IdempotencyKey, MinPosition};
use crate::auth::SignedIn;
use crate::http::json::JsonBody;
use crate::http::problem::Problem;

/// Shares.
pub struct ShareApi;

#[OpenApi(tag = "Tag::Share")]
impl ShareApi {
    /// Share a file
    ///
    /// Gives others a way to one of the caller's files, whatever it is called and wherever it stands later. The token is shown only here; a retry
    /// under the same `Idempotency-Key` shows the same one.
    #[oai(path = "/share/create", method = "post", operation_id = "share_create")]
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
        let wish = body.0.wish()?;
        let asking = app.ask(request, Some(&caller), &key)?;
        let print = print_of(&app, &asking, body.0.password.as_deref()).await?;
        let same = (body.0.file_id, body.0.expires_at, body.0.max_downloads, print);
        let ask = asking.about("POST /share/create", &same);
        let (drive, asked) = (Arc::clone(&app.drive), ask.request.clone());
        // The token is not part of what is remembered: it is made again.
        let token = new_token(&drive, &asked, &caller);
        let work = async move {
            let made = share::create(&drive, &asked, &caller, token, wish).await?;
            let position = Some(made.position);
            Ok::<_, CreateProblem>(Done { status: 201, position, body: ShareDocument::of_changed(&drive, made) })
        };
        let done = perform(&app, ask, work).await?;
        let url = format!("{}/s/{token}", app.settings.public_url);
        let body = CreatedDocument { share: done.body, token: token.to_string(), url };
        Ok(CreateAnswer::Created(Json(body), done.position.map(|position| position.0)))
    }

    /// List shares
    ///
    /// The caller's shares, newest first, also those that are over.
    #[oai(path = "/share/query", method = "get", operation_id = "share_query")]
    async fn query(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        /// The answer shows at least what the log held at this position.
        #[oai(name = "Cairn-Min-Position")]
        position: MinPosition,
        /// Of this file; of any when absent.
        file_id: Query<Option<Uuid>>,
        /// Rows of a page; 100 when absent.
        #[oai(validator(minimum(value = "1"), maximum(value = "1000")))]
        limit: Query<Option<u64>>,
        /// The `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<QueryAnswer, QueryProblem> {
        let tables = app.reach(&caller, position.0).await?;
        let of = page_of(limit.0, cursor.0.as_deref())?;
        let page = shares(&*tables, caller.account, file_id.0.map(FileId), of).await.map_err(Problem::from)?;
        let items = page.items.into_iter().map(|record| ShareDocument::of_record(&app.drive, record)).collect();
        Ok(QueryAnswer::Found(Json(ShareList { items, next_cursor: page.next.map(|cursor| cursor.to_string()) })))
    }

    /// Change a share
    ///
    /// What is absent stays, what is null is cleared. One that has expired or is used up can be opened again; one that was revoked can't.
    #[oai(path = "/share/update", method = "post", operation_id = "share_update")]
    async fn update(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        request: &Request,
        /// A retry under the same key returns the first answer and changes nothing.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<UpdateBody>,
    ) -> Result<UpdateAnswer, UpdateProblem> {
        let wish = body.0.wish()?;
        let asking = app.ask(request, Some(&caller), &key)?;
        let print = print_of(&app, &asking, body.0.password.value().map(String::as_str)).await?;
        let ask = asking.about("POST /share/update", &(body.0.without_password(), print));
        let (drive, asked) = (Arc::clone(&app.drive), ask.request.clone());
        let work = async move {
            let changed = share::update(&drive, &asked, &caller, wish).await?;
            let position = Some(changed.position);
            Ok::<_, UpdateProblem>(Done { status: 200, position, body: ShareDocument::of_changed(&drive, changed) })
        };
        let done = perform(&app, ask, work).await?;
        Ok(UpdateAnswer::Changed(Json(done.body), done.position.map(|position| position.0)))
    }

    /// Revoke a share
    ///
    /// Its token is dead when the answer comes, and never lives again. What others have saved of it stays theirs.
    #[oai(path = "/share/revoke", method = "post", operation_id = "share_revoke")]
    async fn revoke(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        request: &Request,
        /// A retry under the same key returns the first answer and changes nothing.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<RevokeBody>,
    ) -> Result<RevokeAnswer, RevokeProblem> {
        let ask = app.ask(request, Some(&caller), &key)?.about("POST /share/revoke", &body.0);
        let (drive, asked, id) = (Arc::clone(&app.drive), ask.request.clone(), ShareId(body.0.id));
        let work = async move {
            let position = share::revoke(&drive, &asked, &caller, id).await?;
            Ok::<_, RevokeProblem>(Done { status: 204, position: Some(position), body: () })
        };
        let done = perform(&app, ask, work).await?;
        Ok(RevokeAnswer::Revoked(done.position.map(|position| position.0)))
    }

    /// Show what happened to a share
    ///
    /// Every event of it, oldest first: who downloaded or saved the file (by name, if it was somebody with an account), when, and from which address.
    #[oai(path = "/share/history", method = "get", operation_id = "share_history")]
    async fn history(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        /// The share.
        id: Query<Uuid>,
        /// Rows of a page; 100 when absent.
        #[oai(validator(minimum(value = "1"), maximum(value = "1000")))]
        limit: Query<Option<u64>>,
        /// The `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<HistoryAnswer, HistoryProblem> {
        let after = version_of(cursor.0.as_deref())?;
        Ok(HistoryAnswer::Found(Json(history(&app, &caller, ShareId(id.0), after, limit.0).await?)))
    }

    /// Look at what was shared
    ///
    /// For whoever holds the token, without an account. Unknown, revoked, expired and used up tokens are answered alike.
    #[oai(path = "/share/info", method = "get", operation_id = "share_info")]
    async fn info(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        /// What the owner gave away.
        token: Query<String>,
    ) -> Result<InfoAnswer, InfoProblem> {
        app.pace_stranger(request).await?;
        Ok(InfoAnswer::Found(Json(info(&app.drive, &token.0).await?)))
    }

    /// Download what was shared
    ///
    /// For whoever holds the token, without an account. A download counts when its bytes begin to flow; ranges, and what broke off, go on with the
    /// download that counted, for the same account or address, for a day.
    #[oai(path = "/share/download", method = "get", operation_id = "share_download")]
    async fn download(
        &self,
        app: Data<&Arc<App>>,
        Visitor(caller): Visitor,
        request: &Request,
        /// What the owner gave away.
        token: Query<String>,
        /// The share's password, as UTF-8, if it asks for one.
        #[oai(name = "Share-Password")]
        _password: Header<Option<String>>,
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
        Ok(Downloaded(download(&app, request, caller.as_ref(), &token.0).await?))
    }

    /// Look at a download of what was shared
    ///
    /// As the download, without the bytes; it does not count.
    #[oai(path = "/share/download", method = "head", operation_id = "share_download_head")]
    async fn download_head(
        &self,
        app: Data<&Arc<App>>,
        Visitor(caller): Visitor,
        request: &Request,
        /// What the owner gave away.
        token: Query<String>,
        /// The share's password, as UTF-8, if it asks for one.
        #[oai(name = "Share-Password")]
        _password: Header<Option<String>>,
        /// 304 when the content's `ETag` is among these.
        #[oai(name = "If-None-Match")]
        _if_none_match: Header<Option<String>>,
    ) -> Result<Peeked, PeekProblem> {
        Ok(Peeked(download(&app, request, caller.as_ref(), &token.0).await?))
    }

    /// Save what was shared
    ///
    /// Puts the file into the caller's own drive without copying a byte. It stays there whatever becomes of the share. It does not count as a
    /// download.
    #[oai(path = "/share/save", method = "post", operation_id = "share_save")]
    async fn save(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        request: &Request,
        /// A retry under the same key returns the first answer and changes nothing.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<SaveBody>,
    ) -> Result<SaveAnswer, SaveProblem> {
        let wish = body.0.wish()?;
        let asking = app.ask(request, Some(&caller), &key)?;
        let print = print_of(&app, &asking, body.0.password.as_deref()).await?;
        let ask = asking.about("POST /share/save", &(&body.0.token, body.0.folder_id, print));
        let (drive, asked) = (Arc::clone(&app.drive), ask.request.clone());
        let work = async move {
            let (id, file) = share::save(&drive, &asked, &caller, wish).await?;
            let body = document_of(&drive, id, &file).await?;
            Ok::<_, SaveProblem>(Done { status: 201, position: Some(file.position), body })
        };
        let done = perform(&app, ask, work).await?;
        Ok(SaveAnswer::Saved(Json(done.body), done.position.map(|position| position.0)))
    }
}
