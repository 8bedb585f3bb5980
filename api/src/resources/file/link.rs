use std::sync::Arc;

use cairn_commands::folder::status_of_place;
use cairn_commands::links::{link_at_store, sign_link};
use cairn_commands::ports::blobs::OpenLink;
use cairn_commands::{Caller, file};
use cairn_domain::file::{Entry, FileStatus};
use cairn_domain::folder::FolderStatus;
use cairn_domain::{FileId, Timestamp};

use super::problems::LinkProblem;
use super::types::{LinkBody, LinkDocument};
use crate::app::App;
use crate::ask::Done;
use crate::http::disposition;
use crate::http::problem::Problem;

/// Signs a link to the caller's own file.
pub(super) async fn make(app: Arc<App>, caller: Caller, wish: LinkBody) -> Result<Done<LinkDocument>, LinkProblem> {
    let max = app.drive.limits().link_expires_seconds_max;
    if wish.expires_in.is_some_and(|seconds| seconds == 0 || seconds > max) {
        return Err(Problem::invalid("expires_in", format!("is 1 to {max} seconds")).into());
    }
    let file = file::load(&app.drive, FileId(wish.id)).await.map_err(Problem::from)?;
    let entry = file.state.entry().filter(|entry| entry.added.owner == caller.account && entry.added.version_of.is_none());
    let entry = entry.ok_or(LinkProblem::not_found())?;
    match status_of_place(&app.drive, caller.account, entry.folder).await.map_err(Problem::from)? {
        FolderStatus::Active if entry.status == FileStatus::Active => {}
        FolderStatus::Active | FolderStatus::Trashed => return Err(LinkProblem::file_trashed()),
        FolderStatus::Absent => return Err(LinkProblem::not_found()),
    }
    let link = sign_link(&app.drive, FileId(wish.id), wish.expires_in);
    if let Some(url) = at_store(&app, entry, link.expires_at).await {
        return Ok(Done { status: 200, position: None, body: LinkDocument { url, expires_at: link.expires_at.into() } });
    }
    let (id, expires, signature) = (link.file, link.expires_at.seconds(), hex::encode(link.signature));
    let url = format!("{}/file/download?id={id}&expires={expires}&signature={signature}", app.settings.public_url);
    let body = LinkDocument { url, expires_at: link.expires_at.into() };
    Ok(Done { status: 200, position: None, body })
}

/// Stores give out no address for longer: seven days.
const AT_STORE_SECONDS_MAX: u64 = 7 * 24 * 60 * 60;

/// The same at the store of the content, if it gives out addresses and answers. Its answer is an attachment, as ours is.
async fn at_store(app: &App, entry: &Entry, expires_at: Timestamp) -> Option<String> {
    let seconds = expires_at.seconds() - app.drive.ports().clock.now().seconds();
    let disposition = disposition::attachment(entry.name.as_str());
    let wish = OpenLink {
        seconds: u64::try_from(seconds).unwrap_or_default().max(1),
        disposition: disposition.to_str().unwrap_or("attachment").to_owned(),
        content_type: entry.content().content_type,
    };
    if wish.seconds > AT_STORE_SECONDS_MAX {
        return None;
    }
    let link = link_at_store(&app.drive, entry.content().sha256, &wish).await;
    link.inspect_err(|error| tracing::warn!(error = error as &dyn std::error::Error, "a link leads to the drive instead")).ok()?
}
