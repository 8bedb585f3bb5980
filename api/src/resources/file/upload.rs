use std::sync::Arc;

use cairn_commands::file::folder_exists;
use cairn_commands::upload::{Received, WholeUpload, discard_received, receive_whole, store_whole};
use cairn_commands::{Caller, Drive};
use cairn_domain::Sha256;
use poem::http::HeaderMap;
use tracing::Instrument;

use super::problems::{UploadProblem, no_such_folder, too_large};
use crate::app::App;
use crate::ask::{Ask, Done, canonical};
use crate::http::body::{UploadBody, UploadPart};
use crate::http::digest_fields::{self, CONTENT_DIGEST, REPR_DIGEST};
use crate::http::problem::{Problem, common};
use crate::resources::common::{Fields, FileDocument, document_of, incoming, optional_folder};

/// What stands before the bytes of a file.
pub(super) struct Head {
    /// `?name=`, for bodies that are no form.
    pub name: Option<String>,
    /// `?folder_id=`, for bodies that are no form.
    pub folder_id: Option<String>,
    /// What the bytes shall have.
    pub sha256: Option<Sha256>,
}

/// Takes a file. Nothing of the body is read before everything that stands before it is in order.
pub(super) async fn upload(
    app: &Arc<App>,
    ask: Ask,
    caller: Caller,
    head: Head,
    body: UploadBody,
) -> Result<Done<FileDocument>, UploadProblem> {
    let limit = app.drive.limits().file_bytes_max;
    let part = body.open(limit).await.map_err(Problem::from)?;
    let wish = head.wish(&part)?;
    if part.length.is_some_and(|length| length > limit) {
        return Err(too_large(limit).into());
    }
    if !folder_exists(wish.folder) {
        return Err(no_such_folder().into());
    }
    let inner = Arc::clone(app);
    let work = async move {
        let received = receive_whole(&inner.drive, incoming(part.content), head.sha256).await?;
        store(&inner, &ask, &caller, received, wish).await
    };
    app.detached(work.in_current_span()).await
}

/// Makes the entry, unless this very request was answered before: then the bytes go, and the answer is that one.
async fn store(
    app: &App,
    ask: &Ask,
    caller: &Caller,
    received: Received,
    wish: WholeUpload,
) -> Result<Done<FileDocument>, UploadProblem> {
    if let Some(answer) = answer_before(app, ask, received, &wish).await.transpose() {
        discard_received(&app.drive, received).await.map_err(Problem::from)?;
        return Ok(answer?);
    }
    let done = make_entry(&app.drive, ask, caller, received, wish).await?;
    if let Some(key) = &ask.key {
        app.record(key, &done).await?;
    }
    Ok(done)
}

async fn answer_before(
    app: &App,
    ask: &Ask,
    received: Received,
    wish: &WholeUpload,
) -> Result<Option<Done<FileDocument>>, Problem> {
    let Some(key) = &ask.key else { return Ok(None) };
    let wish = canonical(&(&wish.name, wish.folder, &wish.content_type, received.whole.sha256));
    app.answered(key, &[b"POST /file/upload", &wish]).await
}

async fn make_entry(
    drive: &Drive,
    ask: &Ask,
    caller: &Caller,
    received: Received,
    wish: WholeUpload,
) -> Result<Done<FileDocument>, UploadProblem> {
    let (file, position) = store_whole(drive, &ask.request, caller, received, wish).await?;
    let body = document_of(drive, ask.request.new_file(), &file).await?;
    Ok(Done { status: 201, position: Some(position), body })
}

impl Head {
    /// What a form says of its file counts; the query is for bodies that are no form.
    fn wish(&self, part: &UploadPart) -> Result<WholeUpload, Problem> {
        let mut fields = Fields::default();
        let name = match part.file_name.as_deref().or(self.name.as_deref()) {
            Some(name) => fields.read("name", name),
            None => fields.refuse("name", "is required: as the file name of the part, or as ?name= when there is no form"),
        };
        let folder = part.folder_id.as_deref().or(self.folder_id.as_deref()).unwrap_or_default();
        let folder = optional_folder(folder).map_or_else(|wrong| fields.refuse("folder_id", wrong), Some);
        let (name, folder) = fields.finish(name.zip(folder))?;
        Ok(WholeUpload { name, folder, content_type: part.content_type.clone().filter(|told| says_something(told)) })
    }
}

/// A media type that a client sends for want of a better one says nothing of the file.
fn says_something(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The SHA-256 that the header fields announce. Of a body that is the file, both fields say the same.
pub(in crate::resources) fn announced_sha256(headers: &HeaderMap) -> Result<Option<Sha256>, Problem> {
    let content = digest_fields::sha256(headers, &CONTENT_DIGEST)?;
    let representation = digest_fields::sha256(headers, &REPR_DIGEST)?;
    match (content, representation) {
        (Some(one), Some(other)) if one != other => Err(Problem::of(common::digest_mismatch)),
        (one, other) => Ok(one.or(other).map(Sha256)),
    }
}
