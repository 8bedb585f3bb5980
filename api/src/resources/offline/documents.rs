use std::collections::HashMap;

use cairn_commands::offline::{own_offline, received_bytes};
use cairn_commands::{Caller, Drive, Loaded, file};
use cairn_domain::offline::{Offline, Phase};
use cairn_domain::{FileId, OfflineId};
use cairn_projections::ports::ReadTables;
use cairn_projections::queries::PageOf;
use cairn_projections::queries::files::files_by_id;
use cairn_projections::queries::offline::{OfflineRecord, OfflineState, offline_downloads};

use super::problems::StatusProblem;
use super::types::{OfflineDocument, OfflineList, OfflineStateName};
use crate::http::problem::{Problem, common};
use crate::resources::common::{FileDocument, document_of};

/// How the caller's download stands, as the log has it.
pub(super) async fn show(drive: &Drive, caller: &Caller, id: OfflineId) -> Result<OfflineDocument, StatusProblem> {
    let offline = own_offline(drive, caller.account, id).await.map_err(Problem::from)?;
    let offline = offline.ok_or(StatusProblem::not_found())?;
    if !offline.state.is_open() {
        // Who hears that it has ended finds it so in the lists.
        drive.visible(offline.position).await;
    }
    Ok(document(drive, id, &offline).await?)
}

/// The document of a download, with the file that came of it, as far as that is there.
pub(super) async fn document(drive: &Drive, id: OfflineId, offline: &Loaded<Offline>) -> Result<OfflineDocument, Problem> {
    let state = &offline.state;
    let requested = state.requested().ok_or(Problem::of(common::not_found))?;
    let found = state.found();
    let mut document = OfflineDocument {
        id: id.0,
        url: requested.url.to_string(),
        name: found.map(|found| &found.name).or(requested.name.as_ref()).map(ToString::to_string),
        state: OfflineStateName::Queued,
        received_bytes: state.received_bytes(),
        total_bytes: found.and_then(|found| found.size),
        error: None,
        detail: None,
        created_at: offline.first_at.into(),
        updated_at: offline.last_at.into(),
        file: None,
    };
    match state.phase() {
        Phase::Queued => {}
        Phase::Running => {
            document.state = OfflineStateName::Running;
            document.received_bytes = received_bytes(drive, id, document.received_bytes);
        }
        Phase::Completed(completed) => {
            document.state = OfflineStateName::Completed;
            document.total_bytes = Some(completed.size);
            document.file = file_document(drive, completed.file).await?;
        }
        Phase::Failed(failed) => {
            document.state = OfflineStateName::Failed;
            document.error = Some(failed.reason.code().to_owned());
            document.detail.clone_from(&failed.detail);
        }
        Phase::Cancelled => document.state = OfflineStateName::Cancelled,
    }
    Ok(document)
}

async fn file_document(drive: &Drive, id: FileId) -> Result<Option<FileDocument>, Problem> {
    let file = file::load(drive, id).await?;
    match file.state.entry() {
        Some(_) => Ok(Some(document_of(drive, id, &file).await?)),
        None => Ok(None),
    }
}

/// One page of the caller's downloads.
pub(super) async fn list(drive: &Drive, tables: &dyn ReadTables, caller: &Caller, page: PageOf) -> Result<OfflineList, Problem> {
    let page = offline_downloads(tables, caller.account, page).await?;
    let ids: Vec<_> = page.items.iter().filter_map(|record| record.file).collect();
    let files = files_by_id(tables, caller.account, &ids).await?.into_iter();
    let mut files: HashMap<_, _> = files.map(|file| (file.id, FileDocument::of_record(drive, file))).collect();
    let with_file = |record: OfflineRecord| {
        let file = record.file.and_then(|id| files.remove(&id));
        of_record(drive, record, file)
    };
    let items = page.items.into_iter().map(with_file).collect();
    Ok(OfflineList { items, next_cursor: page.next.map(|cursor| cursor.to_string()) })
}

fn of_record(drive: &Drive, record: OfflineRecord, file: Option<FileDocument>) -> OfflineDocument {
    let (state, received_bytes) = match record.state {
        OfflineState::Queued => (OfflineStateName::Queued, record.received_bytes),
        OfflineState::Running => (OfflineStateName::Running, received_bytes(drive, record.id, record.received_bytes)),
        OfflineState::Completed => (OfflineStateName::Completed, record.received_bytes),
        OfflineState::Failed => (OfflineStateName::Failed, record.received_bytes),
        OfflineState::Cancelled => (OfflineStateName::Cancelled, record.received_bytes),
    };
    OfflineDocument {
        id: record.id.0,
        url: record.url,
        name: record.name,
        state,
        received_bytes,
        total_bytes: record.total_bytes,
        error: record.error,
        detail: record.detail,
        created_at: record.requested_at.into(),
        updated_at: record.updated_at.into(),
        file,
    }
}
