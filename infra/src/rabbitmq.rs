//! The queue of tasks in RabbitMQ, in the shape that the workers of the design before know, so that they and ours can share it.
//!
//! A task is safe when the server has confirmed it, and stays on the server until its worker says what became of it. Whatever is to go
//! elsewhere (to come again later, or to the failed ones) is published there and confirmed before it is taken from the queue: a crash in
//! between leaves it twice, never lost.

mod connect;
mod consumer;
mod message;
mod publisher;
mod queue;
mod topology;

pub use connect::{BadUrl, OpenError, Server, Settings};
pub use queue::RabbitTasks;
