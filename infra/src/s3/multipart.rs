//! Objects that are put together from parts.

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use cairn_domain::Sha256;

use super::bucket::{Bucket, copying_max, length, within};
use super::connect::ANSWER_MAX;
use super::crc::{SeenCrc, crc_of};
use super::pieces::Pieces;
use super::progress::{Progress, measured};
use super::signing::SignedHash;
use super::trouble::Trouble;

/// No object has more parts.
pub(super) const PARTS_MAX: u64 = 10_000;

/// An object that has begun to come in parts. Nothing of it can be read before it is joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Joining {
    /// Without the prefix of the settings.
    pub(super) key: String,
    /// As the store calls it.
    pub(super) id: String,
}

/// A part as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sent {
    /// From 1 to 10,000.
    pub(super) number: i32,
    /// What the store wants to hear when it joins them.
    pub(super) etag: String,
    /// In bytes.
    pub(super) size: u64,
}

impl Bucket {
    pub(super) async fn begin(&self, key: String) -> Result<Joining, Trouble> {
        let call = self.client.create_multipart_upload().bucket(&self.name).key(self.key(&key));
        let id = within(ANSWER_MAX, call.send()).await?.upload_id.ok_or_else(|| Trouble::odd("an upload in parts has no id"))?;
        Ok(Joining { key, id })
    }

    /// May be repeated with the same bytes. [`Trouble::Absent`] when it was joined or given up.
    pub(super) async fn send_part(&self, joining: &Joining, number: i32, bytes: &Pieces, sha256: Sha256) -> Result<Sent, Trouble> {
        let (progress, seen) = (Progress::default(), SeenCrc::default());
        let call = self.client.upload_part().bucket(&self.name).key(self.key(&joining.key)).upload_id(&joining.id);
        let call = call.part_number(number).body(measured(bytes, &progress)).customize();
        let call = call.interceptor(seen.clone()).interceptor(SignedHash(sha256));
        let etag = progress.watch(bytes.len(), call.send()).await?.e_tag.ok_or_else(|| Trouble::odd("a part has no ETag"))?;
        seen.check(|| crc_of(bytes))?;
        Ok(Sent { number, etag, size: bytes.len() as u64 })
    }

    /// Takes `range.0..range.1` of another object as a part: at most [`Flavor::copy_bytes_max`](super::Flavor::copy_bytes_max).
    pub(super) async fn copy_part(&self, joining: &Joining, number: i32, from: &str, range: (u64, u64)) -> Result<Sent, Trouble> {
        let size = range.1 - range.0;
        let call = self.client.upload_part_copy().bucket(&self.name).key(self.key(&joining.key)).upload_id(&joining.id);
        let call =
            call.part_number(number).copy_source(self.source(from)).copy_source_range(format!("bytes={}-{}", range.0, range.1 - 1));
        // Ceph refuses it with 411 otherwise, and the SDK says nothing about a body that is not there.
        let call = call.customize().mutate_request(|request| {
            request.headers_mut().insert("content-length", "0");
        });
        let answer = within(copying_max(size), call.send()).await?;
        let etag = answer.copy_part_result.and_then(|part| part.e_tag).ok_or_else(|| Trouble::odd("a copied part has no ETag"))?;
        Ok(Sent { number, etag, size })
    }

    /// Joins these parts, which must be in the order of their numbers. When the answer to an earlier attempt was lost the store says that
    /// there is no such upload; then it is looked whether the object is there.
    pub(super) async fn join(&self, joining: &Joining, parts: &[Sent]) -> Result<(), Trouble> {
        match self.join_surely(joining, parts).await {
            Err(Trouble::Absent) => match self.head(&joining.key).await? {
                Some(head) if head.size == parts.iter().map(|part| part.size).sum::<u64>() => Ok(()),
                _ => Err(Trouble::Absent),
            },
            joined => joined,
        }
    }

