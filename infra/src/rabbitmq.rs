//! The queue of tasks in RabbitMQ, in the shape that the workers of the design before know, so that they and ours can share it.

mod connect;

pub use connect::{BadUrl, OpenError, Server, Settings};
