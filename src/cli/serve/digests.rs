use std::sync::Arc;

use cairn_commands::sagas::DigestKeeper;
use tokio::sync::Mutex;

use super::{DIGEST_EVERY, report};
use crate::lifecycle::Lifecycle;
use crate::wiring::Whole;

/// Keeps digests of what is appended, so that an audit notices if it is altered later.
pub(super) fn start_keeping(whole: &Whole, lifecycle: &Lifecycle) {
    metrics::describe_gauge!("cairn_log_digested_position", "The last event whose digest is kept.");
    let keeper = DigestKeeper::new(whole.foundation.log.clone(), whole.foundation.digests.clone());
    let keeper = Arc::new(Mutex::new(keeper));
    lifecycle.every("digests", DIGEST_EVERY, move || {
        let keeper = keeper.clone();
        async move {
            let mut keeper = keeper.lock().await;
            report("keeping digests of the log", keeper.step().await.map(|_| ()));
            #[expect(clippy::cast_precision_loss, reason = "a gauge is a double; positions are exact in it up to 2^53")]
            metrics::gauge!("cairn_log_digested_position").set(keeper.last().0 as f64);
        }
    });
}
