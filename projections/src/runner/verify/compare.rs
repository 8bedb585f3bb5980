use std::cmp::Ordering;
use std::sync::Arc;

use sea_query::{Expr, ExprTrait, Order, Query};

use crate::bookkeeping::ParkedRow;
use crate::ports::{ReadError, ReadTables, Row};
use crate::projection::Projection;
use crate::statement::Value;
use crate::table::{Columns, Table};

/// Rows that are read at once from each side.
const PAGE: u64 = 1000;

/// A row that is not the same in both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// In which table.
    pub table: &'static str,
    /// Of which key.
    pub key: String,
    /// The columns that were compared, without the key.
    pub columns: Vec<&'static str>,
    /// What stands in them; none when the row is not there.
    pub live: Option<Vec<Value>>,
    /// What the log means; none when it means no such row.
    pub rebuilt: Option<Vec<Value>>,
}

impl Difference {
    /// The columns that differ, each with the live value and the rebuilt one; all columns, where one side has no row.
    pub fn cells(&self) -> impl Iterator<Item = (&'static str, Option<&Value>, Option<&Value>)> {
        self.columns.iter().enumerate().filter_map(|(place, name)| {
            let live = self.live.as_ref().and_then(|row| row.get(place));
            let rebuilt = self.rebuilt.as_ref().and_then(|row| row.get(place));
            (live != rebuilt).then_some((*name, live, rebuilt))
        })
    }
}

/// What of a table is compared.
pub(super) struct Compared {
    table: &'static Table,
    /// The key first.
    columns: Vec<&'static str>,
}

impl Compared {
    /// Every table of the projections, whole; and what is parked, without why and when, which are not the same at another time. How far
    /// the projections have come is what the comparison begins with.
    pub(super) fn all(projections: &[Arc<dyn Projection>]) -> Vec<Self> {
        let tables = projections.iter().flat_map(|projection| projection.tables());
        let whole = |table: &&'static Table| Self { table, columns: table.columns.iter().map(|column| column.name).collect() };
        let mut all: Vec<Self> = tables.map(whole).collect();
        let parked = [ParkedRow::Id, ParkedRow::Projection, ParkedRow::Position];
        all.push(Self { table: ParkedRow::TABLE, columns: parked.map(ParkedRow::name).into() });
        all
    }

    async fn page(&self, tables: &dyn ReadTables, after: Option<&str>) -> Result<Vec<Row>, ReadError> {
        let dialect = tables.dialect();
        let key = self.columns[0];
        let query = Query::select()
            .columns(self.columns.iter().copied())
            .from(dialect.alias(self.table))
            .and_where_option(after.map(|after| Expr::col(key).gt(after)))
            .order_by(key, Order::Asc)
            .limit(PAGE)
            .to_owned();
        tables.rows(dialect.select(&query)).await
    }
}

/// Goes through a table on both sides at the same time, in the order of the keys.
pub(super) struct Comparison<'a> {
    of: &'a Compared,
    live: Side<'a>,
    rebuilt: Side<'a>,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(of: &'a Compared, live: &'a dyn ReadTables, rebuilt: &'a dyn ReadTables) -> Self {
        Self { of, live: Side::new(of, live), rebuilt: Side::new(of, rebuilt) }
    }

    /// The next row that differs; none at the end. `rows` grows by the live rows that are passed.
    pub(super) async fn next(&mut self, rows: &mut u64) -> Result<Option<Difference>, ReadError> {
        loop {
            self.live.fill().await?;
            self.rebuilt.fill().await?;
            let order = match (self.live.key()?, self.rebuilt.key()?) {
                (None, None) => return Ok(None),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(live), Some(rebuilt)) => live.cmp(&rebuilt),
            };
            let live = if order == Ordering::Greater { None } else { self.live.take()? };
            let rebuilt = if order == Ordering::Less { None } else { self.rebuilt.take()? };
            *rows += u64::from(live.is_some());
            if live != rebuilt {
                return Ok(self.difference(live, rebuilt));
            }
        }
    }

    fn difference(&self, live: Option<KeyAndRest>, rebuilt: Option<KeyAndRest>) -> Option<Difference> {
        let key = live.as_ref().or(rebuilt.as_ref())?.0.clone();
        let rest = |row: Option<KeyAndRest>| row.map(|(_, rest)| rest);
        Some(Difference {
            table: self.of.table.name,
            key,
            columns: self.of.columns[1..].to_vec(),
            live: rest(live),
            rebuilt: rest(rebuilt),
        })
    }
}

type KeyAndRest = (String, Vec<Value>);

/// The rows of one side, page by page.
struct Side<'a> {
    of: &'a Compared,
    tables: &'a dyn ReadTables,
    page: std::vec::IntoIter<Row>,
    after: Option<String>,
    over: bool,
}

impl<'a> Side<'a> {
    fn new(of: &'a Compared, tables: &'a dyn ReadTables) -> Self {
        Self { of, tables, page: Vec::new().into_iter(), after: None, over: false }
    }

    /// Has the next row at hand, if there is one.
    async fn fill(&mut self) -> Result<(), ReadError> {
        if self.over || !self.page.as_slice().is_empty() {
            return Ok(());
        }
        let page = self.of.page(self.tables, self.after.as_deref()).await?;
        match page.last() {
            Some(last) => self.after = Some(last.get(0)?),
            None => self.over = true,
        }
        self.page = page.into_iter();
        Ok(())
    }

    fn key(&self) -> Result<Option<String>, ReadError> {
        self.page.as_slice().first().map(|row| row.get(0)).transpose()
    }

    fn take(&mut self) -> Result<Option<KeyAndRest>, ReadError> {
        let Some(mut row) = self.page.next() else { return Ok(None) };
        let key = row.get(0)?;
        row.0.remove(0);
        Ok(Some((key, row.0)))
    }
}
