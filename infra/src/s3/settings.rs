//! Which bucket of which store, and as whom.

use std::fmt;

/// Where the contents go. [`S3Store::connect`](super::S3Store::connect) finds out whether it is true.
#[derive(Clone)]
pub struct S3Settings {
    /// `http://host:port` or `https://host`, without the bucket.
    pub endpoint: String,
    /// As the store calls it; Ceph takes any.
    pub region: String,
    /// It must be there already.
    pub bucket: String,
    /// Who asks.
    pub access_key_id: String,
    /// What proves it. Never shown.
    pub secret_access_key: String,
    /// Whether the bucket stands in the path of an address instead of in its host name. OSS takes the latter only, and an endpoint that
    /// is a number has always the former.
    pub path_style: bool,
    /// Whose habits the store has.
    pub flavor: Flavor,
    /// `https://host` under which people reach the store, for links that lead to it; none gives out no such links.
    pub public_endpoint: Option<String>,
    /// What all keys begin with, for buckets that are shared with others; empty for none.
    pub prefix: String,
}

/// Object stores agree on S3, but for some habits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flavor {
    /// As Amazon describes it; MinIO, R2 and others follow.
    #[default]
    S3,
    /// The RADOS gateway, from version 16 on.
    Ceph,
    /// Aliyun OSS, by its S3 interface.
    Oss,
}

impl Flavor {
    /// The smallest part but the last of an upload in parts, in bytes:
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>,
    /// <https://help.aliyun.com/zh/oss/developer-reference/uploadpart>.
    pub(super) fn part_bytes_min(self) -> u64 {
        match self {
            Self::S3 | Self::Ceph => 5 * 1024 * 1024,
            Self::Oss => 100 * 1024,
        }
    }

    /// The most that is copied by one request, in bytes:
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html>,
    /// <https://help.aliyun.com/zh/oss/developer-reference/copyobject>.
    /// Ceph copies a whole object without touching its bytes, but not a range of one.
    pub(super) fn copy_bytes_max(self) -> u64 {
        match self {
            Self::S3 | Self::Ceph => 5 * 1024 * 1024 * 1024,
            Self::Oss => 1024 * 1024 * 1024,
        }
    }
}

impl S3Settings {
    /// The prefix as keys begin with it: no slash before it, one after it.
    pub(super) fn key_prefix(&self) -> String {
        match self.prefix.trim_matches('/') {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        }
    }
}

/// Where it is, without the secret.
impl fmt::Display for S3Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the bucket {} at {}", self.bucket, self.endpoint)
    }
}

impl fmt::Debug for S3Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("S3Settings")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("bucket", &self.bucket)
            .field("access_key_id", &self.access_key_id)
            .field("path_style", &self.path_style)
            .field("flavor", &self.flavor)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
