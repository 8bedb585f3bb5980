use std::sync::Arc;
use std::time::Duration;

use cairn_commands::ports::blobs::{BlobStore, Stores};
use cairn_commands::ports::bus::Bus;
use cairn_commands::ports::sessions::Reach;
use cairn_domain::Timestamp;
use cairn_projections::runner::{ProjectionStatus, RunnerHealth};
use futures_util::future::join_all;
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use serde::Serialize;
use tokio::time::timeout;

use crate::app::App;

/// How long one dependency may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// The read tables are looked at every second, so a runner that was not seen for this long is not running.
const RUNNER_SILENCE_SECONDS_MAX: u64 = 10;
/// When a client should ask again.
pub(super) const RETRY_AFTER_SECONDS: u32 = 5;

/// Everything answers.
#[derive(Debug, Clone, Serialize, Object)]
#[oai(example)]
pub struct Ready {
    /// Always `ready`.
    pub status: String,
    /// What the drive stands on.
    pub dependencies: Vec<Dependency>,
    /// How far the read tables are behind the log.
    pub projections: Vec<Lag>,
}

/// Something does not answer: a problem document with what is known of each dependency.
#[derive(Debug, Clone, Serialize, Object)]
#[oai(example)]
pub struct NotReady {
    /// A URI reference that names the kind of problem.
    #[oai(rename = "type")]
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem, for people.
    pub title: String,
    /// The HTTP status, repeated.
    pub status: u16,
    /// What happened and what can be done.
    pub detail: String,
    /// The kind of problem, for programs; it never changes.
    pub code: String,
    /// What the drive stands on.
    pub dependencies: Vec<Dependency>,
    /// How far the read tables are behind the log; empty when they do not answer.
    pub projections: Vec<Lag>,
}

/// One thing that the drive stands on.
#[derive(Debug, Clone, Serialize, Object)]
pub struct Dependency {
    /// `log`, `views`, `blobs` (the store that takes uploads), `staging` or `queue` (tasks for moving contents); `store:<name>` for any other
    /// store; `bus`, where others follow the events; `cache`, where processes share one.
    pub name: String,
    /// Whether it answers.
    pub state: DependencyState,
}

/// Whether a dependency answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub enum DependencyState {
    /// It does.
    Ready,
    /// It does not, and the drive does without it. The server's log says why.
    Degraded,
    /// It does not, or what keeps it up does not work. The server's log says why.
    Failing,
}

/// How far the rows of one projection are behind the log.
#[derive(Debug, Clone, Serialize, Object)]
pub struct Lag {
    /// Which projection.
    pub name: String,
    /// Events that are not in its rows yet.
    pub lag: u64,
}

/// Asks everything at once.
pub(super) async fn look(app: &App) -> Result<Ready, Box<NotReady>> {
    let ports = app.drive.ports();
    let health = app.runner.health();
    let (log, status, blobs, staging, others, queue, bus) = tokio::join!(
        timeout(PATIENCE, ports.log.head()),
        timeout(PATIENCE, app.runner.status()),
        timeout(PATIENCE, ports.stores.landing().reachable()),
        timeout(PATIENCE, ports.staging.reachable()),
        other_stores(&ports.stores),
        timeout(PATIENCE, ports.tasks.reachable()),
        bus(app.bus.as_deref()),
    );
    let runs = runs(&health, ports.clock.now());
    let projections = status.ok().and_then(Result::ok);
    let mut dependencies = vec![
        dependency("log", matches!(log, Ok(Ok(_)))),
        dependency("views", runs && projections.is_some()),
        dependency("blobs", matches!(blobs, Ok(Ok(())))),
        dependency("staging", matches!(staging, Ok(Ok(())))),
    ];
    dependencies.extend(others);
    dependencies.push(dispensable("queue", matches!(queue, Ok(Ok(())))));
    dependencies.extend(bus);
    dependencies.extend(cache(ports.sessions.reach()));
    answer(dependencies, projections.unwrap_or_default().into_iter().map(lag).collect())
}

fn answer(dependencies: Vec<Dependency>, projections: Vec<Lag>) -> Result<Ready, Box<NotReady>> {
    if dependencies.iter().all(|dependency| dependency.state != DependencyState::Failing) {
        return Ok(Ready { status: "ready".to_owned(), dependencies, projections });
    }
    Err(Box::new(NotReady::of(dependencies, projections)))
}

impl NotReady {
    fn of(dependencies: Vec<Dependency>, projections: Vec<Lag>) -> Self {
        let failing = dependencies.iter().filter(|dependency| dependency.state == DependencyState::Failing);
        let failing: Vec<&str> = failing.map(|dependency| dependency.name.as_str()).collect();
        Self {
            kind: "/problems/not_ready".to_owned(),
            title: "Not ready".to_owned(),
            status: 503,
            detail: format!("Not ready: {}. Try again.", failing.join(", ")),
            code: "not_ready".to_owned(),
            dependencies,
            projections,
        }
    }
}

