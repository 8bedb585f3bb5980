//! One state of the tables, for longer than a query takes.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cairn_projections::ports::{ReadError, ReadTables, Row};
use cairn_projections::sql::{Dialect, Sql};
use sqlx::{Executor, MySqlConnection};
use tokio::sync::Mutex;

use super::{DIALECT, read};
use crate::mysql::connect::{Server, in_time, within};

/// Other transactions read what was committed last; this one what was committed when it began.
const BEGIN: &str = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
    START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";

/// How long one question may take: nobody waits for it who could do something else.
const QUESTION_MAX: Duration = Duration::from_secs(30);

/// A transaction on a connection of its own, which ends with it.
pub(super) struct MysqlSnapshot(Mutex<MySqlConnection>);

impl MysqlSnapshot {
    pub(super) async fn begin(server: &Server) -> Result<Self, ReadError> {
        let begin = async {
            let mut connection = server.connect().await?;
            in_time(connection.execute(sqlx::raw_sql(BEGIN))).await?;
            Ok::<_, sqlx::Error>(connection)
        };
        begin.await.map(|connection| Self(Mutex::new(connection))).map_err(|error| ReadError::Unavailable(error.into()))
    }
}

#[async_trait]
impl ReadTables for MysqlSnapshot {
    fn dialect(&self) -> Dialect {
        DIALECT
    }

    async fn rows(&self, query: Sql) -> Result<Vec<Row>, ReadError> {
        let mut connection = self.0.lock().await;
        let text: Arc<str> = query.text.into();
        let rows = within(QUESTION_MAX, read::bind_all(&text, &query.values).fetch_all(&mut *connection)).await;
        read::plain(&rows.map_err(|error| ReadError::Unavailable(error.into()))?)
    }
}
