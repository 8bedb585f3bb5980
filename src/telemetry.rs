//! Logs and metrics.

use std::io::IsTerminal;

use anyhow::Context;
use cairn_infra::config::{LogFormat, Telemetry};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// What is not logged unless the filter names it.
const QUIET: &str = "kurrentdb=off";

/// Starts logging: for people on a terminal, one JSON object a line otherwise.
pub(crate) fn start_logging(section: &Telemetry) -> anyhow::Result<()> {
    // The client of EventStoreDB calls every question that is tried again an error. Whoever wants to read that names it in the filter.
    let filter = EnvFilter::try_new(format!("{QUIET},{}", section.filter)).context("telemetry.filter is not a log filter")?;
    let human = match section.format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Human => true,
        LogFormat::Json => false,
    };
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // There is nowhere to say that stderr can't be written, and trying would end the thread.
    let lines = lines.log_internal_errors(false);
    let started = if human {
        lines.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init()
    } else {
        lines.json().flatten_event(true).with_span_list(false).try_init()
    };
    started.map_err(|error| anyhow::anyhow!(error)).context("logging does not start")
}

/// Upper bounds of the latency histograms, in seconds: from an append alone to a long upload.
const SECONDS: [f64; 14] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0];

/// Starts collecting metrics; the handle renders them for Prometheus.
pub(crate) fn start_metrics() -> anyhow::Result<PrometheusHandle> {
    let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?;
    builder.install_recorder().context("metrics do not start")
}
