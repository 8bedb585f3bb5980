use cairn_commands::{Caller, Drive, file};
use cairn_domain::FileId;

use super::problems::LookProblem;
use super::types::{VersionDocument, VersionList};
use crate::http::problem::Problem;

/// Every content that the caller's file keeps, as the log has it.
pub(super) async fn list(drive: &Drive, caller: &Caller, id: FileId) -> Result<VersionList, LookProblem> {
    let file = file::own(drive, caller, id).await.map_err(Problem::from)?.ok_or(LookProblem::not_found())?;
    let entry = file.state.entry().ok_or(LookProblem::not_found())?;
    let document = |version: &cairn_domain::file::FileVersion| VersionDocument {
        version: version.number,
        size: version.content.size,
        sha256: version.content.sha256.to_string(),
        sha1: version.content.sha1.to_string(),
        content_type: version.content.content_type.clone(),
        created_at: version.at.unwrap_or(file.first_at).into(),
        current: version.number == entry.current(),
    };
    Ok(VersionList { items: entry.versions().iter().rev().map(document).collect(), next_cursor: None })
}
