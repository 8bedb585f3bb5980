//! No query of the module reads a whole table.

use std::sync::Mutex as StdMutex;

use cairn_domain::AccountId;
use cairn_projections::sample::ask_everything;
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
    // What is in the trash is looked for otherwise where folders are in it.
    let with_trash = "SELECT owner FROM tbl_folder WHERE status = 'trashed' LIMIT 1".to_owned();
    let with_trash = views.rows(Sql { text: with_trash, values: Vec::new() }).await.unwrap();
    let explained = Explained { views, plans: StdMutex::default() };
    ask_everything(&explained, with_trash[0].get(0).unwrap()).await.unwrap();
    ask_everything(&explained, AccountId(Uuid::nil())).await.unwrap();
    let plans = explained.plans.into_inner().unwrap();
    assert_eq!(plans.len(), 2 * 88);
    for (text, steps) in plans {
        // There is one row per projection in it, and all are wanted.
        let whole = text.contains("tbl_checkpoint");
        assert!(whole || steps.iter().all(|step| !step.starts_with("SCAN")), "{text}\n{steps:?}");
        assert!(steps.iter().all(|step| !step.contains("TEMP B-TREE")), "{text}\n{steps:?}");
    }
}
