//! The relay: every event goes on the bus, if there is one.

use std::sync::Arc;
use std::time::Duration;

use cairn_commands::sagas::Relay;

use crate::lifecycle::Lifecycle;
use crate::wiring::Whole;

/// How often its figures are brought up to date.
const GAUGES_EVERY: Duration = Duration::from_secs(1);

/// Publishes events as they come. No request waits for it, so its troubles are told, and stop nothing.
pub(super) fn start_relay(whole: &Whole, lifecycle: &Lifecycle) {
    let Some(bus) = whole.foundation.bus.clone() else { return };
    let (log, checkpoints) = (whole.foundation.log.clone(), whole.foundation.checkpoints.clone());
    let relay = Arc::new(Relay::new(log, checkpoints, bus));
    start_gauges(whole, &relay, lifecycle);
    let stop = lifecycle.stop_last();
    lifecycle.spawn("relay", async move { relay.run(stop).await });
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a double; positions are exact in it up to 2^53")]
fn start_gauges(whole: &Whole, relay: &Relay, lifecycle: &Lifecycle) {
    metrics::describe_gauge!("cairn_relay_position", "The last event that is known to be on the bus.");
    metrics::describe_gauge!("cairn_relay_lag", "Positions of the log that are not known to be on the bus yet.");
    metrics::describe_gauge!("cairn_relay_up", "1 when the relay could last do its work, 0 when it could not.");
    let (status, growth) = (relay.status(), whole.foundation.log.growth());
    lifecycle.every("relay's figures", GAUGES_EVERY, move || {
        let (status, head) = (*status.borrow(), *growth.borrow());
        async move {
            metrics::gauge!("cairn_relay_position").set(status.position.0 as f64);
            metrics::gauge!("cairn_relay_lag").set(head.0.saturating_sub(status.position.0) as f64);
            metrics::gauge!("cairn_relay_up").set(f64::from(u8::from(status.up)));
        }
    });
}
