//! The names of the objects, there and back, without the prefix of the settings.

use cairn_domain::{Sha256, UploadId};

/// Below it stands one folder for each upload.
pub(super) const STAGING: &str = "staging/";

pub(super) fn blob(sha256: Sha256) -> String {
    format!("blobs/{sha256}")
}

/// Everything of one upload.
pub(super) fn folder(upload: UploadId) -> String {
    format!("{STAGING}{upload}/")
}

/// The upload to which a key or a folder belongs.
pub(super) fn upload_of(key: &str) -> Option<UploadId> {
    key.strip_prefix(STAGING)?.split('/').next()?.parse().ok()
}
