//! The calls, each bounded in time and with its errors told apart.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::MetadataDirective;
use bytes::Bytes;
use cairn_domain::Sha256;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::connect::ANSWER_MAX;
use super::crc::{SeenCrc, crc_of};
use super::download::Download;
use super::etag::Etag;
use super::pieces::Pieces;
use super::progress::{Progress, measured};
use super::signing::SignedHash;
use super::trouble::Trouble;
use super::{Flavor, S3Settings};

/// Calls at once where many objects go.
const DELETES_AT_ONCE: usize = 8;

/// More are not told by one answer of any store.
const LISTED_AT_ONCE: i32 = 1_000;

/// The slowest rate, in bytes per second, at which a store that works copies within itself or joins parts.
const COPY_RATE_MIN: u64 = 20 * 1024 * 1024;

/// A bucket, below a prefix. Keys are given without it.
pub(super) struct Bucket {
    pub(super) client: Client,
    /// Signs links, for the address under which people reach the store.
    pub(super) links: Option<Client>,
    pub(super) name: String,
    pub(super) flavor: Flavor,
    prefix: String,
}

/// What the store says about an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// In bytes.
    pub(super) size: u64,
    /// CRC-64/XZ, where the store tells it: OSS does.
    pub(super) crc: Option<u64>,
}

impl Bucket {
    pub(super) fn new(client: Client, links: Option<Client>, settings: &S3Settings) -> Self {
        Self { client, links, name: settings.bucket.clone(), flavor: settings.flavor, prefix: settings.key_prefix() }
    }

    /// The key as the store knows it.
    pub(super) fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    pub(super) fn without_prefix(&self, key: &str) -> Option<String> {
        key.strip_prefix(&self.prefix).map(str::to_owned)
    }

