use poem::{IntoResponse, Response};
use poem_openapi::payload::Payload;
use poem_openapi::registry::{MetaSchema, MetaSchemaRef};

/// Metrics in the text format of Prometheus.
pub struct MetricsText(pub(super) String);

const EXAMPLE: &str = "\
# TYPE cairn_projection_lag_events gauge
cairn_projection_lag_events{projection=\"files\"} 0
";

impl Payload for MetricsText {
    const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    fn check_content_type(content_type: &str) -> bool {
        content_type.starts_with("text/plain")
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema { example: Some(EXAMPLE.into()), ..MetaSchema::new("string") }))
    }
}

impl IntoResponse for MetricsText {
    fn into_response(self) -> Response {
        Response::builder().content_type(Self::CONTENT_TYPE).body(self.0)
    }
}
