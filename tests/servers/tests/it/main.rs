//! Each server as a real process: started, used, frozen, killed, started again and stopped.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod amqp;
mod helper;
mod life;
mod support;

mod ceph;
mod mariadb;
mod nats;
mod rabbitmq;
mod redis;

mod chaos;
mod private;
mod shared;
