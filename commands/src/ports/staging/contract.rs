//! What every staging area has to pass, together with the blob store that it feeds.
//!
//! Each check has uploads and contents of its own, so that all of them can share one store, also with other suites.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use cairn_domain::blob::BlobKey;
use cairn_domain::upload::Part;
use cairn_domain::{Sha1, Sha256, UploadId};
use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::Digest;
use uuid::Uuid;

use super::{Staging, StagingError, Whole};
use crate::ports::ByteStream;
use crate::ports::blobs::BlobStore;

mod parts;
mod races;
mod whole;

/// Runs every check. `namespace` keeps the uploads and contents apart from those of other runs on the same store.
///
/// # Panics
/// When the staging area breaks the contract.
pub async fn suite(staging: &dyn Staging, blobs: &dyn BlobStore, namespace: &str) {
    let scene = Scene { staging, blobs, namespace };
    whole::a_whole_file_becomes_a_blob(&scene).await;
    whole::an_empty_file_becomes_a_blob(&scene).await;
    whole::any_pieces_make_the_same_file(&scene).await;
    whole::a_file_that_is_too_long_leaves_nothing(&scene).await;
    whole::a_body_that_breaks_off_leaves_nothing(&scene).await;
    whole::a_file_received_twice_is_one(&scene).await;
    whole::the_same_content_of_two_uploads_is_one_blob(&scene).await;
    whole::a_later_copy_lies_under_a_name_of_its_own(&scene).await;
    whole::what_was_not_received_is_not_promoted(&scene).await;
    whole::a_discarded_file_is_gone(&scene).await;
    parts::parts_in_any_order_become_a_blob(&scene).await;
    parts::an_upload_without_parts_is_an_empty_file(&scene).await;
    parts::opening_again_keeps_what_is_there(&scene).await;
    parts::a_refused_part_leaves_what_was_there(&scene).await;
    parts::the_same_part_again_is_no_error(&scene).await;
    parts::other_bytes_leave_the_recorded_ones_readable(&scene).await;
    parts::what_was_never_written_can_not_be_sealed(&scene).await;
    parts::nothing_can_be_done_with_an_absent_upload(&scene).await;
    parts::a_discarded_upload_takes_nothing_more(&scene).await;
    races::many_parts_at_once_become_a_blob(&scene).await;
    races::two_first_writers_of_a_part_both_count(&scene).await;
    races::a_caller_with_old_knowledge_harms_nothing(&scene).await;
    races::a_caller_that_goes_away_harms_nothing(&scene).await;
    races::a_part_that_outlives_its_upload_is_refused(&scene).await;
    races::sealing_at_once_gives_the_same(&scene).await;
}

struct Scene<'a> {
    staging: &'a dyn Staging,
    blobs: &'a dyn BlobStore,
    namespace: &'a str,
}

