use cairn_commands::upload::{UploadStatus, status};
use cairn_commands::{Caller, Drive, file};
use cairn_domain::UploadId;
use cairn_projections::ports::ReadTables;
use cairn_projections::queries::PageOf;
use cairn_projections::queries::uploads::open_uploads;

use super::problems::StatusProblem;
use super::types::{UploadDocument, UploadList};
use crate::http::problem::Problem;
use crate::resources::common::document_of;

/// How the caller's upload stands, as the log has it.
pub(super) async fn show(drive: &Drive, caller: &Caller, id: UploadId) -> Result<UploadDocument, StatusProblem> {
    let status = status(drive, caller.account, id).await.map_err(Problem::from)?;
    let status = status.ok_or(StatusProblem::not_found())?;
    Ok(document(drive, &status).await?)
}

/// One page of the caller's open uploads. The read tables say which they are, the log how they stand.
pub(super) async fn list(drive: &Drive, tables: &dyn ReadTables, caller: &Caller, page: PageOf) -> Result<UploadList, Problem> {
    let page = open_uploads(tables, caller.account, page).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for record in page.items {
        let status = status(drive, caller.account, record.id).await?;
        if let Some(open) = status.filter(UploadStatus::takes_parts) {
            items.push(UploadDocument::new(&open, None));
        }
    }
    Ok(UploadList { items, next_cursor: page.next.map(|cursor| cursor.to_string()) })
}

/// The document of an upload, with the file that it became, as far as that is there.
pub(super) async fn document(drive: &Drive, status: &UploadStatus) -> Result<UploadDocument, Problem> {
    let Some(id) = status.file else { return Ok(UploadDocument::new(status, None)) };
    let file = file::load(drive, id).await?;
    let file = match file.state.entry() {
        Some(_) => Some(document_of(drive, id, &file).await?),
        None => None,
    };
    Ok(UploadDocument::new(status, file))
}
