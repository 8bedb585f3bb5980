//! What tests hold in their hands.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use s3s::auth::{S3Auth, SecretKey};
use s3s::host::SingleDomain;
use s3s::service::S3ServiceBuilder;
use s3s::{S3Result, s3_error};

use crate::door::Door;
use crate::fault::Fault;
use crate::operation::Operation;
use crate::refusal::DOMAIN;
use crate::s3::Oss;
use crate::server::{Port, Server};
use crate::store::Store;

/// The only key that the stand-in knows.
pub const ACCESS_KEY: &str = "LTAI-cairn-oss-double";

/// What belongs to it.
pub const SECRET_KEY: &str = "cairn-oss-double-secret";

/// What `s3s` has for this calls an unknown key `NotSignedUp`.
struct OneKey;

#[async_trait]
impl S3Auth for OneKey {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        if access_key == ACCESS_KEY {
            return Ok(SECRET_KEY.into());
        }
        Err(s3_error!(InvalidAccessKeyId, "The OSS Access Key Id you provided does not exist in our records."))
    }
}

/// A running stand-in. Dropping it stops it and removes its directory.
pub struct OssDouble {
    // The server ends before the store removes its directory.
    _server: Server,
    address: SocketAddr,
    door: Arc<Door>,
    store: Arc<Store>,
}

/// An object as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    pub key: String,
    /// In bytes.
    pub size: u64,
    /// Without quotes: the MD5 of the content in upper case, or what stands for several parts.
    pub etag: String,
    /// CRC-64/XZ of the content.
    pub crc64: u64,
}

/// A multipart upload that was neither completed nor aborted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenUpload {
    pub key: String,
    pub upload_id: String,
    /// The numbers of the parts that have arrived, ascending.
    pub parts: Vec<i32>,
}

impl OssDouble {
    /// Starts one without buckets, on a port of its own.
    pub fn start() -> io::Result<Self> {
        let port = Port::open()?;
        let address = port.address;
        let store = Arc::new(Store::new()?);
        let mut service = S3ServiceBuilder::new(Oss::new(Arc::clone(&store)));
        service.set_auth(OneKey);
        service.set_host(SingleDomain::new(&format!("{DOMAIN}:{}", address.port())).map_err(io::Error::other)?);
        let door = Arc::new(Door::new(service.build()));
        let server = Server::start(port, Arc::clone(&door))?;
        Ok(Self { _server: server, address, door, store })
    }

    /// `http://oss.localhost:PORT`. A bucket is below it, which takes a resolver: see the documentation of the crate.
    pub fn endpoint(&self) -> String {
        format!("http://{DOMAIN}:{}", self.address.port())
    }

    /// Where it listens, whatever name it is called by.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it keeps contents until it is dropped.
    pub fn directory(&self) -> &Path {
        self.store.directory()
    }

    pub fn access_key(&self) -> &'static str {
        ACCESS_KEY
    }

    pub fn secret_key(&self) -> &'static str {
        SECRET_KEY
    }

    /// Makes an empty bucket; one that is already there stays as it is. The name follows OSS's rules: 3 to 63 lower-case letters,
    /// digits and hyphens.
    pub fn create_bucket(&self, name: &str) -> io::Result<()> {
        self.store.create_bucket(name)
    }

    /// All objects of a bucket, by key; none if there is no such bucket.
    pub fn objects(&self, bucket: &str) -> Vec<StoredObject> {
        self.store.objects(bucket)
    }

    /// All open multipart uploads of a bucket, by key and age; none if there is no such bucket.
    pub fn open_multipart_uploads(&self, bucket: &str) -> Vec<OpenUpload> {
        self.store.open_uploads(bucket)
    }

    /// Makes all open multipart uploads of a bucket that much older, and the parts that they have.
    pub fn age_multipart_uploads(&self, bucket: &str, by: Duration) {
        self.store.age_uploads(bucket, by);
    }

    /// How many requests of this operation have arrived, with those that were refused or broken.
    pub fn requests(&self, operation: Operation) -> usize {
        self.door.counts.of(operation)
    }

    /// The next requests of this operation, so many, meet this fault. Faults of one operation happen in the order in which they
    /// were asked for.
    pub fn inject(&self, operation: Operation, fault: Fault, times: usize) {
        self.door.faults.add(operation, fault, times);
    }

    /// How many faults have fallen on a request so far.
    pub fn faults_struck(&self) -> usize {
        self.door.faults.struck()
    }

    /// Forgets all faults that have not happened yet. Requests that hang go on hanging.
    pub fn clear_faults(&self) {
        self.door.faults.clear();
    }

    /// How many requests hang now.
    pub fn hanging(&self) -> usize {
        self.door.faults.hanging()
    }

    /// Lets go all requests that hang now.
    pub fn release(&self) {
        self.door.faults.release();
    }

    /// Flips a byte in the middle of a stored object, as a broken disk would: its ETag and its CRC stay. Not for an empty object.
    pub fn corrupt(&self, bucket: &str, key: &str) -> io::Result<()> {
        self.store.corrupt(bucket, key)
    }
}
