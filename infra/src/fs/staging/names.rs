//! The names of the files, there and back.

use cairn_domain::{Sha256, UploadId};

pub(super) const DATA: &str = "data";
pub(super) const PREFIX: &str = "prefix";

pub(super) fn shelf(number: u8) -> String {
    format!("{number:02x}")
}

pub(super) fn whole(upload: UploadId, sha256: Sha256) -> String {
    format!("{upload}-{sha256}.whole")
}

pub(super) fn parse_whole(name: &str) -> Option<(UploadId, Sha256)> {
    // The upload's id contains dashes itself.
    let (upload, sha256) = name.strip_suffix(".whole")?.rsplit_once('-')?;
    Some((upload.parse().ok()?, sha256.parse().ok()?))
}

pub(super) fn part(offset: u64, sha256: Sha256) -> String {
    format!("{offset}-{sha256}.part")
}

pub(super) fn parse_part(name: &str) -> Option<(u64, Sha256)> {
    let (offset, sha256) = name.strip_suffix(".part")?.split_once('-')?;
    Some((offset.parse().ok()?, sha256.parse().ok()?))
}
