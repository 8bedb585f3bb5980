//! Copies of the read tables on other servers, kept up by the replication of MySQL.
//!
//! Each copy's own checkpoint rows say how far it is. A question goes to a copy that has reached the position asked for, otherwise to the
//! primary; also a copy that has fallen seconds behind is left out. One that does not answer is left out, and taken back when it does.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use cairn_domain::Position;
use cairn_projections::bookkeeping;
use cairn_projections::ports::{Copies, ReadError, ReadTables, Row};
use cairn_projections::sql::{Dialect, Sql};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{DIALECT, MysqlViews, READERS_MAX, read};
use crate::mysql::connect::{Pool, Server};

/// How often each server is asked how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How often one that does not answer is tried again.
const TRY_EVERY: Duration = Duration::from_secs(1);

/// How old an answer may be to somebody who has asked for no position.
const BEHIND_MAX: Duration = Duration::from_secs(2);

/// Stands for a copy that has reached nothing, because it does not answer.
const NOWHERE: u64 = 0;

/// The tables of the primary and their copies.
#[derive(Debug)]
pub struct MysqlReplicas {
    primary: Arc<MysqlViews>,
    replicas: Vec<Arc<Replica>>,
    /// Where the primary was [`BEHIND_MAX`] ago.
    floor: Arc<AtomicU64>,
    turn: AtomicUsize,
    _stop_when_dropped: DropGuard,
}

#[derive(Debug)]
struct Replica {
    server: Server,
    readers: Pool,
    primary: Arc<MysqlViews>,
    reached: AtomicU64,
}

impl MysqlReplicas {
    /// Watches these servers from now on. None of them need be there yet.
    pub fn start(primary: MysqlViews, servers: &[Server]) -> Self {
        let (primary, stop, floor) = (Arc::new(primary), CancellationToken::new(), Arc::new(AtomicU64::new(u64::MAX)));
        let replica = |server: &Server| {
            let (readers, primary) = (server.pool(READERS_MAX), Arc::clone(&primary));
            Arc::new(Replica { server: server.clone(), readers, primary, reached: AtomicU64::new(NOWHERE) })
        };
        let replicas: Vec<_> = servers.iter().map(replica).collect();
        for replica in &replicas {
            tokio::spawn(stop.clone().run_until_cancelled_owned(watch(Arc::clone(replica))));
        }
        if !replicas.is_empty() {
            let watched = watch_primary(primary.readers.clone(), Arc::clone(&floor));
            tokio::spawn(stop.clone().run_until_cancelled_owned(watched));
        }
        Self { primary, replicas, floor, turn: AtomicUsize::new(0), _stop_when_dropped: stop.drop_guard() }
    }
}

impl Copies for MysqlReplicas {
    fn reached(&self, position: Position) -> Arc<dyn ReadTables> {
        let wanted = position.0.max(self.floor.load(Ordering::Relaxed)).max(NOWHERE + 1);
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut turns = (0..self.replicas.len()).map(|place| &self.replicas[(turn + place) % self.replicas.len()]);
        let found = turns.find(|replica| replica.reached.load(Ordering::Relaxed) >= wanted);
        found.map_or_else(|| Arc::clone(&self.primary) as Arc<dyn ReadTables>, |replica| Arc::clone(replica) as Arc<dyn ReadTables>)
    }
}

#[async_trait]
impl ReadTables for Replica {
    fn dialect(&self) -> Dialect {
        DIALECT
    }

    async fn rows(&self, query: Sql) -> Result<Vec<Row>, ReadError> {
        match read::rows(&self.readers, &query).await {
            Err(error) => {
                self.leave_out(&error);
                self.primary.rows(query).await
            }
            rows => rows,
        }
    }
}

impl Replica {
    fn leave_out(&self, error: &ReadError) {
        if self.reached.swap(NOWHERE, Ordering::Relaxed) != NOWHERE {
            let replica = self.server.to_string();
            tracing::warn!(error = error as &dyn std::error::Error, replica, "a replica does not answer and is left out");
        }
    }
}

async fn watch(replica: Arc<Replica>) {
    loop {
        match position(&replica.readers).await {
            Ok(position) => {
                if replica.reached.swap(position.0, Ordering::Relaxed) == NOWHERE && position.0 != NOWHERE {
                    tracing::info!(replica = %replica.server, position = position.0, "a replica is read from");
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
            Err(error) => {
                replica.leave_out(&error);
                tokio::time::sleep(TRY_EVERY).await;
            }
        }
    }
}

/// Before the first answers are old enough, no copy is known to be fresh; nor while the primary does not answer, because others may reach it.
async fn watch_primary(primary: Pool, floor: Arc<AtomicU64>) {
    let (mut seen, mut heard) = (VecDeque::new(), Instant::now());
    loop {
        if let Ok(position) = position(&primary).await {
            let now = Instant::now();
            seen.push_back((now, position));
            heard = now;
            while let Some((_, old)) = seen.pop_front_if(|(at, _)| now.duration_since(*at) > BEHIND_MAX) {
                floor.store(old.0, Ordering::Relaxed);
            }
        }
        if heard.elapsed() > BEHIND_MAX {
            seen.clear();
            floor.store(u64::MAX, Ordering::Relaxed);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What all projections have reached there.
async fn position(readers: &Pool) -> Result<Position, ReadError> {
    let rows = read::rows(readers, &bookkeeping::checkpoints(DIALECT)).await?;
    let positions = rows.iter().map(|row| Ok(bookkeeping::checkpoint(row)?.position));
    Ok(positions.collect::<Result<Vec<_>, ReadError>>()?.into_iter().min().unwrap_or(Position::START))
}
