//! A strict stand-in for the S3-compatible interface of Aliyun OSS, for tests of a client that is written with `aws-sdk-s3`.
//!
//! It listens on 127.0.0.1 over plain HTTP, on a thread with a runtime of its own, checks signatures (SigV4, through `s3s`) and
//! keeps objects in a temporary directory. Bodies stream both ways. What OSS refuses, it refuses with the code and the status of
//! OSS, so that a client which only works with S3 or Ceph fails here.
//!
//! # How a client finds it
//!
//! OSS takes only virtual-hosted addresses, and [`OssDouble::endpoint`] is `http://oss.localhost:PORT`, so that a bucket is at
//! `http://BUCKET.oss.localhost:PORT`. glibc resolves `localhost` only, not what is below it (RFC 6761 lets it; systemd's resolver
//! would). There are two ways round it, and both are in this crate's tests (`tests/it/client.rs`):
//!
//! - give the client a resolver that answers 127.0.0.1 (`aws_smithy_http_client::Builder::build_with_resolver`);
//! - make the stand-in the client's HTTP proxy: a program whose client is `aws-sdk-s3`'s default one reads
//!   `HTTP_PROXY=http://127.0.0.1:PORT` from its environment (with `BehaviorVersion` v2025_08_07 or later).
//!
//! # What it refuses
//!
//! With the codes of OSS's documentation: access keys that are unknown or do not fit the signature (`InvalidAccessKeyId`,
//! `SignatureDoesNotMatch`), buckets, objects and uploads that are not there, a wrong Content-MD5 (`InvalidDigest`, where S3 has
//! `BadDigest`), part numbers outside 1 to 10000 and pages of more than 1000 (`InvalidArgument`, where S3 takes 1000), lists of
//! parts that are not in order or not true (`InvalidPartOrder`, `InvalidPart`), parts below 100 KiB (`EntityTooSmall`, when they
//! are joined; S3 wants 5 MiB), keys that begin with a slash (`InvalidObjectName`).
//!
//! As users of OSS have reported it: buckets in the path (`SecondLevelDomainForbidden`), chunks with or without signatures
//! (`InvalidArgument`), `DeleteObjects` without Content-MD5 (`MissingArgument`), If-Match and If-None-Match on writes
//! (`NotImplemented`; to write only what is new, OSS has `x-oss-forbid-overwrite: true`, and `FileAlreadyExists`).
//!
//! More strictly than is known of OSS: `x-amz-trailer`, and `x-amz-sdk-checksum-algorithm` but on `DeleteObjects`, as
//! `InvalidArgument`. That is how the SDK shows that it was not told to leave out the checksums of S3. Some users report that OSS
//! takes `STREAMING-AWS4-HMAC-SHA256-PAYLOAD` by now; this stand-in takes no chunks at all.
//!
//! # What else is different from S3
//!
//! ETags are in upper case, and that of an upload in parts is no MD5 that anybody could compute. `x-oss-hash-crc64ecma` gives the
//! CRC-64/XZ of a whole content, in decimal. A range that reaches beyond the end is ignored and the whole object is sent with 200,
//! unless the request has `x-oss-range-behavior: standard`. An upload that was completed is forgotten: completing it again, because
//! the answer was lost, is `NoSuchUpload`. A page of a list of objects has 100 keys unless the client says otherwise, and what is
//! larger than 1 GiB cannot be copied at once.
//!
//! # What it never does
//!
//! It never speaks TLS, knows no versions, ACLs, tags, storage classes or regions, lists neither buckets nor objects in the old
//! way, and makes no promise of durability.

mod double;
mod fault;
mod operation;

mod door;
mod refusal;
mod server;

mod s3;
mod store;

pub use double::{ACCESS_KEY, OpenUpload, OssDouble, SECRET_KEY, StoredObject};
pub use fault::Fault;
pub use operation::Operation;
