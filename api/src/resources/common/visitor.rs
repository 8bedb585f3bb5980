use std::sync::Arc;

use cairn_commands::Caller;
use poem::http::header;
use poem::{Request, RequestBody, Result};
use poem_openapi::registry::Registry;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use crate::app::App;
use crate::auth::SignedIn;

/// Somebody with a valid token, or somebody without any. A token that comes must be valid.
pub(in crate::resources) struct Visitor(pub Option<Caller>);

impl<'a> ApiExtractor<'a> for Visitor {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        SignedIn::register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        SignedIn::security_schemes()
    }

    fn has_security_fallback() -> bool {
        true
    }

    async fn from_request(request: &'a Request, body: &mut RequestBody, options: ExtractParamOptions<()>) -> Result<Self> {
        if !request.headers().contains_key(header::AUTHORIZATION) {
            if let Some(app) = request.data::<Arc<App>>() {
                app.pace_stranger(request).await?;
            }
            return Ok(Self(None));
        }
        let SignedIn(caller) = SignedIn::from_request(request, body, options).await?;
        Ok(Self(Some(caller)))
    }
}
