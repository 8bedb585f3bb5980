//! What operators may see and do.

mod events;
mod problems;
mod progress;
mod transfers;
mod types;

use std::sync::Arc;

use cairn_commands::account::{AccountError, change_quota, find_account};
use cairn_commands::chosen::Actor;
use cairn_domain::{AccountId, TransferId};
use cairn_projections::runner::{Begin, RebuildError, Wish};
use poem::Request;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use tokio_util::sync::CancellationToken;

use self::events::{EventList, EventsAnswer, EventsQuery, Filters};
use self::problems::{EventsProblem, ProjectionsProblem, QuotaProblem, RebuildProblem, TransferRetryProblem, TransfersProblem};
use self::progress::{ProgressAnswer, ProgressEvents};
use self::transfers::{TransferRetryAnswer, TransferRetryBody, TransferState, TransfersAnswer, TransfersWish, try_again};
use self::types::{
    Projection, ProjectionList, ProjectionsAnswer, Quota, QuotaAnswer, QuotaBody, RebuildAnswer, RebuildBody, Rebuilt, Whose,
};
use super::Tag;
use super::common::{Fields, perform};
use crate::app::App;
use crate::ask::{Done, IdempotencyKey, MinPosition};
use crate::auth::Operator;
use crate::http::json::JsonBody;
use crate::http::problem::{Explain, Problem, common};

/// What operators may see and do.
pub struct AdminApi;

#[OpenApi(tag = "Tag::Admin")]
impl AdminApi {
    /// How far the projections are
    ///
    /// The list has one page. A lag alone says little: `alive_at` tells whether anybody looks at the log.
    #[oai(path = "/admin/projections", method = "get", operation_id = "admin_projections")]
    async fn projections(&self, app: Data<&Arc<App>>, _operator: Operator) -> Result<ProjectionsAnswer, ProjectionsProblem> {
        let status = app.runner.status().await.map_err(|error| Problem::of(common::unavailable).because(error))?;
        let health = app.runner.health();
        let items = status.into_iter().map(|status| Projection::new(status, &health)).collect();
        Ok(ProjectionsAnswer::Found(Json(ProjectionList { items, next_cursor: None })))
    }

    /// The log
    ///
    /// Events in the order in which they happened. Hashes of passwords and tokens are left out. All conditions that are given must hold; with them a page
    /// may hold fewer events than `limit`, or none, and still have a next one. A parameter that the list does not have is refused.
    #[oai(path = "/admin/events", method = "get", operation_id = "admin_events")]
    #[expect(clippy::too_many_arguments, reason = "each parameter is an argument, so that the OpenAPI document shows it")]
    async fn events(
        &self,
        app: Data<&Arc<App>>,
        _operator: Operator,
        request: &Request,
        /// Only events behind this position.
        after: Query<Option<u64>>,
        /// Only events of streams of this category, such as `file`.
        category: Query<Option<String>>,
        /// Only events of this stream, such as `file-0b7d3c52-8f7e-4a55-9f0e-2f8f6c1d9a10`.
        stream: Query<Option<String>>,
        /// Only events of this type, such as `FileAdded`; may be given more than once.
        #[oai(name = "type")]
        types: Query<Option<Vec<String>>>,
        /// Only what this person asked for: the id of an account or a user name; `system` for what nobody did.
        actor: Query<Option<String>>,
        /// Only events from here on: a position, a time as in RFC 3339, or a day (UTC).
        from: Query<Option<String>>,
        /// Only events up to here, itself included: a position, a time as in RFC 3339, or a day (UTC).
        until: Query<Option<String>>,
        /// How many at most: 1 to 1000, 100 when absent.
        #[oai(validator(minimum(value = "1"), maximum(value = "1000")))]
        limit: Query<Option<u64>>,
        /// Where the list goes on: the `next_cursor` of the page before. It takes the place of `after`.
        cursor: Query<Option<String>>,
    ) -> Result<EventsAnswer, EventsProblem> {
        refuse_unknown(request, &EVENTS_PARAMETERS)?;
        let who = who(&app, actor.0.as_deref()).await?;
        let types = types.0.unwrap_or_default();
        let filters = Filters { category: category.0, stream: stream.0, types, from: from.0, until: until.0 };
        let query = EventsQuery::read(after.0, filters, who, limit.0, cursor.0.as_deref())?;
        let log = &app.drive.ports().log;
        let list: EventList = query.page(&**log).await.map_err(Problem::from)?;
        Ok(EventsAnswer::Found(Json(list)))
    }

