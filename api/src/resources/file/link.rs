use std::sync::Arc;

use cairn_commands::links::sign_link;
use cairn_commands::{Caller, file};
use cairn_domain::FileId;
use cairn_domain::file::FileStatus;

use super::problems::LinkProblem;
use super::types::{LinkBody, LinkDocument};
use crate::app::App;
use crate::ask::Done;
use crate::http::problem::Problem;

/// Signs a link to the caller's own file.
pub(super) async fn make(app: Arc<App>, caller: Caller, wish: LinkBody) -> Result<Done<LinkDocument>, LinkProblem> {
    let max = app.drive.limits().link_expires_seconds_max;
    if wish.expires_in.is_some_and(|seconds| seconds == 0 || seconds > max) {
        return Err(Problem::invalid("expires_in", format!("is 1 to {max} seconds")).into());
    }
    let file = file::load(&app.drive, FileId(wish.id)).await.map_err(Problem::from)?;
    let entry = file.state.entry().filter(|entry| entry.added.owner == caller.account);
    if entry.ok_or(LinkProblem::not_found())?.status != FileStatus::Active {
        return Err(LinkProblem::file_trashed());
    }
    let link = sign_link(&app.drive, FileId(wish.id), wish.expires_in);
    let (id, expires, signature) = (link.file, link.expires_at.seconds(), hex::encode(link.signature));
    let url = format!("{}/file/download?id={id}&expires={expires}&signature={signature}", app.settings.public_url);
    let body = LinkDocument { url, expires_at: link.expires_at.into() };
    Ok(Done { status: 200, position: None, body })
}
