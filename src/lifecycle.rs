//! Background tasks and the two stages of stopping: first no more work is taken, then what is in flight is finished.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The tasks of a process. One that ends before it was told to stops the process, and the exit code says so.
#[derive(Clone)]
pub(crate) struct Lifecycle {
    tasks: TaskTracker,
    stop: CancellationToken,
    last: CancellationToken,
    died: CancellationToken,
}

impl Lifecycle {
    pub(crate) fn new() -> Self {
        Self {
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            last: CancellationToken::new(),
            died: CancellationToken::new(),
        }
    }

    /// Told when everything shall stop.
    pub(crate) fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Told when the requests have ended: what they wait for must outlive them.
    pub(crate) fn stop_last(&self) -> CancellationToken {
        self.last.clone()
    }

    /// Runs a task until it is told to stop.
    pub(crate) fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let (stop, died) = (self.stop.clone(), self.died.clone());
        let task = tokio::spawn(task);
        self.tasks.spawn(async move {
            let ended = task.await;
            if !stop.is_cancelled() {
                tracing::error!(task = name, panicked = ended.is_err(), "a task ended that never should: stopping");
                died.cancel();
                stop.cancel();
            }
        });
    }

    /// Runs `step` again and again, first at once, with a pause between, until the process stops.
    pub(crate) fn every<F, S>(&self, name: &'static str, pause: Duration, mut step: F)
    where
        F: FnMut() -> S + Send + 'static,
        S: Future<Output = ()> + Send,
    {
        let stop = self.stop.clone();
        self.spawn(name, async move {
            while !stop.is_cancelled() {
                step().await;
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(pause) => {}
                }
            }
        });
    }

    /// Waits for SIGTERM, SIGINT or the death of a task.
    pub(crate) async fn until_told(&self) -> std::io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = self.stop.cancelled() => {}
        }
        Ok(())
    }

    /// Stops every task and waits for the last. False when one had died before.
    pub(crate) async fn finish(&self) -> bool {
        self.stop.cancel();
        self.last.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        !self.died.is_cancelled()
    }
}
