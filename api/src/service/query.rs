//! What can't be read of a query is refused before anybody reads it: the framework would put U+FFFD in place of it.

use std::sync::Arc;

use percent_encoding::percent_decode_str;
use poem::{Endpoint, IntoResponse, Request, Response, Result};

use crate::http::problem::{Explain, Problem, common};

/// Hands on what has no query, or one that is UTF-8 when its percent signs are decoded (RFC 3986 section 2.1).
pub(super) async fn answer<E: Endpoint<Output = Response>>(inner: Arc<E>, request: Request) -> Result<Response> {
    if request.uri().query().is_none_or(is_utf8) {
        inner.call(request).await
    } else {
        Ok(Problem::of(common::malformed).detail("The query is not UTF-8, percent-encoded.").into_response())
    }
}

fn is_utf8(query: &str) -> bool {
    percent_decode_str(query).decode_utf8().is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_utf8;

    #[test]
    fn a_query_is_utf8_when_all_of_it_is() {
        for query in ["", "name=a+b", "name=%E6%8A%A5", "a=1&name=caf%c3%a9&b=%25ff", "name=%", "name=%zz"] {
            assert!(is_utf8(query), "{query}");
        }
        for query in ["name=%ff", "%FF=1", "a=1&name=caf%e9&b=2", "name=%c3&x=%a9", "name=%ed%a0%80", "name=%c0%af"] {
            assert!(!is_utf8(query), "{query}");
        }
    }
}
