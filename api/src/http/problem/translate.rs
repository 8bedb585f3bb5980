//! Every error of the framework as a problem, so that no other kind of error leaves the server.

use std::{error::Error as StdError, io};

use poem::{
    Error, IntoResponse, Response,
    error::{MethodNotAllowedError, NotFoundError, ParseMultipartError, ReadBodyError},
    http::StatusCode,
};
use poem_openapi::error::{AuthorizationError, ContentTypeError, ParseParamError, ParsePathError};

use super::{Explain, Kind, Problem, common};
use crate::http::deadline::BodyTooSlow;

/// The answer for an error that came out of an endpoint: a problem, unless the error is a finished response.
pub fn answer(error: Error) -> Response {
    if error.is_from_response() {
        let response = error.into_response();
        return match plain_error(&response) {
            Some(problem) => problem.into_response(),
            None => response,
        };
    }
    Problem::from(error).into_response()
}

/// The problem for a response that reports an error without a document of its own.
pub(crate) fn plain_error(response: &Response) -> Option<Problem> {
    let status = response.status();
    let documented = response.content_type().is_some_and(|media_type| !media_type.starts_with("text/plain"));
    let is_error = status.is_client_error() || status.is_server_error();
    (is_error && !documented).then(|| Problem::of(kind_of_status(status)))
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let error = match error.downcast::<Problem>() {
            Ok(problem) => return problem,
            Err(error) => error,
        };
        from_poem(&error).or_else(|| from_poem_openapi(&error)).unwrap_or_else(|| from_status(error))
    }
}

fn from_poem(error: &Error) -> Option<Problem> {
    if error.is::<NotFoundError>() {
        return Some(Problem::of(common::not_found).detail("There is no such path."));
    }
    if error.is::<MethodNotAllowedError>() {
        return Some(Problem::of(common::method_not_allowed));
    }
    if error.is::<ParseMultipartError>() || error.is::<poem_openapi::error::ParseMultipartError>() {
        return Some(Problem::of(common::malformed_multipart));
    }
    Some(match error.downcast_ref::<ReadBodyError>()? {
        ReadBodyError::PayloadTooLarge => Problem::of(common::too_large),
        ReadBodyError::Utf8(_) => Problem::of(common::malformed).detail("The body is not UTF-8."),
        ReadBodyError::Io(error) => Problem::of(kind_of_body_error(error)),
        ReadBodyError::BodyHasBeenTaken => Problem::of(common::internal).because("the body was read twice"),
    })
}

fn from_poem_openapi(error: &Error) -> Option<Problem> {
    if let Some(error) = error.downcast_ref::<ParseParamError>() {
        return Some(Problem::invalid(error.name, plainly(&error.reason)));
    }
    if let Some(error) = error.downcast_ref::<ParsePathError>() {
        return Some(Problem::invalid(error.name, plainly(&error.reason)));
    }
    if error.is::<AuthorizationError>() {
        return Some(Problem::of(common::unauthorized));
    }
    Some(match error.downcast_ref::<ContentTypeError>()? {
        ContentTypeError::NotSupported { .. } | ContentTypeError::ExpectContentType => Problem::of(common::unsupported_media_type),
    })
}

/// poem-openapi's reasons name its own types: `failed to parse "integer(uint64)": ...`. People are told what is wanted.
fn plainly(reason: &str) -> String {
    if reason.ends_with("expects an input value.") {
        return "is required".to_owned();
    }
    if let Some(broken) = reason.strip_prefix("verification failed. ") {
        let (rule, rest) = broken.split_once('(').unwrap_or((broken, ""));
        let bound = rest.split([',', ')']).next().unwrap_or_default();
        return match rule {
            "minimum" => format!("is at least {bound}"),
            "maximum" => format!("is at most {bound}"),
            _ => format!("does not keep to {broken}"),
        };
    }
    let Some((wanted, why)) = reason.strip_prefix("failed to parse \"").and_then(|rest| rest.split_once("\": ")) else {
        return reason.to_owned();
    };
    match wanted {
        "boolean" => "is true or false".to_owned(),
        "string_uuid" => "is a UUID".to_owned(),
        _ if wanted.starts_with("integer(uint") => "is a whole number, not negative".to_owned(),
        _ => why.split(" (occurred while parsing").next().unwrap_or(why).to_owned(),
    }
}

fn from_status(error: Error) -> Problem {
    let status = error.status();
    Problem::of(kind_of_status(status)).because(error)
}

/// How the reading of a body failed: too slowly, or because the client went away.
pub(crate) fn kind_of_body_error(error: &io::Error) -> Kind {
    let too_slow = error.get_ref().is_some_and(<dyn StdError + Send + Sync>::is::<BodyTooSlow>);
    if too_slow { common::request_timeout } else { common::incomplete_body }
}

fn kind_of_status(status: StatusCode) -> Kind {
    const OTHERS: [Kind; 5] = [
        Kind::new(403, "forbidden", "This is not allowed."),
        Kind::new(406, "not_acceptable", "There is no answer in a form that the request accepts."),
        Kind::new(409, "conflict", "The request does not fit the present state."),
        Kind::new(412, "version_conflict", "It was changed in the meantime; read it again."),
        Kind::new(417, "expectation_failed", "The expectation cannot be met."),
    ];
    const COMMON: [Kind; 13] = [
        common::malformed,
        common::unauthorized,
        common::not_found,
        common::method_not_allowed,
        common::request_timeout,
        common::too_large,
        common::unsupported_media_type,
        common::range_not_satisfiable,
        common::invalid,
        common::too_many_requests,
        common::internal,
        common::unavailable,
        common::storage_full,
    ];
    let found = COMMON.into_iter().chain(OTHERS).find(|kind| kind.status == status.as_u16());
    found.unwrap_or(if status.is_client_error() { Kind { status: status.as_u16(), ..common::malformed } } else { common::internal })
}

#[cfg(test)]
mod tests {
    use super::plainly;

    #[test]
    fn reasons_are_told_in_plain_words() {
        let told = [
            (r#"Type "integer(uint8)" expects an input value."#, "is required"),
            (
                r#"failed to parse "integer(uint64)": invalid digit (occurred while parsing "optional_x")"#,
                "is a whole number, not negative",
            ),
            (r#"failed to parse "string_uuid": invalid length"#, "is a UUID"),
            (r#"failed to parse "boolean": provided string was not `true` or `false`"#, "is true or false"),
            (r#"failed to parse "x": some reason (occurred while parsing "optional_x")"#, "some reason"),
            ("verification failed. minimum(1, exclusive: false)", "is at least 1"),
            ("verification failed. maxLength(3)", "does not keep to maxLength(3)"),
            ("anything else", "anything else"),
        ];
        for (reason, plain) in told {
            assert_eq!(plainly(reason), plain, "{reason}");
        }
    }
}
