//! Request bodies as streams of bytes with a counted limit, whole or as multipart/form-data.
//!
//! Lengths are counted, not believed: chunked bodies have none, and poem's `SizeLimit` answers them with 411.

mod form;
mod upload;

#[cfg(test)]
mod tests;

use std::{error::Error, io, pin::Pin};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http_body::Body as _;
use http_body_util::combinators::BoxBody;
use poem::Body;

use super::problem::{Explain, Problem, common, kind_of_body_error};

pub use upload::{UploadBody, UploadPart};

/// The bytes of a request, as they arrive. It ends after its first error.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, BodyError>> + Send>>;

/// Why the reading of a body ended early. Whatever was read of it must be thrown away.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// More bytes than the limit: 413.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The most bytes that this call takes.
        limit: u64,
    },
    /// The client went away (nobody reads the answer) or sent too slowly (408).
    #[error("the body could not be read to its end")]
    Broken(#[source] io::Error),
    /// Not multipart/form-data as RFC 7578 has it: 400.
    #[error("the form is malformed: {0}")]
    MalformedForm(String, #[source] Option<Box<dyn Error + Send + Sync>>),
    /// A well-formed form with the wrong parts: 422.
    #[error("part {field} is not acceptable: {message}")]
    InvalidForm {
        /// The name of the part.
        field: String,
        /// What is wrong with it.
        message: String,
    },
}

/// The bytes of `body`, or [`BodyError::TooLarge`] as soon as they, or the length announced for them, exceed `limit`.
pub fn stream(body: Body, limit: u64) -> ByteStream {
    let body: BoxBody<Bytes, io::Error> = body.into();
    let announced = body.size_hint().lower();
    if announced > limit {
        return Box::pin(futures_util::stream::once(async move { Err(BodyError::TooLarge { limit }) }));
    }
    let mut received: u64 = 0;
    let counted = Body::from(body).into_bytes_stream().map(move |frame| {
        let bytes = frame.map_err(BodyError::Broken)?;
        received += bytes.len() as u64;
        if received > limit { Err(BodyError::TooLarge { limit }) } else { Ok(bytes) }
    });
    Box::pin(until_error(counted))
}

/// All bytes of `body` in memory; only for bodies with a small limit.
///
/// # Errors
/// As [`stream`].
pub async fn collect(body: Body, limit: u64) -> Result<Vec<u8>, BodyError> {
    let mut stream = stream(body, limit);
    let mut bytes = Vec::new();
    while let Some(frame) = stream.next().await {
        bytes.extend_from_slice(&frame?);
    }
    Ok(bytes)
}

/// Ends a stream after its first error, so that nobody reads on behind it.
fn until_error<T: Send>(
    stream: impl Stream<Item = Result<T, BodyError>> + Send,
) -> impl Stream<Item = Result<T, BodyError>> + Send {
    stream.scan(false, |failed, item| {
        let goes_on = !*failed;
        *failed = item.is_err();
        std::future::ready(goes_on.then_some(item))
    })
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge { limit } => Self::of(common::too_large).detail(format!("The body is larger than {limit} bytes.")),
            BodyError::Broken(error) => Self::of(kind_of_body_error(&error)).because(error),
            BodyError::MalformedForm(detail, source) => {
                let problem = Self::of(common::malformed_multipart).detail(format!("The form is malformed: {detail}."));
                match source {
                    Some(source) => problem.because(source),
                    None => problem,
                }
            }
            BodyError::InvalidForm { field, message } => Self::invalid(field, message),
        }
    }
}

impl From<BodyError> for poem::Error {
    fn from(error: BodyError) -> Self {
        Problem::from(error).into()
    }
}
