use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cairn_commands::ports::tasks::{Delivery, QueueError, Receipt, Task, TaskQueue};
use lapin::Acker;
use lapin::options::{BasicAckOptions, BasicNackOptions};
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::connect::{OpenError, Server, Settings};
use super::consumer::{Taken, Taker};
use super::message;
use super::publisher::{Beside, Publisher, Target};
use super::topology::ROUTING_KEY;

/// How long telling the server what became of a task may take.
const ANSWER_MAX: Duration = Duration::from_millis(2_500);

/// The queue of tasks on a server. Dropping it ends its connections; what was taken and not answered comes again.
#[derive(Debug)]
pub struct RabbitTasks {
    server: Server,
    settings: Settings,
    publisher: Arc<Publisher>,
    /// None until somebody wants a task: a process that only pushes takes none away from others.
    taken: Mutex<Option<mpsc::Receiver<Taken>>>,
    tasks: TaskTracker,
    stop: CancellationToken,
    _stop_when_dropped: DropGuard,
}

impl RabbitTasks {
    /// Connects, and makes the exchange and the queues that are missing.
    pub async fn open(server: &Server, settings: Settings) -> Result<Self, OpenError> {
        let publisher = Arc::new(Publisher::open(server, &settings).await?);
        let stop = CancellationToken::new();
        Ok(Self {
            server: server.clone(),
            settings,
            publisher,
            taken: Mutex::default(),
            tasks: TaskTracker::new(),
            _stop_when_dropped: stop.clone().drop_guard(),
            stop,
        })
    }

    /// Takes no more tasks and closes the connections.
    pub async fn close(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.publisher.close().await;
    }

    fn start_taking(&self) -> mpsc::Receiver<Taken> {
        let (taken, receiver) = mpsc::channel(1);
        let (server, settings) = (self.server.clone(), self.settings.clone());
        let taker = Taker { server, settings, publisher: self.publisher.clone(), taken };
        self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(taker.run()));
        receiver
    }
}

#[async_trait]
impl TaskQueue for RabbitTasks {
    async fn push(&self, task: &Task) -> Result<(), QueueError> {
        let body = message::encode(task).map_err(|error| QueueError::Refused(error.into()))?;
        let target = Target { exchange: &self.settings.exchange, routing_key: ROUTING_KEY };
        self.publisher.publish(target, &body, Beside::default()).await
    }

    async fn take(&self) -> Delivery {
        let mut receiver = self.taken.lock().await;
        let receiver = receiver.get_or_insert_with(|| self.start_taking());
        while let Some(Taken { task, acker }) = receiver.recv().await {
            // What came over a connection that is gone was given to somebody else meanwhile, perhaps to us.
            if acker.usable() {
                let receipt = OnServer { acker: Some(acker), publisher: self.publisher.clone(), settings: self.settings.clone() };
                return Delivery::new(task, Box::new(receipt));
            }
        }
        // The queue was closed.
        std::future::pending().await
    }

    async fn reachable(&self) -> Result<(), QueueError> {
        self.publisher.reachable().await
    }
}

#[derive(Debug)]
struct OnServer {
    /// None when the server was told what became of the task.
    acker: Option<Acker>,
    publisher: Arc<Publisher>,
    settings: Settings,
}

impl OnServer {
    async fn acknowledge(&mut self) -> Result<(), QueueError> {
        let Some(acker) = self.acker.take() else { return Ok(()) };
        let gone = || QueueError::Unavailable("the connection over which the task came is gone".into());
        match tokio::time::timeout(ANSWER_MAX, acker.ack(BasicAckOptions::default())).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) | Err(_) => Err(gone()),
            Ok(Err(error)) => Err(QueueError::Unavailable(error.into())),
        }
    }

    /// Puts a copy elsewhere, and only then takes the task from the queue.
    async fn move_to(&mut self, queue: &str, task: &Task, beside: Beside<'_>) -> Result<(), QueueError> {
        let body = message::encode(task).map_err(|error| QueueError::Refused(error.into()))?;
        self.publisher.publish(Target { exchange: "", routing_key: queue }, &body, beside).await?;
        self.acknowledge().await
    }
}

#[async_trait]
impl Receipt for OnServer {
    async fn done(mut self: Box<Self>) -> Result<(), QueueError> {
        self.acknowledge().await
    }

    async fn again(mut self: Box<Self>, task: Task, after: Duration) -> Result<(), QueueError> {
        let queue = self.settings.waiting_queue(after);
        self.move_to(&queue, &task, Beside { waits: Some(after), ..Beside::default() }).await
    }

    async fn failed(mut self: Box<Self>, task: Task, reason: &str) -> Result<(), QueueError> {
        let queue = self.settings.error_queue();
        self.move_to(&queue, &task, Beside { reason: Some(reason), ..Beside::default() }).await
    }
}

impl Drop for OnServer {
    fn drop(&mut self) {
        let Some(acker) = self.acker.take() else { return };
        // Outside of a runtime the connection ends as well, and the server gives the task back by itself.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let back = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
                let _ = tokio::time::timeout(ANSWER_MAX, acker.nack(back)).await;
            });
        }
    }
}
