//! The queue in this process. Tasks end with it, and are pushed again from the log when it starts.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;

use super::{Delivery, QueueError, Receipt, Task, TaskQueue};

/// Tasks that wait, at most. More would only be memory: what is refused is pushed again later.
const TASKS_MAX: usize = 10_000;
/// Failed tasks that are kept, at most; the oldest go.
const FAILED_MAX: usize = 1_000;

/// The twin, and what a drive of one process uses. Clones are one queue.
#[derive(Debug, Clone, Default)]
pub struct ProcessTasks(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    tasks: Mutex<Tasks>,
    more: Notify,
}

#[derive(Debug, Default)]
struct Tasks {
    waiting: VecDeque<Task>,
    failed: VecDeque<(Task, String)>,
}

impl ProcessTasks {
    /// What could not be done, and why, the oldest first.
    pub fn failed(&self) -> Vec<(Task, String)> {
        self.0.tasks().failed.iter().cloned().collect()
    }
}

impl Shared {
    fn tasks(&self) -> MutexGuard<'_, Tasks> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, task: Task) {
        self.tasks().waiting.push_back(task);
        self.more.notify_one();
    }

    fn put_back(&self, task: Task) {
        self.tasks().waiting.push_front(task);
        self.more.notify_one();
    }

    fn next(&self) -> Option<Task> {
        let mut tasks = self.tasks();
        let next = tasks.waiting.pop_front();
        if !tasks.waiting.is_empty() {
            self.more.notify_one();
        }
        next
    }
}

#[async_trait]
impl TaskQueue for ProcessTasks {
    async fn push(&self, task: &Task) -> Result<(), QueueError> {
        if self.0.tasks().waiting.len() >= TASKS_MAX {
            return Err(QueueError::Refused(format!("{TASKS_MAX} tasks wait already").into()));
        }
        self.0.put(task.clone());
        Ok(())
    }

    async fn take(&self) -> Delivery {
        loop {
            if let Some(task) = self.0.next() {
                let receipt = InProcess { queue: self.0.clone(), task: Some(task.clone()) };
                return Delivery::new(task, Box::new(receipt));
            }
            self.0.more.notified().await;
        }
    }

    async fn reachable(&self) -> Result<(), QueueError> {
        Ok(())
    }
}

#[derive(Debug)]
struct InProcess {
    queue: Arc<Shared>,
    /// None when it was told what became of it.
    task: Option<Task>,
}

#[async_trait]
impl Receipt for InProcess {
    async fn done(mut self: Box<Self>) -> Result<(), QueueError> {
        self.task = None;
        Ok(())
    }

    async fn again(mut self: Box<Self>, task: Task, after: Duration) -> Result<(), QueueError> {
        self.task = None;
        let queue = self.queue.clone();
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            queue.put(task);
        });
        Ok(())
    }

    async fn failed(mut self: Box<Self>, task: Task, reason: &str) -> Result<(), QueueError> {
        self.task = None;
        let mut tasks = self.queue.tasks();
        tasks.failed.push_back((task, reason.to_owned()));
        if tasks.failed.len() > FAILED_MAX {
            tasks.failed.pop_front();
        }
        Ok(())
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            self.queue.put_back(task);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::contract::{self, Scene};
    use super::*;

    impl Scene for ProcessTasks {
        type Queue = ProcessTasks;

        async fn process(&self) -> ProcessTasks {
            self.clone()
        }

        async fn failed(&self) -> Vec<(Task, String)> {
            self.failed()
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn keeps_the_contract() {
        contract::suite(&ProcessTasks::default()).await;
    }

    #[tokio::test]
    async fn it_does_not_grow_for_ever() {
        let queue = ProcessTasks::default();
        for n in 0..TASKS_MAX {
            queue.push(&contract::task(n)).await.expect("pushed");
        }
        assert!(matches!(queue.push(&contract::task(0)).await, Err(QueueError::Refused(_))));
    }
}
