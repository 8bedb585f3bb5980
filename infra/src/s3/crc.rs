//! The CRC-64 that OSS computes of every content and tells in a header that the SDK does not know.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use crc_fast::{CrcAlgorithm, Digest};

use super::pieces::Pieces;
use super::trouble::Trouble;

/// <https://help.aliyun.com/zh/oss/developer-reference/crc64>, in decimal. Other stores do not send it.
const HEADER: &str = "x-oss-hash-crc64ecma";

/// OSS calls it ECMA, the catalogues of CRCs call it XZ.
pub(super) const ALGORITHM: CrcAlgorithm = CrcAlgorithm::Crc64Xz;

pub(super) fn crc_of(bytes: &Pieces) -> u64 {
    let mut crc = Digest::new(ALGORITHM);
    bytes.iter().for_each(|piece| crc.update(piece));
    crc.finalize()
}

/// What came with the last answer to a call.
#[derive(Clone, Debug, Default)]
pub(super) struct SeenCrc(Arc<Mutex<Option<u64>>>);

impl SeenCrc {
    pub(super) fn take(&self) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Nothing to say when the store tells none.
    pub(super) fn check(&self, sent: impl FnOnce() -> u64) -> Result<(), Trouble> {
        match self.take() {
            Some(kept) if kept != sent() => Err(Trouble::odd("the store has kept other bytes than it was sent")),
            _ => Ok(()),
        }
    }
}

impl Intercept for SeenCrc {
    fn name(&self) -> &'static str {
        "SeenCrc"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let told = context.response().headers().get(HEADER).and_then(|crc| crc.parse().ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = told;
        Ok(())
    }
}
