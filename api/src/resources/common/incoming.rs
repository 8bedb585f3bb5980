use std::io;

use cairn_commands::ports;
use futures_util::{StreamExt, TryStreamExt};

use crate::http::body::{BodyError, ByteStream};
use crate::http::problem::Problem;

/// A body as the use cases take it. What is wrong with it travels inside of the error, up to [`body_problem`].
pub(in crate::resources) fn incoming(stream: ByteStream) -> ports::ByteStream {
    stream.map_err(io::Error::other).boxed()
}

/// The problem of a body that broke off: what its reader found, or that its client went away.
pub(in crate::resources) fn body_problem(error: io::Error) -> Problem {
    match error.downcast::<BodyError>() {
        Ok(found) => found.into(),
        Err(error) => BodyError::Broken(error).into(),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    #[tokio::test]
    async fn a_broken_body_keeps_its_own_problem() {
        let code = async |error: BodyError| {
            let mut body = incoming(Box::pin(stream::iter([Err(error)])));
            let error = body.next().await.expect("an item").expect_err("an error");
            body_problem(error).kind().code
        };
        assert_eq!(code(BodyError::TooLarge { limit: 1 }).await, "too_large");
        assert_eq!(code(BodyError::MalformedForm("x".to_owned(), None)).await, "malformed_multipart");
        assert_eq!(code(BodyError::Broken(io::ErrorKind::ConnectionReset.into())).await, "incomplete_body");
    }
}
