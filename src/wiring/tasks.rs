//! The queue of tasks.

use std::sync::Arc;

#[cfg(feature = "rabbitmq")]
use anyhow::Context;
use cairn_commands::ports::tasks::{ProcessTasks, TaskQueue};
#[cfg(feature = "rabbitmq")]
use cairn_infra::config::Service;
use cairn_infra::config::{Config, QueueAdapter};

use super::closing::Closing;
#[cfg(feature = "rabbitmq")]
use crate::unusable::Unusable;

/// The queue, to push to and to take from.
pub(crate) struct OpenTasks {
    pub(crate) tasks: Arc<dyn TaskQueue>,
    /// Whether tasks are still there when this process is not.
    pub(crate) outlives_us: bool,
    pub(crate) closing: Closing,
}

/// Opens the queue that is configured, and makes what is not there. A process that neither pushes nor takes does without.
#[cfg_attr(not(feature = "rabbitmq"), expect(clippy::unused_async, reason = "a queue in this process need not be connected to"))]
pub(crate) async fn open_tasks(config: &Config) -> anyhow::Result<OpenTasks> {
    match config.queue_adapter()? {
        #[cfg(feature = "rabbitmq")]
        QueueAdapter::RabbitMq { server, settings } if needed(config) => {
            let opened = cairn_infra::rabbitmq::RabbitTasks::open(&server, settings).await;
            let tasks = Arc::new(opened.context("queue.url can't be used").context(Unusable)?);
            let closing = Closing::of(tasks.clone(), |tasks| async move { tasks.close().await });
            Ok(OpenTasks { tasks, outlives_us: true, closing })
        }
        #[cfg(feature = "rabbitmq")]
        QueueAdapter::RabbitMq { .. } => Ok(in_process()),
        QueueAdapter::Process => Ok(in_process()),
    }
}

/// Whether the queue that is configured lets us in.
pub(crate) async fn try_tasks(config: &Config) -> anyhow::Result<()> {
    open_tasks(config).await?.closing.close().await;
    Ok(())
}

fn in_process() -> OpenTasks {
    OpenTasks { tasks: Arc::new(ProcessTasks::default()), outlives_us: false, closing: Closing::nothing() }
}

#[cfg(feature = "rabbitmq")]
fn needed(config: &Config) -> bool {
    [Service::Saga, Service::Transfer].into_iter().any(|service| config.server.services.include(service))
}
