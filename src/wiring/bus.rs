//! The bus, and the log that it wakes.

use std::sync::Arc;

#[cfg(feature = "nats")]
use anyhow::Context;
use cairn_commands::ports::bus::Bus;
use cairn_commands::ports::event_store::EventStore;
use cairn_infra::config::{BusAdapter, Config};

use super::Who;
use super::closing::Closing;
#[cfg(feature = "nats")]
use crate::unusable::Unusable;

/// The bus, if there is one, and the log as it is with it.
pub(crate) struct OpenBus {
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) bus: Option<Arc<dyn Bus>>,
    pub(crate) closing: Closing,
}

/// Opens the bus that is configured. A visitor does without: the drive notices by itself what he appends.
#[cfg_attr(not(feature = "nats"), expect(unused_variables, clippy::unused_async, reason = "there is nothing to connect to"))]
pub(crate) async fn open_bus(config: &Config, store: Arc<dyn EventStore>, who: Who) -> anyhow::Result<OpenBus> {
    match config.bus_adapter()? {
        #[cfg(feature = "nats")]
        BusAdapter::Nats { server, stream, limits } if who == Who::Drive => {
            let opened = cairn_infra::nats::NatsBus::open(&server, &stream, limits).await;
            let nats = Arc::new(opened.context("bus.url can't be used").context(Unusable)?);
            let bus: Arc<dyn Bus> = nats.clone();
            let store = Arc::new(cairn_infra::woken_log::WokenLog::start(store, &bus));
            let closing = Closing::of(nats, |nats| async move { nats.close().await });
            Ok(OpenBus { store, bus: Some(bus), closing })
        }
        #[cfg(feature = "nats")]
        BusAdapter::Nats { .. } => Ok(without(store)),
        BusAdapter::Process => Ok(without(store)),
    }
}

/// Whether the bus that is configured lets us in.
pub(crate) async fn try_bus(config: &Config, store: Arc<dyn EventStore>) -> anyhow::Result<()> {
    open_bus(config, store, Who::Drive).await?.closing.close().await;
    Ok(())
}

fn without(store: Arc<dyn EventStore>) -> OpenBus {
    OpenBus { store, bus: None, closing: Closing::nothing() }
}