    /// The same for a key under which something may have been before: what is there afterwards says nothing then.
    pub(super) async fn join_surely(&self, joining: &Joining, parts: &[Sent]) -> Result<(), Trouble> {
        let size = parts.iter().map(|part| part.size).sum();
        let list = parts.iter().map(|part| CompletedPart::builder().part_number(part.number).e_tag(&part.etag).build());
        let list = CompletedMultipartUpload::builder().set_parts(Some(list.collect())).build();
        let call = self.client.complete_multipart_upload().bucket(&self.name).key(self.key(&joining.key));
        let call = call.upload_id(&joining.id).multipart_upload(list);
        within(copying_max(size), call.send()).await.map(drop)
    }

    /// Gives up what has come. What is not there is no error.
    pub(super) async fn abort(&self, joining: &Joining) -> Result<(), Trouble> {
        let call = self.client.abort_multipart_upload().bucket(&self.name).key(self.key(&joining.key)).upload_id(&joining.id);
        match within(ANSWER_MAX, call.send()).await {
            Ok(_) | Err(Trouble::Absent) => Ok(()),
            Err(trouble) => Err(trouble),
        }
    }

    /// The parts that have come, by number.
    pub(super) async fn parts(&self, joining: &Joining) -> Result<Vec<Sent>, Trouble> {
        let mut parts = Vec::new();
        let mut after = None;
        loop {
            let call = self.client.list_parts().bucket(&self.name).key(self.key(&joining.key)).upload_id(&joining.id);
            let page = within(ANSWER_MAX, call.set_part_number_marker(after).send()).await?;
            for part in page.parts.unwrap_or_default() {
                let (Some(number), Some(etag)) = (part.part_number, part.e_tag) else {
                    return Err(Trouble::odd("a part without a name"));
                };
                parts.push(Sent { number, etag, size: length(part.size)? });
            }
            after = page.next_part_number_marker;
            if page.is_truncated != Some(true) || after.is_none() {
                return Ok(parts);
            }
        }
    }

    /// When the last part came that is there, in seconds since 1970; none when there is none.
    pub(super) async fn last_sent_at(&self, joining: &Joining) -> Result<Option<i64>, Trouble> {
        let (mut last, mut after) = (None, None);
        loop {
            let call = self.client.list_parts().bucket(&self.name).key(self.key(&joining.key)).upload_id(&joining.id);
            let page = match within(ANSWER_MAX, call.set_part_number_marker(after).send()).await {
                // Joined or given up just now.
                Err(Trouble::Absent) => return Ok(last),
                page => page?,
            };
            last = last.max(page.parts().iter().map(|part| part.last_modified.map_or(i64::MAX, |sent| sent.secs())).max());
            after = page.next_part_number_marker;
            if page.is_truncated != Some(true) || after.is_none() {
                return Ok(last);
            }
        }
    }

    /// What has begun below a prefix and was neither joined nor given up, and when, in seconds since 1970.
    pub(super) async fn begun(&self, below: &str) -> Result<Vec<(Joining, i64)>, Trouble> {
        let mut begun = Vec::new();
        let (mut after_key, mut after_id) = (None, None);
        loop {
            let call = self.client.list_multipart_uploads().bucket(&self.name).prefix(self.key(below));
            let page = within(ANSWER_MAX, call.set_key_marker(after_key).set_upload_id_marker(after_id).send()).await?;
            for one in page.uploads.unwrap_or_default() {
                let Some(key) = one.key.and_then(|key| self.without_prefix(&key)) else { continue };
                let since = one.initiated.map_or(i64::MAX, |since| since.secs());
                begun.extend(one.upload_id.map(|id| (Joining { key, id }, since)));
            }
            (after_key, after_id) = (page.next_key_marker, page.next_upload_id_marker);
            if page.is_truncated != Some(true) || after_key.is_none() {
                return Ok(begun);
            }
        }
    }
}
