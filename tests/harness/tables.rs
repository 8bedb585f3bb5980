//! The read tables of a drive, as they lie in the database.

use std::str::FromStr;

use cairn_infra::mysql::views::MysqlViews;
use cairn_infra::mysql::{Migrate, Server};
use cairn_infra::sqlite::views::{SqliteGlance, SqliteViews};
use cairn_projections::ports::contract::rows::held_by;
use cairn_projections::ports::memory::Rows;
use cairn_projections::ports::{Batch, Tables};
use cairn_projections::projections;

use super::drive::Drive;

impl Drive {
    /// Every row of every projection.
    pub(crate) async fn rows(&self) -> Rows {
        match self.setting("CAIRN_VIEWS__URL") {
            Some(url) => held_by(&mysql(url).await).await,
            None => held_by(&SqliteGlance::open(&self.data().join("views.db")).await.expect("read tables")).await,
        }
    }

    /// Changes the read tables of the stopped drive behind its back.
    pub(crate) async fn change_rows(&self, batch: Batch) {
        if let Some(url) = self.setting("CAIRN_VIEWS__URL") {
            mysql(url).await.apply(batch).await.expect("applied");
            return;
        }
        let views = SqliteViews::open(&self.data().join("views.db"), &projections()).await.expect("read tables");
        views.apply(batch).await.expect("applied");
        views.close().await;
    }
}

async fn mysql(url: &str) -> MysqlViews {
    let server = Server::from_str(url).expect("a URL");
    MysqlViews::open(&server, &projections(), "a test", Migrate::No).await.expect("read tables")
}
