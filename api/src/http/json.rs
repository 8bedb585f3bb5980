//! JSON request bodies, read strictly.
//!
//! poem-openapi's own `Json` ignores unknown and repeated fields and calls every mistake malformed. Here a body that is no JSON is
//! 400 with the place of the mistake, and JSON that does not fit is 422 with the field.

mod explain;

#[cfg(test)]
mod tests;

use poem::{Body, Request, RequestBody, Result, http::header};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    payload::{ParsePayload, Payload},
    registry::{MetaMediaType, MetaRequest, MetaSchemaRef, Registry},
    types::Type,
};
use serde::de::{DeserializeOwned, IgnoredAny};

use super::{
    body,
    problem::{Explain, Problem, common},
};

/// The most bytes that a JSON body may have: 1 MiB.
pub const JSON_BYTES_MAX: u64 = 1024 * 1024;

/// A JSON body. `T` derives `poem_openapi::Object` for the schema and `serde::Deserialize` with
/// `#[serde(deny_unknown_fields)]` for reading.
///
/// Answers by itself with the problems of [`common::JSON_BODY`].
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

impl<T: Type> Payload for JsonBody<T> {
    const CONTENT_TYPE: &'static str = "application/json";

    fn check_content_type(content_type: &str) -> bool {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case(Self::CONTENT_TYPE)
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: Type + DeserializeOwned> ParsePayload for JsonBody<T> {
    const IS_REQUIRED: bool = true;

    async fn from_request(request: &Request, body: &mut RequestBody) -> Result<Self> {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let is_json = content_type.map(|value| value.to_str().is_ok_and(<Self as Payload>::check_content_type));
        let body = body.take()?;
        match is_json {
            Some(true) => Ok(Self(read(body).await?)),
            None if body.is_empty() => Err(Problem::of(common::malformed_json).detail("There is no body; send JSON.").into()),
            Some(false) | None => Err(Problem::of(common::unsupported_media_type).into()),
        }
    }
}

impl<'a, T: Type + DeserializeOwned> ApiExtractor<'a> for JsonBody<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let content = MetaMediaType { content_type: Self::CONTENT_TYPE, schema: T::schema_ref() };
        Some(MetaRequest { description: None, content: vec![content], required: true })
    }

    async fn from_request(request: &'a Request, body: &mut RequestBody, _options: ExtractParamOptions<()>) -> Result<Self> {
        <Self as ParsePayload>::from_request(request, body).await
    }
}

async fn read<T: DeserializeOwned>(body: Body) -> Result<T, Problem> {
    let bytes = body::collect(body, JSON_BYTES_MAX).await?;
    parse(&bytes)
}

/// Reads one JSON value and nothing behind it.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // RFC 8259 section 8.1; serde would overlook it in what it skips.
    let text = std::str::from_utf8(bytes).map_err(|_| Problem::of(common::malformed_json).detail("The body is not UTF-8."))?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize(&mut deserializer) {
        Ok(value) => {
            deserializer.end().map_err(|error| malformed(&error))?;
            Ok(value)
        }
        Err(error) if error.inner().is_data() => {
            // Malformed wins over invalid, also when the mistake stands further behind.
            serde_json::from_str::<IgnoredAny>(text).map_err(|error| malformed(&error))?;
            let (field, message) = explain::explain(&error);
            Err(Problem::invalid(field, message))
        }
        Err(error) => Err(malformed(error.inner())),
    }
}

fn malformed(error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    Problem::of(common::malformed_json).detail(format!("The body is not valid JSON at line {line}, column {column}."))
}
