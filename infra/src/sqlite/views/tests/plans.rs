//! No query of the module reads a whole table.

use std::sync::Mutex as StdMutex;

use cairn_domain::{AccountId, FileId, FolderId, Sha1, Sha256, UploadId};
use cairn_projections::Cursor;
use cairn_projections::queries::files::{ByHash, EntryStatus, FileFilter, file_by_id, files, newest_with_content};
use cairn_projections::queries::uploads::{self, UploadLike};
use cairn_projections::queries::{PageOf, contents, operations, users};
use uuid::Uuid;

use super::*;

/// Asks the planner about every query before it is answered.
struct Explained {
    views: SqliteViews,
    plans: StdMutex<Vec<(String, Vec<String>)>>,
}

#[async_trait]
impl ReadTables for Explained {
    fn dialect(&self) -> Dialect {
        self.views.dialect()
    }

    async fn rows(&self, query: Sql) -> Result<Vec<Row>, ReadError> {
        let text = format!("EXPLAIN QUERY PLAN {}", query.text);
        let plan = self.views.rows(Sql { text, values: query.values.clone() }).await?;
        let steps = plan.iter().map(|row| row.get(3)).collect::<Result<Vec<String>, _>>()?;
        self.plans.lock().unwrap().push((query.text.clone(), steps));
        self.views.rows(query).await
    }
}

#[tokio::test]
async fn no_query_reads_a_whole_table_or_sorts_one() {
    let directory = TempDir::new().unwrap();
    let views = open(&directory).await;
    let source = Arc::new(MemorySource::new(Sample::events(SEED, 2_000)));
    runner(&source, &views, 4096).catch_up().await.unwrap();
    let explained = Explained { views, plans: StdMutex::default() };
    ask_everything(&explained).await.unwrap();
    let plans = explained.plans.into_inner().unwrap();
    assert_eq!(plans.len(), 29);
    for (text, steps) in plans {
        // There is one row per projection in it, and all are wanted.
        let whole = text.contains("tbl_checkpoint");
        assert!(whole || steps.iter().all(|step| !step.starts_with("SCAN")), "{text}\n{steps:?}");
        assert!(steps.iter().all(|step| !step.contains("TEMP B-TREE")), "{text}\n{steps:?}");
    }
}

async fn ask_everything(tables: &dyn ReadTables) -> Result<(), ReadError> {
    ask_of_files(tables).await?;
    ask_of_uploads(tables).await?;
    let account = AccountId(Uuid::nil());
    users::user_by_id(tables, account).await?;
    users::user_by_name(tables, &"alice".parse().unwrap()).await?;
    users::session_by_token(tables, Sha256([0; 32])).await?;
    users::usage_of(tables, account).await?;
    contents::content_by_sha256(tables, Sha256([0; 32])).await?;
    contents::sha256_by_sha1(tables, Sha1([0; 20])).await?;
    operations::checkpoints(tables).await?;
    operations::parked(tables, "files", Position::START, 10).await?;
    Ok(())
}

async fn ask_of_files(tables: &dyn ReadTables) -> Result<(), ReadError> {
    let account = AccountId(Uuid::nil());
    let (sha256, sha1) = (ByHash::Sha256(Sha256([0; 32])), ByHash::Sha1(Sha1([0; 20])));
    file_by_id(tables, account, FileId(Uuid::nil())).await?;
    newest_with_content(tables, account, sha256, None).await?;
    newest_with_content(tables, account, sha1, Some(EntryStatus::Active)).await?;
    let filters = [
        FileFilter::default(),
        FileFilter { folder: Some(None), ..FileFilter::default() },
        FileFilter { folder: Some(Some(FolderId(Uuid::nil()))), status: EntryStatus::Trashed, ..FileFilter::default() },
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

async fn ask_of_uploads(tables: &dyn ReadTables) -> Result<(), ReadError> {
    let owner = AccountId(Uuid::nil());
    let name = "a".parse().unwrap();
    let like = UploadLike { owner, name: &name, size: 1, sha256: None, sha1: Some(Sha1([0; 20])), folder: None };
    uploads::upload_by_id(tables, owner, UploadId(Uuid::nil())).await?;
    uploads::open_uploads(tables, owner, PageOf { after: Some(Cursor(Position(9))), limit: 10 }).await?;
    uploads::open_upload_like(tables, &like).await?;
    uploads::count_open_uploads(tables, owner).await?;
    uploads::count_all_open_uploads(tables).await?;
    uploads::overdue_uploads(tables, Timestamp(1), 10).await?;
    Ok(())
}
