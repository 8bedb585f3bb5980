use std::process::ExitCode;

use cairn_domain::Position;
use clap::Args;

use super::range::Range;
use super::wanted::Filter;
use super::{Place, open, print};
use crate::cli::is_heard;
use crate::wiring::OpenLog;

#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    range: Range,
    /// Only events after this position.
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    after: u64,
    /// At most this many events.
    #[arg(long, default_value_t = u64::MAX, hide_default_value = true)]
    limit: u64,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

impl List {
    pub(super) async fn print(self) -> anyhow::Result<ExitCode> {
        let Self { place, filter, range, after, limit, json } = self;
        let OpenLog { store: log, closing, .. } = open(&place).await?;
        let wanted = filter.over(&log).await?;
        let mut left = limit;
        if left > 0 {
            let take = |event: &_| {
                print(event, json);
                left -= 1;
                left > 0 && is_heard()
            };
            range.each(&*log, &wanted, Position(after), take).await?;
        }
        closing.close().await;
        Ok(ExitCode::SUCCESS)
    }
}
