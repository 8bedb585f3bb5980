//! What an error of the store means to the caller.

use std::time::Duration;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use cairn_commands::ports::BoxError;
use cairn_commands::ports::staging::StagingError;
use cairn_domain::UploadId;

/// Why a call did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// There is no such object, or no such upload in parts.
    #[error("there is no such object")]
    Absent,
    /// An object of that name was there before.
    #[error("there is such an object already")]
    Exists,
    /// What has come is not what was to be joined.
    #[error("parts have come that are not to be joined, or are missing")]
    OtherParts,
    /// The object is shorter than that.
    #[error("the range is outside of the object")]
    OutOfRange,
    /// A quota of the store is used up.
    #[error("the object store has no room")]
    Full,
    /// Nothing is known: the store may have done it, or may yet do it.
    #[error("the object store did not answer as it should")]
    Unavailable(#[source] BoxError),
}

impl Trouble {
    /// No answer in time.
    pub(super) fn late(limit: Duration) -> Self {
        Self::Unavailable(format!("no answer within {} ms", limit.as_millis()).into())
    }

    /// The store says something that can't be.
    pub(super) fn odd(what: &str) -> Self {
        Self::Unavailable(what.into())
    }

    /// For a call in which nothing may be missing or in the way.
    pub(super) fn of(self, upload: UploadId) -> StagingError {
        match self {
            Self::Absent => StagingError::Absent(upload),
            Self::Full => StagingError::Full,
            Self::Unavailable(source) => StagingError::Unavailable(source),
            Self::Exists | Self::OtherParts | Self::OutOfRange => StagingError::Unavailable(self.into()),
        }
    }
}

/// The code that the store gave, if it answered with one. The answer to a HEAD has none.
pub(super) fn code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<&str> {
    error.as_service_error()?.meta().code()
}

/// The status of the answer, if there was one.
pub(super) fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|answer| answer.status().as_u16())
}

impl<E> From<SdkError<E, HttpResponse>> for Trouble
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        match (code(&error), status(&error)) {
            (Some("NoSuchBucket"), _) => {}
            (Some("NoSuchKey" | "NoSuchUpload" | "NotFound"), _) | (_, Some(404)) => return Self::Absent,
            (Some("PreconditionFailed" | "FileAlreadyExists" | "ConditionalRequestConflict"), _) | (_, Some(412)) => {
                return Self::Exists;
            }
            (Some("InvalidPart"), _) => return Self::OtherParts,
            (_, Some(416)) => return Self::OutOfRange,
            (Some("QuotaExceeded"), _) | (_, Some(507)) => return Self::Full,
            _ => {}
        }
        Self::Unavailable(error.into())
    }
}