impl Scene<'_> {
    fn upload(&self, what: &str) -> UploadId {
        UploadId(Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{} {what}", self.namespace).as_bytes()))
    }

    /// Bytes like no others.
    fn content(&self, what: &str, length: usize) -> Bytes {
        noise(&format!("{} {what}", self.namespace), length)
    }

    /// An open upload of this content.
    async fn opened(&self, what: &str, content: &Bytes) -> UploadId {
        let upload = self.upload(what);
        self.staging.open(upload, content.len() as u64).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        upload
    }

    /// Sends one range of the content as a part.
    async fn send(&self, upload: UploadId, content: &Bytes, part: Part, taken: Option<Sha256>) -> (Part, Sha256) {
        let bytes = range(content, part);
        let written = self.staging.write_part(upload, part, body(bytes.clone(), 70_000), None, taken).await;
        let sha256 = written.unwrap_or_else(|error| panic!("{part:?}: {error:?}"));
        assert_eq!(sha256, sha256_of(&bytes), "{part:?}");
        (part, sha256)
    }

    async fn seal(&self, upload: UploadId, parts: &[(Part, Sha256)]) -> Whole {
        self.staging.seal(upload, parts).await.unwrap_or_else(|error| panic!("{error:?}"))
    }

    async fn promote(&self, upload: UploadId, key: BlobKey) {
        self.staging.promote(upload, key).await.unwrap_or_else(|error| panic!("{error:?}"));
    }

    async fn discard(&self, upload: UploadId) {
        self.staging.discard(upload).await.unwrap_or_else(|error| panic!("{error:?}"));
    }

    async fn is_listed(&self, upload: UploadId) -> bool {
        let listed = self.staging.list(Duration::ZERO).await.unwrap_or_else(|error| panic!("{error:?}")).contains(&upload);
        assert_eq!(self.staging.holds(upload).await.unwrap_or_else(|error| panic!("{error:?}")), listed);
        listed
    }

    /// The blob holds exactly these bytes.
    async fn assert_blob(&self, content: &Bytes) {
        self.assert_copy(key_of(content), content).await;
    }

    /// The copy holds exactly these bytes.
    async fn assert_copy(&self, key: BlobKey, content: &Bytes) {
        let length = content.len() as u64;
        assert_eq!(self.blobs.size(key).await.unwrap_or_else(|error| panic!("{error:?}")), Some(length));
        let pieces = self.blobs.read(key, 0, length).await.unwrap_or_else(|error| panic!("{error:?}")).bytes;
        let pieces: Vec<Bytes> = pieces.try_collect().await.unwrap_or_else(|error| panic!("{error:?}"));
        assert!(pieces.concat() == *content, "the blob {key} has other bytes");
    }

    async fn assert_no_blob(&self, content: &Bytes) {
        assert_eq!(self.blobs.size(key_of(content)).await.unwrap_or_else(|error| panic!("{error:?}")), None);
    }
}

/// Bytes that look random, the same for the same seed.
fn noise(seed: &str, length: usize) -> Bytes {
    let seed: [u8; 32] = sha2::Sha256::digest(seed).into();
    let mut state = seed.iter().fold(1_u64, |state, byte| state.rotate_left(5) ^ u64::from(*byte)) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes.into()
}

/// The bytes as a stream of pieces.
fn body(bytes: Bytes, piece_bytes: usize) -> ByteStream {
    let pieces = (0..bytes.len()).step_by(piece_bytes).map(move |at| Ok(bytes.slice(at..bytes.len().min(at + piece_bytes))));
    stream::iter(pieces).boxed()
}

/// The bytes, and then the connection breaks.
fn broken_body(bytes: Bytes) -> ByteStream {
    body(bytes, 1000).chain(stream::iter([Err(io::ErrorKind::ConnectionReset.into())])).boxed()
}

/// The bytes, and then nothing more, for ever.
fn stalled_body(bytes: Bytes) -> ByteStream {
    body(bytes, 1000).chain(stream::pending()).boxed()
}

/// Cuts a content into parts.
fn plan(content: &Bytes, part_bytes: usize) -> Vec<Part> {
    let cut = |at: usize| Part { offset: at as u64, length: (content.len() - at).min(part_bytes) as u64 };
    (0..content.len()).step_by(part_bytes).map(cut).collect()
}

fn range(content: &Bytes, part: Part) -> Bytes {
    content.slice(part.offset as usize..(part.offset + part.length) as usize)
}

fn key_of(bytes: &[u8]) -> BlobKey {
    BlobKey::first(sha256_of(bytes))
}

fn sha256_of(bytes: &[u8]) -> Sha256 {
    Sha256(sha2::Sha256::digest(bytes).into())
}

fn whole_of(bytes: &[u8]) -> Whole {
    Whole { size: bytes.len() as u64, sha256: sha256_of(bytes), sha1: Sha1(sha1::Sha1::digest(bytes).into()) }
}

fn assert_absent<T: std::fmt::Debug>(result: &Result<T, StagingError>, upload: UploadId) {
    assert!(matches!(result, Err(StagingError::Absent(absent)) if *absent == upload), "{result:?}");
}