    /// As the header `x-amz-copy-source` wants it. No character of a key here needs an escape, unless the prefix has one.
    pub(super) fn source(&self, key: &str) -> String {
        let escape = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        };
        format!("{}/{}", self.name, self.key(key).bytes().map(escape).collect::<String>())
    }

    pub(super) async fn head_bucket(&self) -> Result<(), Trouble> {
        within(ANSWER_MAX, self.client.head_bucket().bucket(&self.name).send()).await.map(drop)
    }

    /// None if there is no such object.
    pub(super) async fn head(&self, key: &str) -> Result<Option<Head>, Trouble> {
        Ok(self.head_and_etag(key).await?.map(|(head, _)| head))
    }

    /// The same, with its ETag if that says something of the bytes.
    pub(super) async fn head_and_etag(&self, key: &str) -> Result<Option<(Head, Option<Etag>)>, Trouble> {
        let seen = SeenCrc::default();
        let call = self.client.head_object().bucket(&self.name).key(self.key(key)).customize().interceptor(seen.clone()).send();
        match within(ANSWER_MAX, call).await {
            Ok(answer) => {
                let head = Head { size: length(answer.content_length)?, crc: seen.take() };
                Ok(Some((head, answer.e_tag.as_deref().and_then(Etag::parse))))
            }
            Err(Trouble::Absent) => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    /// Writes an object from memory. The store verifies the body by its signature, and on OSS by its CRC, too.
    pub(super) async fn put(&self, key: &str, bytes: &Pieces, sha256: Sha256) -> Result<(), Trouble> {
        self.put_and_etag(key, bytes, sha256).await.map(drop)
    }

    /// The same, with the ETag of the answer if that says something of the bytes.
    pub(super) async fn put_and_etag(&self, key: &str, bytes: &Pieces, sha256: Sha256) -> Result<Option<Etag>, Trouble> {
        let (progress, seen) = (Progress::default(), SeenCrc::default());
        let call = self.client.put_object().bucket(&self.name).key(self.key(key)).body(measured(bytes, &progress));
        let call = call.customize().interceptor(seen.clone()).interceptor(SignedHash(sha256)).send();
        let answer = progress.watch(bytes.len(), call).await?;
        seen.check(|| crc_of(bytes))?;
        Ok(answer.e_tag.as_deref().and_then(Etag::parse))
    }

    /// Writes a small object.
    pub(super) async fn put_note(&self, key: &str, bytes: Bytes) -> Result<(), Trouble> {
        let bytes = Pieces::from(bytes);
        let sha256 = bytes.sha256().await?;
        self.put(key, &bytes, sha256).await
    }

    /// Writes a small object that must be a new one. [`Trouble::Exists`] may also mean that an attempt of this very call was done and its
    /// answer lost.
    pub(super) async fn put_new(&self, key: &str, bytes: &Bytes) -> Result<(), Trouble> {
        let call = self.client.put_object().bucket(&self.name).key(self.key(key)).body(bytes.clone().into());
        let on_oss = self.flavor == Flavor::Oss;
        // OSS has a header of its own for it, and refuses that of S3.
        let call = if on_oss { call } else { call.if_none_match("*") };
        let call = call.customize().mutate_request(move |request| {
            if on_oss {
                request.headers_mut().insert("x-oss-forbid-overwrite", "true");
            }
        });
        within(ANSWER_MAX, call.send()).await.map(drop)
    }

    /// A small object as a whole; none if there is no such object.
    pub(super) async fn get(&self, key: &str, bytes_max: u64) -> Result<Option<Bytes>, Trouble> {
        let whole = async {
            let answer = match self.client.get_object().bucket(&self.name).key(self.key(key)).send().await.map_err(Trouble::from) {
                Ok(answer) => answer,
                Err(Trouble::Absent) => return Ok(None),
                Err(trouble) => return Err(trouble),
            };
            if length(answer.content_length)? > bytes_max {
                return Err(Trouble::odd("an object is larger than it can be"));
            }
            let bytes = answer.body.collect().await.map_err(|error| Trouble::Unavailable(error.into()))?;
            Ok(Some(bytes.into_bytes()))
        };
        within(ANSWER_MAX, whole).await
    }

    /// The bytes of `offset..offset + length` as they come, at least one.
    pub(super) async fn read(&self, key: &str, offset: u64, length: u64) -> Result<Download, Trouble> {
        let last = offset.checked_add(length).and_then(|end| end.checked_sub(1)).ok_or(Trouble::OutOfRange)?;
        let (on_oss, seen) = (self.flavor == Flavor::Oss, SeenCrc::default());
        let call = self.client.get_object().bucket(&self.name).key(self.key(key)).range(format!("bytes={offset}-{last}"));
        let call = call.customize().interceptor(seen.clone()).mutate_request(move |request| {
            // Otherwise it answers a range that is too long with the whole object.
            if on_oss {
                request.headers_mut().insert("x-oss-range-behavior", "standard");
            }
        });
        let answer = within(ANSWER_MAX, call.send()).await?;
        // `bytes 0-9/100`; a 200 has none.
        let told = answer.content_range.as_deref().unwrap_or_default();
        let (range, size) = told.rsplit_once('/').ok_or_else(|| Trouble::odd("a range was asked for, and none came"))?;
        if range != format!("bytes {offset}-{last}") {
            return Err(Trouble::OutOfRange);
        }
        let is_whole = offset == 0 && size.parse() == Ok(length);
        Ok(Download::new(answer.body, answer.e_tag, length, seen.take().filter(|_| is_whole)))
    }

    /// What is not there is no error.
    pub(super) async fn delete(&self, key: &str) -> Result<(), Trouble> {
        match within(ANSWER_MAX, self.client.delete_object().bucket(&self.name).key(self.key(key)).send()).await {
            Ok(_) | Err(Trouble::Absent) => Ok(()),
            Err(trouble) => Err(trouble),
        }
    }

    /// One by one: for `DeleteObjects` every store wants another checksum.
    pub(super) async fn delete_all(&self, keys: impl IntoIterator<Item = String>) -> Result<(), Trouble> {
        let deletes = stream::iter(keys).map(|key| async move { self.delete(&key).await });
        deletes.buffer_unordered(DELETES_AT_ONCE).try_collect().await
    }

    /// Copies within the store, as a whole: at most [`Flavor::copy_bytes_max`].
    pub(super) async fn copy(&self, from: &str, to: &str, size: u64) -> Result<(), Trouble> {
        let call = self.client.copy_object().bucket(&self.name).key(self.key(to)).copy_source(self.source(from));
        within(copying_max(size), call.metadata_directive(MetadataDirective::Copy).send()).await.map(drop)
    }

    /// The keys below a prefix, all of them.
    pub(super) async fn list(&self, below: &str) -> Result<Vec<String>, Trouble> {
        Ok(self.list_dated(below).await?.into_iter().map(|(key, _)| key).collect())
    }

    /// The same, each with the time when it was written, in seconds since 1970.
    pub(super) async fn list_dated(&self, below: &str) -> Result<Vec<(String, i64)>, Trouble> {
        let mut keys = Vec::new();
        let mut after = None;
        loop {
            let call = self.client.list_objects_v2().bucket(&self.name).prefix(self.key(below));
            let page = within(ANSWER_MAX, call.set_continuation_token(after).send()).await?;
            for object in page.contents.unwrap_or_default() {
                let written = object.last_modified.map_or(i64::MAX, |written| written.secs());
                keys.extend(object.key.and_then(|key| self.without_prefix(&key)).map(|key| (key, written)));
            }
            after = page.next_continuation_token;
            if page.is_truncated != Some(true) || after.is_none() {
                return Ok(keys);
            }
        }
    }

    /// Some of the keys below a prefix, those after one of them, in the order of their bytes; none when there are no more.
    pub(super) async fn list_after(&self, below: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, Trouble> {
        let keys_max = i32::try_from(limit).unwrap_or(i32::MAX).min(LISTED_AT_ONCE);
        let call = self.client.list_objects_v2().bucket(&self.name).prefix(self.key(below)).max_keys(keys_max);
        let page = within(ANSWER_MAX, call.set_start_after(after.map(|after| self.key(after))).send()).await?;
        let names = page.contents.unwrap_or_default().into_iter().filter_map(|object| object.key);
        Ok(names.filter_map(|name| self.without_prefix(&name)).collect())
    }

    /// The folders right below a folder.
    pub(super) async fn folders(&self, below: &str) -> Result<Vec<String>, Trouble> {
        let mut folders = Vec::new();
        let mut after = None;
        loop {
            let call = self.client.list_objects_v2().bucket(&self.name).prefix(self.key(below)).delimiter("/");
            let page = within(ANSWER_MAX, call.set_continuation_token(after).send()).await?;
            let found = page.common_prefixes.unwrap_or_default().into_iter().filter_map(|folder| folder.prefix);
            folders.extend(found.filter_map(|folder| self.without_prefix(&folder)));
            after = page.next_continuation_token;
            if page.is_truncated != Some(true) || after.is_none() {
                return Ok(folders);
            }
        }
    }
}

/// How long it may take to copy or to join so many bytes. Nobody sees how far it has got.
pub(super) fn copying_max(bytes: u64) -> Duration {
    ANSWER_MAX + Duration::from_secs(bytes / COPY_RATE_MIN)
}

pub(super) fn length(told: Option<i64>) -> Result<u64, Trouble> {
    told.and_then(|length| u64::try_from(length).ok()).ok_or_else(|| Trouble::odd("the answer tells no length"))
}

/// The answer, if it comes in time.
pub(super) async fn within<T, E: Into<Trouble>>(limit: Duration, call: impl Future<Output = Result<T, E>>) -> Result<T, Trouble> {
    // What the SDK makes of a call is large.
    match tokio::time::timeout(limit, Box::pin(call)).await {
        Ok(answer) => answer.map_err(Into::into),
        Err(_) => Err(Trouble::late(limit)),
    }
}
