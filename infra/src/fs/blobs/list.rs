use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use cairn_domain::Sha256;
use cairn_domain::blob::BlobKey;

use crate::fs::places;

/// The copies after one of them, in the order of their keys. So are the directories, but not what is in one of them.
pub(super) fn list(root: &Path, after: Option<BlobKey>, limit: usize) -> io::Result<Vec<BlobKey>> {
    let first = after.map_or(0, |after| after.sha256.0[0]);
    let mut listed = Vec::new();
    for byte in first..=u8::MAX {
        let left = limit - listed.len();
        if left == 0 {
            break;
        }
        listed.extend(list_directory(root, byte, after, left)?);
    }
    Ok(listed)
}

/// Holds no more than `limit` of them at once.
fn list_directory(root: &Path, byte: u8, after: Option<BlobKey>, limit: usize) -> io::Result<BTreeSet<BlobKey>> {
    let mut first_byte = [0; 32];
    first_byte[0] = byte;
    let entries = match std::fs::read_dir(places::directory(root, BlobKey::first(Sha256(first_byte)))) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        entries => entries?,
    };
    let mut listed = BTreeSet::new();
    for entry in entries {
        let Ok(key) = entry?.file_name().to_string_lossy().parse::<BlobKey>() else { continue };
        if key.sha256.0[0] == byte && after.is_none_or(|after| after < key) {
            listed.insert(key);
            if listed.len() > limit {
                listed.pop_last();
            }
        }
    }
    Ok(listed)
}
