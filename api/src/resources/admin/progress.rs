//! A rebuild, to be watched: server-sent events (HTML Living Standard, section 9.2).

use std::time::Duration;

use cairn_projections::runner::Progress;
use futures_util::stream::{self, BoxStream, StreamExt};
use poem::web::headers::CacheControl;
use poem::web::headers::HeaderMapExt;
use poem::{Body, IntoResponse, Response};
use poem_openapi::payload::Payload;
use poem_openapi::registry::{MetaSchemaRef, Registry};
use poem_openapi::types::{Example, Type};
use poem_openapi::{ApiResponse, Object};
use tokio::sync::watch;

/// Between two steps that are told: nobody sees more.
const STEP_PAUSE: Duration = Duration::from_millis(250);

/// Something is said at least so often, so that nobody takes the connection for dead.
const SILENCE_MAX: Duration = Duration::from_secs(10);

#[derive(ApiResponse)]
pub(super) enum ProgressAnswer {
    /// The rebuild, step by step.
    #[oai(status = 200)]
    Followed(ProgressEvents),
}

/// A stream of events, one for each step, and one at the end.
pub(super) struct ProgressEvents(BoxStream<'static, Result<String, std::io::Error>>);

/// One event of the stream.
#[derive(Debug, Object)]
#[oai(rename = "RebuildStep", example)]
struct Step {
    /// `progress`, or `end`, after which nothing comes.
    event: String,
    /// An object of JSON: with `progress` the last event in the new rows (`done`) and the end of the log (`head`), with `end` an empty one.
    data: String,
}

impl Example for Step {
    fn example() -> Self {
        Self { event: "progress".to_owned(), data: r#"{"done":4096,"head":100000}"#.to_owned() }
    }
}

impl ProgressEvents {
    pub(super) fn of(progress: watch::Receiver<Option<Progress>>) -> Self {
        Self(stream::unfold(Some(Watching { progress, told: false }), next).boxed())
    }
}

/// Somebody who watches.
struct Watching {
    progress: watch::Receiver<Option<Progress>>,
    /// Something was told before.
    told: bool,
}

type Told = Result<String, std::io::Error>;

/// What is said next; none after the end.
async fn next(watching: Option<Watching>) -> Option<(Told, Option<Watching>)> {
    let Watching { mut progress, told } = watching?;
    if told {
        tokio::time::sleep(STEP_PAUSE).await;
        // The same again is a sign of life.
        let _ = tokio::time::timeout(SILENCE_MAX, progress.changed()).await;
    }
    let step = *progress.borrow_and_update();
    Some(match step {
        Some(Progress { done, head }) => {
            let text = format!("event: progress\ndata: {{\"done\":{done},\"head\":{head}}}\n\n");
            (Ok(text), Some(Watching { progress, told: true }))
        }
        None => (Ok("event: end\ndata: {}\n\n".to_owned()), None),
    })
}

impl Payload for ProgressEvents {
    const CONTENT_TYPE: &'static str = "text/event-stream";

    fn check_content_type(content_type: &str) -> bool {
        content_type.starts_with(Self::CONTENT_TYPE)
    }

    fn schema_ref() -> MetaSchemaRef {
        <Step as Type>::schema_ref()
    }

    fn register(registry: &mut Registry) {
        <Step as Type>::register(registry);
    }
}

impl IntoResponse for ProgressEvents {
    fn into_response(self) -> Response {
        let mut response = Response::builder().content_type(Self::CONTENT_TYPE).body(Body::from_bytes_stream(self.0));
        response.headers_mut().typed_insert(CacheControl::new().with_no_store());
        response
    }
}

#[cfg(test)]
mod tests {
    use cairn_domain::Position;

    use super::*;

    #[tokio::test]
    async fn steps_are_told_as_they_come_and_then_the_end() {
        let step = |done| Some(Progress { done: Position(done), head: Position(9) });
        let (sender, receiver) = watch::channel(step(0));
        let mut events = ProgressEvents::of(receiver).0;
        let mut said = async || events.next().await.map(|event| event.expect("said"));
        assert_eq!(said().await.as_deref(), Some("event: progress\ndata: {\"done\":0,\"head\":9}\n\n"));
        sender.send_replace(step(9));
        assert_eq!(said().await.as_deref(), Some("event: progress\ndata: {\"done\":9,\"head\":9}\n\n"));
        sender.send_replace(None);
        assert_eq!(said().await.as_deref(), Some("event: end\ndata: {}\n\n"));
        assert_eq!(said().await, None);
    }

    #[tokio::test]
    async fn where_nothing_is_rebuilt_the_end_is_at_once() {
        let (_sender, receiver) = watch::channel(None);
        let events: Vec<_> = ProgressEvents::of(receiver).0.map(|event| event.expect("said")).collect().await;
        assert_eq!(events, ["event: end\ndata: {}\n\n"]);
    }
}
