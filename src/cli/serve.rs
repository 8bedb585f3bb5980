//! `cairn serve`: the drive.

mod digests;
mod offline;
mod relay;
mod transfers;

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use cairn_api::App;
use cairn_api::http::listen::{self, Drained, ListenLimits};
use cairn_commands::sagas::{Finished, empty_folders, empty_trash, finish_begun, remove_old_versions};
use cairn_commands::upload::{expire_overdue, sweep_staging};
use cairn_commands::{Drive, Trouble};
use cairn_domain::Timestamp;
use cairn_infra::config::{Config, Overrides, Server, Service, Services};
use cairn_projections::Runner;
use cairn_projections::queries::uploads::count_all_open_uploads;
use cairn_projections::runner::{PrepareError, Progress};
use clap::Args;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;

use super::Place;
use crate::data::DataDirectory;
use crate::lifecycle::{Lifecycle, Signals};
use crate::steering::open_door;
use crate::telemetry;
use crate::unusable::Unusable;
use crate::wiring::Whole;

/// Run the drive.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cairn serve                                   on http://127.0.0.1:8080, data in ./cairn-data
  cairn serve --listen 0.0.0.0:80 --data /srv/cairn
  cairn serve --config cairn.toml --services upload,download

SIGTERM and ctrl-C end it in good order.")]
pub(super) struct Serve {
    #[command(flatten)]
    place: Place,
    /// Address and port to listen on [default: 127.0.0.1:8080]; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// What this process does [default: all]: some of account, upload, download, share, projector, saga, transfer, offline,
    /// relay, janitor.
    #[arg(long, value_name = "SERVICE,...")]
    services: Option<Services>,
}

/// How often the clean-up looks for work.
const CLEAN_UP_EVERY: Duration = Duration::from_secs(30);
/// An upload that expires is ended at most this late.
const EXPIRE_EVERY: Duration = Duration::from_secs(5);
/// How often gauges are brought up to date.
const GAUGES_EVERY: Duration = Duration::from_secs(5);
/// How often what nobody will ever ask for is looked for among uploads.
const SWEEP_EVERY: Duration = Duration::from_mins(10);
/// What was appended longer ago than this has its digest kept: altered after that, it is noticed.
const DIGEST_EVERY: Duration = Duration::from_secs(2);
/// No command is still at an upload to which nothing has come for this long.
const QUIET: Duration = Duration::from_hours(1);
/// What is younger than this is most likely still in the hands of its own command.
const PATIENCE_SECONDS: u64 = 60;

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.place.load(Overrides { listen: self.listen, services: self.services, ..Overrides::default() })?;
        telemetry::start_logging(&config.telemetry).context(Unusable)?;
        raise_open_files();
        super::block_on(serve(config))
    }
}

