use http_body::Body as _;
use poem::{Body, Request, RequestBody, Result};
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use crate::http::body::{ByteStream, stream};

/// The bytes of a part, whatever media type they come as. Nothing is read before [`PartBody::open`].
pub(super) struct PartBody(Body);

impl PartBody {
    /// The bytes, and how many of them the client has announced.
    pub(super) fn open(self) -> (ByteStream, Option<u64>) {
        let body: http_body_util::combinators::BoxBody<_, _> = self.0.into();
        let announced = body.size_hint().exact();
        (stream(body.into(), u64::MAX), announced)
    }
}

impl<'a> ApiExtractor<'a> for PartBody {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(_: &mut Registry) {}

    fn request_meta() -> Option<MetaRequest> {
        let example = Some(serde_json::Value::from("hello world"));
        let schema = MetaSchema { example, ..MetaSchema::new_with_format("string", "binary") };
        let content = MetaMediaType { content_type: "application/octet-stream", schema: MetaSchemaRef::Inline(Box::new(schema)) };
        Some(MetaRequest { description: Some("The bytes of the part."), content: vec![content], required: true })
    }

    async fn from_request(_: &'a Request, body: &mut RequestBody, _: ExtractParamOptions<()>) -> Result<Self> {
        Ok(Self(body.take()?))
    }
}
