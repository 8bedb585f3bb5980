//! Every question that can be asked.
#![expect(clippy::missing_panics_doc, clippy::expect_used, reason = "the names are fixed")]

use cairn_domain::transfer::Phase;
use cairn_domain::{AccountId, FileId, FolderId, Position, Sha1, Sha256, ShareId, Timestamp, TransferId, UploadId};
use uuid::Uuid;

use crate::Cursor;
use crate::ports::{ReadError, ReadTables};
use crate::queries::files::{ByHash, EntryStatus, FileFilter, entries_in_folder, file_by_id, files, newest_with_content};
use crate::queries::folders::{FolderFilter, folder_by_id, folders};
use crate::queries::transfers::{self, TransferFilter};
use crate::queries::uploads::{self, UploadLike};
use crate::queries::{PageOf, contents, operations, shares, users};

/// Asks each query there is at least once, of that account: for a look at their plans.
pub async fn ask_everything(tables: &dyn ReadTables, account: AccountId) -> Result<(), ReadError> {
    ask_of_files(tables, account).await?;
    ask_of_folders(tables, account).await?;
    ask_of_shares(tables, account).await?;
    ask_of_uploads(tables, account).await?;
    ask_of_transfers(tables).await?;
    users::user_by_id(tables, account).await?;
    users::user_by_name(tables, &"alice".parse().expect("a name")).await?;
    users::session_by_token(tables, Sha256([0; 32])).await?;
    users::usage_of(tables, account).await?;
    users::occupied_by(tables, account).await?;
    contents::content_by_sha256(tables, Sha256([0; 32])).await?;
    contents::sha256_by_sha1(tables, Sha1([0; 20])).await?;
    for after in [None, Some(Sha256([9; 32]))] {
        contents::contents(tables, after, 10).await?;
    }
    operations::checkpoints(tables).await?;
    operations::parked(tables, "files", Position::START, 10).await?;
    Ok(())
}

async fn ask_of_files(tables: &dyn ReadTables, account: AccountId) -> Result<(), ReadError> {
    let (sha256, sha1) = (ByHash::Sha256(Sha256([0; 32])), ByHash::Sha1(Sha1([0; 20])));
    file_by_id(tables, account, FileId(Uuid::nil())).await?;
    newest_with_content(tables, account, sha256, None).await?;
    newest_with_content(tables, account, sha1, Some(EntryStatus::Active)).await?;
    let filters = [
        FileFilter::default(),
        FileFilter { folder: Some(None), ..FileFilter::default() },
        FileFilter { folder: Some(Some(FolderId(Uuid::nil()))), status: EntryStatus::Trashed, ..FileFilter::default() },
        FileFilter { folder: Some(None), status: EntryStatus::Trashed, ..FileFilter::default() },
        FileFilter { status: EntryStatus::Trashed, ..FileFilter::default() },
        FileFilter { name: Some("a".to_owned()), ..FileFilter::default() },
        FileFilter { content: Some(sha256), ..FileFilter::default() },
        FileFilter { content: Some(sha1), name: Some("a".to_owned()), folder: Some(None), ..FileFilter::default() },
    ];
    for filter in filters {
        for after in [None, Some(Cursor(Position(99)))] {
            files(tables, account, &filter, PageOf { after, limit: 10 }).await?;
        }
    }
    Ok(())
}

async fn ask_of_folders(tables: &dyn ReadTables, account: AccountId) -> Result<(), ReadError> {
    folder_by_id(tables, account, FolderId(Uuid::nil())).await?;
    entries_in_folder(tables, account, FolderId(Uuid::nil()), Some(Position(99)), 10).await?;
    for status in [EntryStatus::Active, EntryStatus::Trashed] {
        for parent in [None, Some(None), Some(Some(FolderId(Uuid::nil())))] {
            for after in [None, Some(Cursor(Position(99)))] {
                folders(tables, account, FolderFilter { parent, status }, PageOf { after, limit: 10 }).await?;
            }
        }
    }
    Ok(())
}

async fn ask_of_shares(tables: &dyn ReadTables, account: AccountId) -> Result<(), ReadError> {
    shares::share_by_id(tables, account, ShareId(Uuid::nil())).await?;
    shares::count_shares(tables, account).await?;
    for file in [None, Some(FileId(Uuid::nil()))] {
        for after in [None, Some(Cursor(Position(99)))] {
            shares::shares(tables, account, file, PageOf { after, limit: 10 }).await?;
        }
    }
    Ok(())
}

async fn ask_of_uploads(tables: &dyn ReadTables, owner: AccountId) -> Result<(), ReadError> {
    let name = "a".parse().expect("a name");
    let like = UploadLike { owner, name: &name, size: 1, sha256: None, sha1: Some(Sha1([0; 20])), folder: None };
    uploads::upload_by_id(tables, owner, UploadId(Uuid::nil())).await?;
    uploads::open_uploads(tables, owner, PageOf { after: Some(Cursor(Position(9))), limit: 10 }).await?;
    uploads::open_upload_like(tables, &like).await?;
    uploads::count_open_uploads(tables, owner).await?;
    uploads::count_all_open_uploads(tables).await?;
    uploads::overdue_uploads(tables, Timestamp(1), 10).await?;
    Ok(())
}

async fn ask_of_transfers(tables: &dyn ReadTables) -> Result<(), ReadError> {
    transfers::transfer_by_id(tables, TransferId(Uuid::nil())).await?;
    for phase in [None, Some(Phase::Stalled)] {
        for store in [None, Some("far".to_owned())] {
            let filter = TransferFilter { phase, store };
            for after in [None, Some(Cursor(Position(99)))] {
                transfers::transfers(tables, &filter, PageOf { after, limit: 10 }).await?;
            }
        }
    }
    transfers::silent_transfers(tables, &[Phase::Requested, Phase::Queued], Timestamp(0)..=Timestamp(i64::MAX), 10).await?;
    transfers::transfer_figures(tables).await?;
    Ok(())
}
