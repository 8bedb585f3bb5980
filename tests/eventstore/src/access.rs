//! Who is let in: everybody, or one user who may do everything.
//!
//! As on a real server, wrong credentials are refused whatever is called, while a call without any is one of nobody in particular, who may ask
//! what the server can do and how the cluster stands, and is denied every stream.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use tonic::Status;

use crate::refusal;

/// The one user.
#[derive(Clone, Debug)]
pub(crate) struct User {
    /// What his calls have in the header `authorization`.
    authorization: String,
}

impl User {
    pub(crate) fn new(name: &str, password: &str) -> Self {
        Self { authorization: format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))) }
    }

    /// Whether a call with these headers is let in; `is_open` to nobody in particular, too.
    pub(crate) fn judge(&self, headers: &HeaderMap, is_open: bool) -> Result<(), Status> {
        match headers.get(AUTHORIZATION) {
            Some(told) if told.as_bytes() == self.authorization.as_bytes() => Ok(()),
            Some(_) => Err(refusal::not_authenticated()),
            None if is_open => Ok(()),
            None => Err(refusal::access_denied()),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use tonic::Code;

    use super::*;

    #[test]
    fn one_user_is_let_in_and_others_are_told_apart() {
        let user = User::new("app", "secret");
        let with = |value: &'static str| HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(value))]);
        let code = |headers: &HeaderMap, is_open| user.judge(headers, is_open).err().map(|status| status.code());
        assert_eq!(code(&with("Basic YXBwOnNlY3JldA=="), false), None);
        assert_eq!(code(&with("Basic YXBwOnNlY3JldB=="), true), Some(Code::Unauthenticated));
        assert_eq!(code(&HeaderMap::new(), true), None);
        assert_eq!(code(&HeaderMap::new(), false), Some(Code::PermissionDenied));
    }
}
