//! Real servers for tests: MariaDB, NATS, Redis, RabbitMQ and Ceph's S3 gateway, started as processes from Debian's packages.
//!
//! A private server ([`MariaDb::start`] and its like) belongs to the value that started it. It can be frozen, killed and started
//! again on the same port and data, and it ends with the process that started it, even if that is killed with SIGKILL. Then only its
//! directory stays, below `CAIRN_TEST_DIR` or the system's temporary directory.
//!
//! A shared server ([`shared`]) is one for all test processes of a run, because RabbitMQ and Ceph need seconds to start. Tests
//! give it load but no faults: nothing here can freeze or kill it. Each test uses names of its own there.
//!
//! [`ChaosProxy`] stands between a client and a server and makes the network between them bad.
//!
//! Everything listens on 127.0.0.1 only, writes below a directory of its own only, and installs nothing: when a program is
//! missing, the error names the Debian package.

#[macro_use]
mod address;

pub mod shared;

mod ceph;
mod chaos;
mod mariadb;
mod nats;
mod rabbitmq;
mod redis;

mod server;

mod command;
mod error;
mod http;
mod launcher;
mod place;
mod port;
mod process;
mod wait;

pub use ceph::{Ceph, CephAddress};
pub use chaos::ChaosProxy;
pub use error::Error;
pub use mariadb::{MariaDb, MariaDbAddress};
pub use nats::{Nats, NatsAddress};
pub use rabbitmq::{RabbitMq, RabbitMqAddress};
pub use redis::{Redis, RedisAddress};
pub use server::{Kind, Server};
