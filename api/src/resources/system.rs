//! Health and metrics, for whoever runs the drive.

mod metrics;
mod ready;

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde::Serialize;

use self::metrics::MetricsText;
use self::ready::{NotReady, Ready, look};
use super::Tag;
use crate::app::App;
use crate::http::problem::problems;

/// Health and metrics.
pub struct SystemApi;

#[OpenApi(tag = "Tag::System")]
impl SystemApi {
    /// Is the process alive
    ///
    /// Touches nothing: a process that does not answer should be started anew.
    #[oai(path = "/livez", method = "get", operation_id = "livez")]
    #[expect(clippy::unused_async, reason = "handlers are async")]
    async fn live(&self) -> Result<LiveAnswer, SystemProblem> {
        Ok(LiveAnswer::Alive(Json(Alive { status: "ok".to_owned() })))
    }

    /// Is the drive ready to serve
    ///
    /// Asks each thing that the drive stands on, and tells how far the read tables are behind the log. A drive that is not ready should
    /// get no requests for now.
    #[oai(path = "/readyz", method = "get", operation_id = "readyz")]
    async fn ready(&self, app: Data<&Arc<App>>) -> Result<ReadyAnswer, SystemProblem> {
        Ok(match look(&app).await {
            Ok(ready) => ReadyAnswer::Ready(Json(ready)),
            Err(not_ready) => ReadyAnswer::NotReady(Json(*not_ready), ready::RETRY_AFTER_SECONDS),
        })
    }

    /// Metrics
    ///
    /// In the text format of Prometheus, version 0.0.4.
    #[oai(path = "/metrics", method = "get", operation_id = "metrics")]
    #[expect(clippy::unused_async, reason = "handlers are async")]
    async fn metrics(&self, app: Data<&Arc<App>>) -> Result<MetricsAnswer, SystemProblem> {
        Ok(MetricsAnswer::Text(MetricsText((app.metrics)())))
    }
}

problems! {
    /// What may go wrong all the same.
    pub SystemProblem: malformed, internal;
}

/// The process is alive.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
pub struct Alive {
    /// Always `ok`.
    pub status: String,
}

impl Example for Alive {
    fn example() -> Self {
        Self { status: "ok".to_owned() }
    }
}

/// What a question for life is answered with.
#[derive(ApiResponse)]
pub enum LiveAnswer {
    /// The process is alive.
    #[oai(status = 200)]
    Alive(Json<Alive>),
}

/// What a question for readiness is answered with.
#[derive(ApiResponse)]
pub enum ReadyAnswer {
    /// Everything answers.
    #[oai(status = 200)]
    Ready(Json<Ready>),
    /// Something does not.
    #[oai(status = 503, content_type = "application/problem+json")]
    NotReady(
        Json<NotReady>,
        /// Seconds to wait before the next try.
        #[oai(header = "Retry-After")]
        u32,
    ),
}

/// The metrics.
#[derive(ApiResponse)]
pub enum MetricsAnswer {
    /// One line for each value.
    #[oai(status = 200)]
    Text(MetricsText),
}
