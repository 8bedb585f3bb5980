//! Folders: making, listing, renaming, moving, the trash.
#![expect(
    clippy::too_many_arguments,
    reason = "each parameter of an operation is an argument, so that the OpenAPI document shows it"
)]

mod problems;
mod types;

use std::sync::Arc;

use cairn_commands::folder::{Changed, CreateWish, Deleted, FolderError, UpdateWish, create, delete, restore, update};
use cairn_domain::FolderId;
use cairn_projections::queries::folders::{FolderFilter, folders};
use poem::Request;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Query;
use poem_openapi::payload::Json;

use self::problems::{CreateProblem, QueryProblem, TrashProblem, UpdateProblem};
use self::types::{
    ChangeAnswer, CreateAnswer, CreateBody, DeleteAnswer, DeleteBody, FolderDocument, FolderList, QueryAnswer, RestoreBody,
    UpdateBody,
};
use super::Tag;
use super::common::{Fields, FileStatus, optional_folder, page_of, perform};
use crate::app::App;
use crate::ask::{Done, IdempotencyKey, MinPosition};
use crate::auth::SignedIn;
use crate::http::json::JsonBody;
use crate::http::problem::Problem;

/// Folders.
pub struct FolderApi;

#[OpenApi(tag = "Tag::Folder")]
impl FolderApi {
    /// Make a folder
    ///
    /// At the top, or in another folder that is in use. A name may repeat.
    #[oai(path = "/folder/create", method = "post", operation_id = "folder_create")]
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
        let mut fields = Fields::default();
        let name = fields.read("name", &body.0.name);
        let wish = CreateWish { name: fields.finish(name)?, parent: body.0.parent_id.map(FolderId) };
        let ask = app.ask(request, Some(&caller), &key)?.about("POST /folder/create", &(&wish.name, wish.parent));
        let (drive, asked) = (Arc::clone(&app.drive), ask.request.clone());
        let work = async move { done::<CreateProblem>(201, create(&drive, &asked, &caller, wish).await) };
        let done = perform(&app, ask, work).await?;
        Ok(CreateAnswer::Created(Json(done.body), done.position.map(|position| position.0)))
    }

    /// List folders
    ///
    /// The caller's folders, newest first. All conditions that are given must hold.
    #[oai(path = "/folder/query", method = "get", operation_id = "folder_query")]
    async fn query(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        /// The answer shows at least what the log held at this position.
        #[oai(name = "Cairn-Min-Position")]
        position: MinPosition,
        /// In this folder; empty is the top, absent is anywhere.
        parent_id: Query<Option<String>>,
        /// In use or in the trash; in use when absent.
        status: Query<Option<FileStatus>>,
        /// Rows of a page; 100 when absent.
        #[oai(validator(minimum(value = "1"), maximum(value = "1000")))]
        limit: Query<Option<u64>>,
        /// The `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<QueryAnswer, QueryProblem> {
        let tables = app.reach(&caller, position.0).await?;
        let mut fields = Fields::default();
        let parent = parent_id.0.as_deref().map(optional_folder).transpose();
        let parent = parent.map_or_else(|wrong| fields.refuse("parent_id", wrong), Some);
        let filter = FolderFilter { parent: fields.finish(parent)?, status: status.0.map(Into::into).unwrap_or_default() };
        let page = folders(&*tables, caller.account, filter, page_of(limit.0, cursor.0.as_deref())?).await;
        let page = page.map_err(Problem::from)?;
        let items = page.items.into_iter().map(FolderDocument::of_record).collect();
        Ok(QueryAnswer::Found(Json(FolderList { items, next_cursor: page.next.map(|cursor| cursor.to_string()) })))
    }

    /// Rename or move a folder
    ///
    /// What stands in it goes along. A folder can't be moved into itself, nor into one below it.
    #[oai(path = "/folder/update", method = "post", operation_id = "folder_update")]
    async fn update(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        request: &Request,
        /// A retry under the same key returns the first answer and changes nothing.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<UpdateBody>,
    ) -> Result<ChangeAnswer, UpdateProblem> {
        let mut fields = Fields::default();
        let name = fields.read_optional("name", body.0.name.as_deref());
        let parent = Option::<Option<_>>::from(body.0.parent_id).map(|parent| parent.map(FolderId));
        let wish = UpdateWish { id: FolderId(body.0.id), name: fields.finish(name)?, parent };
        let same = (wish.id, &wish.name, wish.parent.is_some(), wish.parent);
        let ask = app.ask(request, Some(&caller), &key)?.about("POST /folder/update", &same);
        let (drive, asked) = (Arc::clone(&app.drive), ask.request.clone());
        let work = async move { done::<UpdateProblem>(200, update(&drive, &asked, &caller, wish).await) };
        let done = perform(&app, ask, work).await?;
        Ok(ChangeAnswer::Changed(Json(done.body), done.position.map(|position| position.0)))
    }

    /// Delete a folder
    ///
    /// Puts it into the trash with everything in it, until it is restored or purged; with `purge` removes all of that for good.
    #[oai(path = "/folder/delete", method = "post", operation_id = "folder_delete")]
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
        let ask = app.ask(request, Some(&caller), &key)?.about("POST /folder/delete", &body.0);
        let (drive, asked) = (Arc::clone(&app.drive), ask.request.clone());
        let (id, purge) = (FolderId(body.0.id), body.0.purge.unwrap_or_default());
        let work = async move {
            Ok::<_, TrashProblem>(match delete(&drive, &asked, &caller, id, purge).await? {
                Deleted::Trashed(folder) => {
                    Done { status: 200, position: Some(folder.position), body: Some(FolderDocument::of_changed(*folder)) }
                }
                Deleted::Purged(position) => Done { status: 204, position: Some(position), body: None },
            })
        };
        let done = perform(&app, ask, work).await?;
        let position = done.position.map(|position| position.0);
        Ok(match done.body {
            Some(folder) => DeleteAnswer::Trashed(Json(folder), position),
            None => DeleteAnswer::Purged(position),
        })
    }

    /// Restore a folder
    ///
    /// Takes it out of the trash, with exactly what went along with it. When the folder that it stood in is itself in the trash, it comes to
    /// the top.
    #[oai(path = "/folder/restore", method = "post", operation_id = "folder_restore")]
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
        let ask = app.ask(request, Some(&caller), &key)?.about("POST /folder/restore", &body.0);
        let (drive, asked, id) = (Arc::clone(&app.drive), ask.request.clone(), FolderId(body.0.id));
        let work = async move { done::<TrashProblem>(200, restore(&drive, &asked, &caller, id).await) };
        let done = perform(&app, ask, work).await?;
        Ok(ChangeAnswer::Changed(Json(done.body), done.position.map(|position| position.0)))
    }
}

fn done<P: From<FolderError>>(status: u16, changed: Result<Changed, FolderError>) -> Result<Done<FolderDocument>, P> {
    let changed = changed?;
    Ok(Done { status, position: Some(changed.position), body: FolderDocument::of_changed(changed) })
}