async fn serve(config: Config) -> anyhow::Result<ExitCode> {
    let metrics = telemetry::start_metrics()?;
    let data = DataDirectory::create(&config.server.data)?;
    let _lock = data.lock()?;
    let listener = listen::bind(config.server.listen)
        .with_context(|| format!("{} can't be listened on", config.server.listen))
        .context(Unusable)?;
    let whole = Whole::open(&config, &data).await?;
    let lifecycle = Lifecycle::new();
    let services = &config.server.services;
    start_runner(&whole, services, &lifecycle).await?;
    put_in_order(&whole, services).await?;
    start_clean_up(&whole, services, &lifecycle);
    if services.include(Service::Janitor) {
        digests::start_keeping(&whole, &lifecycle);
    }
    transfers::start_transfers(&whole, &config, &lifecycle);
    if services.include(Service::Offline) {
        offline::start_fetcher(&whole, &config, &lifecycle);
    }
    if services.include(Service::Relay) {
        relay::start_relay(&whole, &lifecycle);
    }

    match open_door(&data, whole.foundation.runner.clone(), lifecycle.stop()) {
        Ok(door) => lifecycle.spawn("orders", door),
        // Not every file system has sockets.
        Err(error) => tracing::warn!(error = &*error as &dyn std::error::Error, "other verbs can't reach this drive"),
    }
    let url = public_url(&config, &listener)?;
    start_gauges(&whole, metrics.clone(), &lifecycle);
    let app = whole.app(url.clone(), &config, Box::new(move || metrics.render()));
    let server = start_server(app, listener, &config.server, &lifecycle);
    let mut signals = Signals::catch().context("signals can't be caught")?;
    announce(&url, services, &data);
    lifecycle.until_told(&mut signals).await;
    tracing::info!("stopping: requests in flight are finished first");
    let well = tokio::select! {
        finished = finish(&lifecycle, server, &whole) => finished?,
        () = signals.next() => {
            tracing::warn!("told a second time: stopping at once; what was acknowledged is safe");
            false
        }
    };
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Brings the read tables up to the log and keeps them there, or follows the process that does.
async fn start_runner(whole: &Whole, services: &Services, lifecycle: &Lifecycle) -> anyhow::Result<()> {
    let runner = whole.foundation.runner.clone();
    let stop = lifecycle.stop_last();
    if !services.include(Service::Projector) {
        lifecycle.spawn("projections", async move { runner.watch(stop).await });
        return Ok(());
    }
    let progress = |progress: Progress| tracing::debug!(?progress, "building the read tables");
    let prepared = runner.prepare(&progress, &stop).await;
    let is_refused = matches!(prepared, Err(PrepareError::Refused(_)));
    if let Err(error) = prepared.context("the read tables can't be used") {
        return Err(if is_refused { error.context(Unusable) } else { error });
    }
    runner.catch_up().await.context("the read tables can't be brought up to the log")?;
    renew(&runner, lifecycle).await?;
    lifecycle.spawn("projections", async move {
        if let Err(refused) = runner.run(stop).await {
            tracing::error!(error = %refused, "the read tables do not belong to the log");
        }
    });
    Ok(())
}

/// Rows of an earlier version serve until there are new ones.
async fn renew(runner: &Runner, lifecycle: &Lifecycle) -> anyhow::Result<()> {
    if !runner.is_outdated().await.context("the read tables can't be used")? {
        return Ok(());
    }
    tracing::info!("an earlier version has made some of the read tables: they serve while new ones are made");
    let (runner, stop) = (runner.clone(), lifecycle.stop());
    lifecycle.spawn_once(async move {
        let progress = |progress: Progress| tracing::debug!(?progress, "making the read tables anew");
        runner.renew(&progress, &stop).await;
    });
    Ok(())
}

/// Finishes or sweeps away what an earlier process left half-way, before the first request is taken. What may be in the hands of another
/// process is left to its time.
async fn put_in_order(whole: &Whole, services: &Services) -> anyhow::Result<()> {
    let mut finished = Finished::default();
    if services.include(Service::Saga) {
        let patience = if whole.foundation.shared && whole.shares_staging { PATIENCE_SECONDS } else { 0 };
        let checkpoints = &*whole.foundation.checkpoints;
        finished = finish_begun(&whole.drive, checkpoints, patience).await.context("unfinished work can't be finished")?;
    }
    let quiet = if whole.shares_staging { QUIET } else { Duration::ZERO };
    let swept = sweep_staging(&whole.drive, quiet).await.context("the staging area can't be cleaned up")?;
    if finished.accounts + finished.files + swept > 0 {
        tracing::info!(
            accounts = finished.accounts,
            files = finished.files,
            swept,
            "finished what an earlier process left half-way"
        );
    }
    Ok(())
}

fn start_clean_up(whole: &Whole, services: &Services, lifecycle: &Lifecycle) {
    if services.include(Service::Janitor) {
        let drive = whole.drive.clone();
        lifecycle.every("expiry", EXPIRE_EVERY, move || {
            let drive = drive.clone();
            async move { report("expiring uploads", expire(&drive).await) }
        });
        let drive = whole.drive.clone();
        lifecycle.every("clean-up", CLEAN_UP_EVERY, move || {
            let drive = drive.clone();
            async move { report("forgetting old answers", forget_answers(&drive).await) }
        });
    }
    if services.include(Service::Janitor) || !whole.shares_staging {
        let drive = whole.drive.clone();
        lifecycle.every("sweeping", SWEEP_EVERY, move || {
            let drive = drive.clone();
            async move { report("sweeping the staging area", sweep_staging(&drive, QUIET).await.map(|_| ())) }
        });
    }
    if services.include(Service::Saga) {
        let (drive, checkpoints) = (whole.drive.clone(), whole.foundation.checkpoints.clone());
        lifecycle.every("emptying the trash", EXPIRE_EVERY, move || {
            let (drive, checkpoints) = (drive.clone(), checkpoints.clone());
            async move { report("emptying the trash", empty_trash(&drive, &*checkpoints).await.map(|_| ())) }
        });
        let (drive, checkpoints) = (whole.drive.clone(), whole.foundation.checkpoints.clone());
        lifecycle.every("old versions", EXPIRE_EVERY, move || {
            let (drive, checkpoints) = (drive.clone(), checkpoints.clone());
            async move { report("removing old versions", remove_old_versions(&drive, &*checkpoints).await.map(|_| ())) }
        });
        let (drive, checkpoints) = (whole.drive.clone(), whole.foundation.checkpoints.clone());
        lifecycle.every("emptying folders", CLEAN_UP_EVERY, move || {
            let (drive, checkpoints) = (drive.clone(), checkpoints.clone());
            async move {
                let emptied = empty_folders(&drive, &*checkpoints, PATIENCE_SECONDS).await;
                report("purging what stood in folders", emptied.map(|_| ()));
            }
        });
        let (drive, checkpoints) = (whole.drive.clone(), whole.foundation.checkpoints.clone());
        lifecycle.every("finishing", CLEAN_UP_EVERY, move || {
            let (drive, checkpoints) = (drive.clone(), checkpoints.clone());
            async move { report("finishing what began", finish_begun(&drive, &*checkpoints, PATIENCE_SECONDS).await.map(|_| ())) }
        });
    }
}

/// Keeps up the figures that nobody else counts.
fn start_gauges(whole: &Whole, metrics: PrometheusHandle, lifecycle: &Lifecycle) {
    metrics::describe_gauge!("cairn_uploads_open", "Uploads in parts that take parts.");
    let tables = whole.foundation.tables.clone();
    lifecycle.every("gauges", GAUGES_EVERY, move || {
        metrics.run_upkeep();
        let tables = tables.clone();
        async move {
            match count_all_open_uploads(&*tables).await {
                #[expect(clippy::cast_precision_loss, reason = "a gauge is a double; counts are exact in it up to 2^53")]
                Ok(open) => metrics::gauge!("cairn_uploads_open").set(open as f64),
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "the open uploads can't be counted"),
            }
        }
    });
}