/// True while somebody keeps the read tables up with the log, and nothing stands in the way.
fn runs(health: &RunnerHealth, now: Timestamp) -> bool {
    let seen = health.alive_at.is_some_and(|alive_at| now < alive_at.plus_seconds(RUNNER_SILENCE_SECONDS_MAX));
    seen && health.failing.is_none()
}

fn dependency(name: &str, ready: bool) -> Dependency {
    let state = if ready { DependencyState::Ready } else { DependencyState::Failing };
    Dependency { name: name.to_owned(), state }
}

/// Every store but the one that takes uploads. While one is away, what lies nowhere else can't be read, and all the rest can.
async fn other_stores(stores: &Stores) -> Vec<Dependency> {
    let others = stores.each().filter(|store| store.name() != stores.landing().name());
    let look = async |store: &Arc<dyn BlobStore>| {
        other_store(store.name(), matches!(timeout(PATIENCE, store.reachable()).await, Ok(Ok(()))))
    };
    join_all(others.map(look)).await
}

fn other_store(name: &str, ready: bool) -> Dependency {
    dispensable(&format!("store:{name}"), ready)
}

/// Nothing is said of a bus that nobody follows. What is not published on one that is away is published later.
async fn bus(bus: Option<&dyn Bus>) -> Option<Dependency> {
    let reachable = timeout(PATIENCE, bus?.reachable()).await;
    Some(dispensable("bus", matches!(reachable, Ok(Ok(())))))
}

/// What no request needs.
fn dispensable(name: &str, ready: bool) -> Dependency {
    let state = if ready { DependencyState::Ready } else { DependencyState::Degraded };
    Dependency { name: name.to_owned(), state }
}

/// Nothing is said of a cache that nobody shares. No request needs one that is.
fn cache(reach: Reach) -> Option<Dependency> {
    let state = match reach {
        Reach::Process => return None,
        Reach::Shared => DependencyState::Ready,
        Reach::Cut => DependencyState::Degraded,
    };
    Some(Dependency { name: "cache".to_owned(), state })
}

fn lag(status: ProjectionStatus) -> Lag {
    Lag { name: status.name, lag: status.lag }
}

impl Example for Ready {
    fn example() -> Self {
        let dependencies = ["log", "views", "blobs", "staging", "queue"].map(|name| dependency(name, true)).into();
        let projections = ["users", "files"].map(|name| Lag { name: name.to_owned(), lag: 0 }).into();
        Self { status: "ready".to_owned(), dependencies, projections }
    }
}

impl Example for NotReady {
    fn example() -> Self {
        Self::of(vec![dependency("log", true), dependency("views", false)], Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use cairn_commands::ports::bus::MemoryBusServer;

    use super::*;

    #[test]
    fn one_that_fails_makes_all_not_ready_and_is_named() {
        let not_ready = answer(vec![dependency("log", true), dependency("blobs", false)], Vec::new()).expect_err("not ready");
        assert_eq!(not_ready.detail, "Not ready: blobs. Try again.");
        assert!(answer(vec![dependency("log", true)], Vec::new()).is_ok());
        let without_cache = cache(Reach::Cut).expect("it is told");
        assert!(answer(vec![dependency("log", true), without_cache], Vec::new()).is_ok());
        assert!(cache(Reach::Process).is_none());
    }

    #[test]
    fn the_drive_is_ready_while_a_store_is_away_that_takes_no_uploads() {
        let ready = answer(vec![dependency("blobs", true), other_store("far", false)], Vec::new()).expect("ready");
        assert_eq!((ready.dependencies[1].name.as_str(), ready.dependencies[1].state), ("store:far", DependencyState::Degraded));
        assert_eq!(other_store("far", true).state, DependencyState::Ready);
    }

    #[tokio::test]
    async fn the_drive_is_ready_while_its_bus_and_its_queue_are_away() {
        assert!(bus(None).await.is_none());
        let here = bus(Some(&MemoryBusServer::default().connect())).await.expect("it is told");
        assert_eq!((here.name.as_str(), here.state), ("bus", DependencyState::Ready));
        let away = dispensable("queue", false);
        assert_eq!(away.state, DependencyState::Degraded);
        assert!(answer(vec![dependency("log", true), here, away], Vec::new()).is_ok());
    }

    #[test]
    fn a_runner_that_is_silent_or_failing_does_not_run() {
        let (alive_at, now) = (Some(Timestamp(0)), Timestamp(0).plus_seconds(9));
        let health = RunnerHealth { alive_at, failing: None };
        assert!(runs(&health, now));
        assert!(!runs(&health, Timestamp(0).plus_seconds(10)), "silent");
        assert!(!runs(&RunnerHealth { alive_at, failing: Some("the disk".to_owned()) }, now), "failing");
        assert!(!runs(&RunnerHealth::default(), now), "never seen");
    }
}