    /// Make the read tables anew
    ///
    /// Makes all rows from the log, beside the live ones, and puts them in their place when they are done; reads are answered all the while.
    /// What an earlier rebuild has left that was stopped or held is gone on with, unless `anew` says otherwise. The answer comes at the end. A rebuild goes on when the client hangs up. In the embedded drive all projections share one
    /// database and are made together; naming one only checks the name.
    #[oai(path = "/admin/projections/rebuild", method = "post", operation_id = "admin_projections_rebuild")]
    async fn rebuild(
        &self,
        app: Data<&Arc<App>>,
        Operator(caller): Operator,
        request: &Request,
        /// A retry under the same key returns the first answer and changes nothing.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<RebuildBody>,
    ) -> Result<RebuildAnswer, RebuildProblem> {
        let ask = app.ask(request, Some(&caller), &key)?.about("POST /admin/projections/rebuild", &body.0);
        let done = app.once(&ask, rebuild(Arc::clone(&app), body.0)).await?;
        Ok(RebuildAnswer::Rebuilt(Json(done.body)))
    }

    /// Watch a rebuild
    ///
    /// Server-sent events: `progress` for each step of the rebuild that is under way in this process, with the last event in the new rows (`done`) and
    /// the end of the log (`head`), several times a second at most; and `end`, after which the stream ends. When nothing is rebuilt, `end` comes at once.
    #[oai(path = "/admin/projections/progress", method = "get", operation_id = "admin_projections_progress")]
    #[expect(clippy::unused_async, reason = "every operation is")]
    async fn progress(&self, app: Data<&Arc<App>>, _operator: Operator) -> Result<ProgressAnswer, ProjectionsProblem> {
        Ok(ProgressAnswer::Followed(ProgressEvents::of(app.runner.rebuild_progress())))
    }

    /// Set a quota
    ///
    /// How many bytes the files of an account may occupy. Name the account by its `id` or its `username`, not by both.
    #[oai(path = "/admin/users/quota", method = "post", operation_id = "admin_users_quota")]
    async fn quota(
        &self,
        app: Data<&Arc<App>>,
        Operator(caller): Operator,
        request: &Request,
        /// A retry under the same key returns the first answer and changes nothing.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<QuotaBody>,
    ) -> Result<QuotaAnswer, QuotaProblem> {
        let (whose, quota_bytes) = body.0.wish()?;
        let ask = app.ask(request, Some(&caller), &key)?.about("POST /admin/users/quota", &body.0);
        let (drive, request) = (app.drive.clone(), ask.request.clone());
        let work = async move {
            let id = match whose {
                Whose::Id(id) => AccountId(id),
                Whose::Name(name) => find_account(drive.journal(), &name).await?,
            };
            let position = change_quota(&drive, &request, id, quota_bytes).await?;
            Ok::<_, QuotaProblem>(Done { status: 200, position: Some(position), body: Quota { id: id.0, quota_bytes } })
        };
        let done = perform(&app, ask, work).await?;
        Ok(QuotaAnswer::Changed(Json(done.body), done.position.map(|position| position.0)))
    }

