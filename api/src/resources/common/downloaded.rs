use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry};

/// A content on its way out.
pub(in crate::resources) struct Downloaded(pub Response);

/// What is told of a content without sending it.
pub(in crate::resources) struct Peeked(pub Response);

impl IntoResponse for Downloaded {
    fn into_response(self) -> Response {
        self.0
    }
}

impl IntoResponse for Peeked {
    fn into_response(self) -> Response {
        self.0
    }
}

impl ApiResponse for Downloaded {
    fn meta() -> MetaResponses {
        let content = |content_type| MetaMediaType { content_type, schema: bytes() };
        let mut partial = whole_headers();
        partial.push(header("Content-Range", "`bytes <first>-<last>/<length>`, when one range was asked for.", false));
        let one_or_many = vec![content("application/octet-stream"), content("multipart/byteranges")];
        MetaResponses {
            responses: vec![
                answer(200, "The whole content.", vec![content("application/octet-stream")], whole_headers()),
                answer(206, "The ranges that were asked for: one alone, or several as parts.", one_or_many, partial),
                not_modified(),
            ],
        }
    }

    fn register(_: &mut Registry) {}
}

impl ApiResponse for Peeked {
    fn meta() -> MetaResponses {
        let found = answer(200, "What the download of the whole content would begin with.", Vec::new(), whole_headers());
        MetaResponses { responses: vec![found, not_modified()] }
    }

    fn register(_: &mut Registry) {}
}

fn not_modified() -> MetaResponse {
    answer(304, "The client's copy is this content.", Vec::new(), headers())
}

fn answer(status: u16, description: &'static str, content: Vec<MetaMediaType>, headers: Vec<MetaHeader>) -> MetaResponse {
    MetaResponse { description, status: Some(status), status_range: None, content, headers }
}

fn headers() -> Vec<MetaHeader> {
    vec![
        header("ETag", "The content's SHA-256 in hex, in quotes.", true),
        header("Accept-Ranges", "Always `bytes`.", true),
        header("Repr-Digest", "The content's SHA-256 (RFC 9530).", true),
        header("Cache-Control", "Always `private, no-cache`.", true),
    ]
}

fn whole_headers() -> Vec<MetaHeader> {
    let mut headers = headers();
    headers.extend([
        header("Content-Length", "In bytes.", true),
        header("Content-Disposition", "`attachment`, with the file's name (RFC 6266).", true),
        header("X-Content-Type-Options", "Always `nosniff`.", true),
    ]);
    headers
}

fn header(name: &str, description: &str, required: bool) -> MetaHeader {
    let schema = MetaSchemaRef::Inline(Box::new(MetaSchema::new("string")));
    MetaHeader { name: name.to_owned(), description: Some(description.to_owned()), required, deprecated: false, schema }
}

fn bytes() -> MetaSchemaRef {
    let example = Some(serde_json::Value::from("hello world"));
    MetaSchemaRef::Inline(Box::new(MetaSchema { example, ..MetaSchema::new_with_format("string", "binary") }))
}
