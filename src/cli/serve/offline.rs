//! Files that are fetched from elsewhere.

use std::sync::Arc;
use std::time::Duration;

use cairn_commands::sagas::offline::{Fetcher, FetcherSettings};
use cairn_infra::config::Config;

use super::process_name;
use crate::lifecycle::Lifecycle;
use crate::wiring::Whole;

/// Fetches what is asked for. In a log that is its own, whatever still seems to run was cut off when an earlier process ended.
pub(super) fn start_fetcher(whole: &Whole, config: &Config, lifecycle: &Lifecycle) {
    let settings = FetcherSettings {
        name: process_name(),
        at_once: config.offline.at_once,
        silent_seconds: config.offline.silent_seconds_max,
        first_wait: Duration::from_secs(1),
        alone_since: (!whole.foundation.shared).then(|| whole.drive.ports().clock.now()),
    };
    let fetcher = Arc::new(Fetcher::new(whole.drive.clone(), settings));
    let stop = lifecycle.stop();
    lifecycle.spawn("fetching files", async move { fetcher.run(stop).await });
}