    /// List transfers
    ///
    /// Contents on their way from one store to another, and those that have come there; newest first. All conditions that are given
    /// must hold.
    #[oai(path = "/admin/transfers", method = "get", operation_id = "admin_transfers")]
    #[expect(clippy::too_many_arguments, reason = "each parameter is an argument, so that the OpenAPI document shows it")]
    async fn transfers(
        &self,
        app: Data<&Arc<App>>,
        Operator(caller): Operator,
        /// The answer shows at least what the log held at this position.
        #[oai(name = "Cairn-Min-Position")]
        position: MinPosition,
        /// In this state; in any when absent.
        state: Query<Option<TransferState>>,
        /// From or to the store of this name; of any when absent.
        store: Query<Option<String>>,
        /// Rows of a page; 100 when absent.
        #[oai(validator(minimum(value = "1"), maximum(value = "1000")))]
        limit: Query<Option<u64>>,
        /// The `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<TransfersAnswer, TransfersProblem> {
        let tables = app.reach(&caller, position.0).await?;
        let wish = TransfersWish { state: state.0, store: store.0, limit: limit.0, cursor: cursor.0 };
        Ok(TransfersAnswer::Found(Json(wish.page(&*tables).await?)))
    }

    /// Try a transfer again
    ///
    /// Lets a stalled transfer go on, with its failures forgotten. One that is under way is left as it is, and shown.
    #[oai(path = "/admin/transfers/retry", method = "post", operation_id = "admin_transfers_retry")]
    async fn retry_transfer(
        &self,
        app: Data<&Arc<App>>,
        Operator(caller): Operator,
        request: &Request,
        /// A retry under the same key returns the first answer and changes nothing.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<TransferRetryBody>,
    ) -> Result<TransferRetryAnswer, TransferRetryProblem> {
        let ask = app.ask(request, Some(&caller), &key)?.about("POST /admin/transfers/retry", &body.0);
        let work = try_again(Arc::clone(&app), caller, ask.request.clone(), TransferId(body.0.id));
        let done = perform(&app, ask, work).await?;
        Ok(TransferRetryAnswer::Retried(Json(done.body), done.position.map(|position| position.0)))
    }
}

/// What the list of events may be asked by.
const EVENTS_PARAMETERS: [&str; 9] = ["after", "category", "stream", "type", "actor", "from", "until", "limit", "cursor"];

/// A filter that is misspelt would show everything.
fn refuse_unknown(request: &Request, known: &[&str]) -> Result<(), Problem> {
    let mut fields = Fields::default();
    let given: Vec<(String, String)> = request.params().unwrap_or_default();
    for (name, _) in given.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
        fields.refuse::<()>(name, "is no parameter of this list");
    }
    fields.finish(Some(()))
}

/// Whose events are meant; the inner none is the system itself.
async fn who(app: &App, actor: Option<&str>) -> Result<Option<Option<AccountId>>, EventsProblem> {
    let mut fields = Fields::default();
    let found = match fields.read_optional::<Actor>("actor", actor) {
        None => None,
        Some(None) => Some(None),
        Some(Some(actor)) => match actor.find(app.drive.journal()).await {
            Ok(account) => Some(Some(account)),
            Err(AccountError::Absent) => fields.refuse("actor", "is nobody's name here"),
            Err(AccountError::Trouble(trouble)) => return Err(Problem::from(trouble).into()),
        },
    };
    Ok(fields.finish(found)?)
}

/// Goes on when nobody waits for it any more, and stops where it is when the process does: until it is promoted, a draft is of no effect.
async fn rebuild(app: Arc<App>, body: RebuildBody) -> Result<Done<Rebuilt>, RebuildProblem> {
    let begin = if body.anew == Some(true) { Begin::Anew } else { Begin::GoOn };
    let wish = Wish { begin, promote: true };
    let work = async move { app.runner.rebuild_as(body.name.as_deref(), wish, &|_| (), &CancellationToken::new()).await };
    let made = tokio::spawn(work).await.unwrap_or(Err(RebuildError::StageLost))?;
    Ok(Done { status: 200, position: None, body: Rebuilt { position: made.position.0, parked: made.parked } })
}