async fn expire(drive: &Drive) -> Result<(), Trouble> {
    let ended = expire_overdue(drive).await?;
    if ended > 0 {
        tracing::info!(ended, "uploads expired");
    }
    Ok(())
}

async fn forget_answers(drive: &Drive) -> Result<(), Trouble> {
    let seconds = i64::try_from(drive.limits().answer_remembered_seconds).unwrap_or(i64::MAX / 2_000_000);
    let before = Timestamp(drive.ports().clock.now().0 - seconds.saturating_mul(1_000_000));
    Ok(drive.ports().ledger.forget(before).await.map(|_| ())?)
}

/// What the log calls this process where it says who was at something.
fn process_name() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{host}:{}", std::process::id())
}

fn report(what: &str, done: Result<(), Trouble>) {
    if let Err(trouble) = done {
        tracing::warn!(error = &trouble as &dyn std::error::Error, "{what} did not go well; it is tried again");
    }
}

type ServerTask = tokio::task::JoinHandle<Drained>;

fn start_server(app: Arc<App>, listener: TcpListener, server: &Server, lifecycle: &Lifecycle) -> ServerTask {
    let idle = Duration::from_secs(server.idle_seconds_max);
    let limits = ListenLimits {
        connections_max: server.connections_max,
        header_deadline: Duration::from_secs(server.header_seconds_max),
        body_idle_deadline: idle,
        write_idle_deadline: idle,
        drain_deadline: Duration::from_secs(server.drain_seconds_max),
        ..ListenLimits::default()
    };
    tokio::spawn(listen::serve(listener, cairn_api::service::service(app), limits, lifecycle.stop()))
}

/// First the requests, then the commands that outlived theirs, then the tasks, then the files.
async fn finish(lifecycle: &Lifecycle, server: ServerTask, whole: &Whole) -> anyhow::Result<bool> {
    lifecycle.stop().cancel();
    if let Drained::Cut(connections) = server.await.context("the server task died")? {
        tracing::warn!(connections, "requests that did not end in time were cut off");
    }
    whole.drive.drained().await;
    let well = lifecycle.finish().await;
    whole.foundation.close().await;
    Ok(well)
}

fn public_url(config: &Config, listener: &TcpListener) -> anyhow::Result<String> {
    let mut server = config.server.clone();
    server.listen = listener.local_addr()?;
    Ok(server.url())
}

fn announce(url: &str, services: &Services, data: &DataDirectory) {
    let data = data.path().display();
    let mut text = format!("Cairn is ready.\n  API         {url}\n  Swagger UI  {url}/docs\n  Data        {data}\n");
    if !services.are_all() {
        text = format!("{text}  Services    {services}\n");
    }
    // Whoever has started the drive may have stopped listening.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// One descriptor for each connection and one for each file that it reads or writes: the usual soft limit of 1,024 is too low.
fn raise_open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if setrlimit(Resource::Nofile, limit).is_err() {
        tracing::warn!("the limit of open files can't be raised");
    }
}
