//! Background tasks and the two stages of stopping: first no more work is taken, then what is in flight is finished.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// SIGTERM and SIGINT. Caught from the moment this is made, so it is made before the drive says that it is ready.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(crate) fn catch() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

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

    /// Runs a task that comes to an end by itself.
    pub(crate) fn spawn_once(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
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

    /// Waits for a signal or the death of a task.
    pub(crate) async fn until_told(&self, signals: &mut Signals) {
        tokio::select! {
            () = signals.next() => {}
            () = self.stop.cancelled() => {}
        }
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
