//! The questions that can be asked of the read tables, as typed functions.
//!
//! Each query is served by an index and limited; the adapters' tests look at the query plans. Answers may be a little old: what is decided
//! because of one is decided again on the log.

use cairn_domain::Position;
use sea_query::SelectStatement;
use sea_query::extension::mysql::{IndexHintScope, MySqlSelectStatementExt};

use crate::Cursor;
use crate::ports::{ReadError, ReadTables, Row};

pub mod contents;
pub mod files;
pub mod folders;
pub mod operations;
pub mod shares;
pub mod transfers;
pub mod uploads;
pub mod users;

/// Rows that one page may have.
pub const PAGE_MAX: u64 = 1000;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the list goes on; none at its end.
    pub next: Option<Cursor>,
}

/// Which page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageOf {
    /// After which row; none for the first page.
    pub after: Option<Cursor>,
    /// How many rows at most; 1 to [`PAGE_MAX`], anything else is taken as the nearer of them.
    pub limit: u64,
}

impl PageOf {
    fn limit(self) -> usize {
        usize::try_from(self.limit.clamp(1, PAGE_MAX)).unwrap_or(1)
    }
}

/// Has MySQL go along this index. Left alone it reads and sorts the whole table as long as that is small, or its statistics say so. For others
/// the hint is not there.
fn along<'a>(query: &'a mut SelectStatement, index: &'static str) -> &'a mut SelectStatement {
    query.force_index(index, IndexHintScope::All)
}

async fn all(tables: &dyn ReadTables, query: SelectStatement) -> Result<Vec<Row>, ReadError> {
    let sql = tables.dialect().select(&query);
    tables.rows(sql).await
}

async fn first<T>(
    tables: &dyn ReadTables,
    query: SelectStatement,
    read: impl Fn(&Row) -> Result<T, ReadError> + Send,
) -> Result<Option<T>, ReadError> {
    all(tables, query).await?.first().map(read).transpose()
}

/// Asks for one row more than the page has, to know whether there is a next one.
async fn page<T>(
    tables: &dyn ReadTables,
    mut query: SelectStatement,
    of: PageOf,
    read: impl Fn(&Row) -> Result<(Position, T), ReadError> + Send,
) -> Result<Page<T>, ReadError> {
    query.limit(of.limit() as u64 + 1);
    let rows = all(tables, query).await?;
    let more = rows.len() > of.limit();
    let read: Vec<(Position, T)> = rows.iter().take(of.limit()).map(read).collect::<Result<_, _>>()?;
    let next = read.last().filter(|_| more).map(|(position, _)| Cursor(*position));
    Ok(Page { items: read.into_iter().map(|(_, item)| item).collect(), next })
}

fn position(position: Position) -> i64 {
    i64::try_from(position.0).unwrap_or(i64::MAX)
}
