//! The body of an upload call: a form with a file in it, or the bytes themselves.

use poem::{Body, Request, RequestBody, Result, http::header};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    payload::{ParsePayload, Payload},
    registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef, Registry},
    types::Type,
};
use uuid::Uuid;

use super::{BodyError, ByteStream, form, stream};

/// A request body that carries one file: `multipart/form-data` with the part `file` and before it optionally `folder_id` and `replace_id`, or any
/// other media type as the file itself.
///
/// Nothing is read before [`UploadBody::open`].
pub struct UploadBody {
    body: Body,
    content_type: Option<String>,
}

/// A file on its way in.
pub struct UploadPart {
    /// What the form says of the folder, unparsed. None without a form.
    pub folder_id: Option<String>,
    /// What the form says of the entry whose content it will be, unparsed. None without a form.
    pub replace_id: Option<String>,
    /// The name that the form gives the file.
    pub file_name: Option<String>,
    /// The media type of the file, as declared by its sender.
    pub content_type: Option<String>,
    /// Size in bytes, where the client announced it. A form does not.
    pub length: Option<u64>,
    /// The bytes. A form is only accepted to its end: the stream fails when its closing line is missing.
    pub content: ByteStream,
}

impl UploadBody {
    /// Reads up to the first byte of the file; it may have at most `limit` bytes.
    ///
    /// # Errors
    /// A [`BodyError`], which turns into the problem that fits.
    pub async fn open(self, limit: u64) -> Result<UploadPart, BodyError> {
        if let Some(boundary) = self.content_type.as_deref().and_then(form::boundary) {
            return form::open(self.body, boundary?, limit).await;
        }
        let body: http_body_util::combinators::BoxBody<_, _> = self.body.into();
        let length = http_body::Body::size_hint(&body).exact();
        Ok(UploadPart {
            folder_id: None,
            replace_id: None,
            file_name: None,
            content_type: self.content_type,
            length,
            content: stream(body.into(), limit),
        })
    }
}

impl Payload for UploadBody {
    const CONTENT_TYPE: &'static str = "multipart/form-data";

    fn check_content_type(_content_type: &str) -> bool {
        true
    }

    fn schema_ref() -> MetaSchemaRef {
        let describe =
            |schema: MetaSchemaRef, description| schema.merge(MetaSchema { description: Some(description), ..MetaSchema::ANY });
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            required: vec!["file"],
            properties: vec![
                ("folder_id", describe(Uuid::schema_ref(), "The folder for the file; it stands before the file.")),
                ("replace_id", describe(Uuid::schema_ref(), "The file whose new version it is; it stands before the file.")),
                ("file", describe(binary(), "The file with its name; nothing stands behind it.")),
            ],
            ..MetaSchema::new("object")
        }))
    }
}

impl ParsePayload for UploadBody {
    const IS_REQUIRED: bool = true;

    async fn from_request(request: &Request, body: &mut RequestBody) -> Result<Self> {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        Ok(Self { body: body.take()?, content_type: content_type.map(str::to_owned) })
    }
}

impl<'a> ApiExtractor<'a> for UploadBody {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        Uuid::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let form = MetaMediaType { content_type: Self::CONTENT_TYPE, schema: Self::schema_ref() };
        let raw = MetaMediaType { content_type: "application/octet-stream", schema: binary() };
        Some(MetaRequest { description: None, content: vec![form, raw], required: true })
    }

    async fn from_request(request: &'a Request, body: &mut RequestBody, _options: ExtractParamOptions<()>) -> Result<Self> {
        <Self as ParsePayload>::from_request(request, body).await
    }
}

fn binary() -> MetaSchemaRef {
    MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "binary")))
}
