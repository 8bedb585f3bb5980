//! Reaching a store. Nothing here waits for ever: a store may be frozen, or a connection half-open, without anybody being told.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation, StalledStreamProtectionConfig,
};
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Error;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::{Client, Config};
use bytes::Bytes;
use cairn_commands::ports::BoxError;
use cairn_commands::ports::ids::Ids;
use cairn_domain::blob::BlobKey;

use super::bucket::Bucket;
use super::trouble::{self, Trouble};
use super::{Flavor, S3Blobs, S3Settings, S3Staging, keys, local_names, prompt};
use crate::ids::RandomIds;

/// How long connecting may take.
pub(super) const CONNECT_MAX: Duration = Duration::from_secs(1);

/// How long one call may take, with all its attempts, when its answer costs the store nothing to speak of. A request that needs the store
/// fails within three seconds when there is no answer.
pub(super) const ANSWER_MAX: Duration = Duration::from_millis(2_500);

/// How often a call is tried; the SDK waits between the attempts, longer each time, with jitter.
const ATTEMPTS: u32 = 3;

/// The wait before the second attempt, at most.
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// A bucket that was there when the program started. Cheap to clone.
#[derive(Clone)]
pub struct S3Store(pub(super) Arc<Bucket>);

/// Why a store can't be used. Each is one sentence for the operator, without the secret.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The settings can't be true.
    #[error("{0}")]
    Settings(String),
    /// Nothing answers there.
    #[error("the object store at {endpoint} can't be reached")]
    Unreachable {
        /// As configured.
        endpoint: String,
        #[source]
        source: BoxError,
    },
    /// Something answers there, but no object store.
    #[error("what answers at {endpoint} is no object store, or not the right kind of address for it")]
    NoStore {
        /// As configured.
        endpoint: String,
        #[source]
        source: BoxError,
    },
    /// The access key, or what proves it, is wrong.
    #[error("the object store at {endpoint} does not know the access key {access_key_id}, or its secret is a different one")]
    Credentials {
        /// As configured.
        endpoint: String,
        /// As configured.
        access_key_id: String,
        #[source]
        source: BoxError,
    },
    /// The key is right, but may not use the bucket.
    #[error("the access key {access_key_id} may not list the bucket {bucket}")]
    Denied {
        /// As configured.
        bucket: String,
        /// As configured.
        access_key_id: String,
        #[source]
        source: BoxError,
    },
    /// Reading may work, but nothing can be written.
    #[error("nothing can be written to and removed from the bucket {bucket}")]
    NotWritable {
        /// As configured.
        bucket: String,
        #[source]
        source: BoxError,
    },
    /// Several processes would write over each other's objects.
    #[error("the store of the bucket {bucket} writes over objects although it is told not to, so no uploads can land there")]
    NoConditions {
        /// As configured.
        bucket: String,
    },
    /// There is no such bucket.
    #[error("there is no bucket {bucket} at {endpoint}")]
    NoBucket {
        /// As configured.
        bucket: String,
        /// As configured.
        endpoint: String,
    },
}

impl S3Store {
    /// Connects, and finds out whether the bucket can be used.
    pub async fn connect(settings: S3Settings) -> Result<Self, OpenError> {
        let store = Self::unseen(&settings)?;
        store.probe().await.map_err(|error| explain(error, &settings))?;
        Ok(store)
    }

    /// The same for a store that may be away: then it can be used once it is back, and the second tells why it can't be now. What is
    /// wrong with one that is there is an error all the same.
    pub async fn connect_if_there(settings: S3Settings) -> Result<(Self, Option<OpenError>), OpenError> {
        let store = Self::unseen(&settings)?;
        match store.probe().await.map_err(|error| explain(error, &settings)) {
            Ok(()) => Ok((store, None)),
            Err(away @ OpenError::Unreachable { .. }) => Ok((store, Some(away))),
            Err(error) => Err(error),
        }
    }

    /// Without a look whether it is there.
    fn unseen(settings: &S3Settings) -> Result<Self, OpenError> {
        check(settings)?;
        let client = Client::from_conf(config(settings));
        let public = settings.public_endpoint.clone().map(|endpoint| S3Settings { endpoint, ..settings.clone() });
        let links = public.map(|settings| Client::from_conf(config(&settings)));
        Ok(Self(Arc::new(Bucket::new(client, links, settings))))
    }

    /// The blobs of this bucket, under that name in events.
    pub fn blobs(&self, name: &str) -> S3Blobs {
        S3Blobs::new(name, self.0.clone())
    }

    /// Its staging area. A store that does not keep conditions on writes would lose parts without a word, so that is tried first.
    pub async fn staging(&self) -> Result<S3Staging, OpenError> {
        let refuse = |trouble: Trouble| OpenError::NotWritable { bucket: self.0.name.clone(), source: trouble.into() };
        let key = keys::probe(&hex::encode(&RandomIds.random()[..16]));
        match self.0.put_new(&key, &Bytes::new()).await {
            // The latter when the answer to a first attempt was lost: nobody else has this key.
            Ok(()) | Err(Trouble::Exists) => {}
            Err(trouble) => return Err(refuse(trouble)),
        }
        let again = self.0.put_new(&key, &Bytes::new()).await;
        self.0.delete(&key).await.map_err(refuse)?;
        match again {
            Err(Trouble::Exists) => Ok(S3Staging::new(self.0.clone())),
            Ok(()) => Err(OpenError::NoConditions { bucket: self.0.name.clone() }),
            Err(trouble) => Err(refuse(trouble)),
        }
    }

    /// Whether this is the same place as another one, perhaps under another address: then what is copied from one to the other has nowhere
    /// to go, and what is removed from one is gone from both. Only what has the same name is looked into.
    pub async fn is_same_place(&self, other: &Self) -> Result<bool, BoxError> {
        if self.0.name != other.0.name || self.0.key("") != other.0.key("") {
            return Ok(false);
        }
        let key = keys::probe(&hex::encode(&RandomIds.random()[..16]));
        self.0.put_note(&key, Bytes::new()).await?;
        let seen = other.0.head(&key).await;
        self.0.delete(&key).await?;
        Ok(seen?.is_some())
    }

    /// Whether the bucket answers just now.
    pub async fn reachable(&self) -> Result<(), BoxError> {
        Ok(self.0.head_bucket().await?)
    }

    /// An address under which anybody reads the blob, for that many seconds, at most seven days (604,800). It says nothing about
    /// whether the blob is there. The answer will have this `Content-Disposition` and `Content-Type`, if given.
    pub async fn presign_get(
        &self,
        key: BlobKey,
        seconds: u64,
        disposition: Option<&str>,
        media_type: Option<&str>,
    ) -> Result<String, BoxError> {
        let valid = PresigningConfig::expires_in(Duration::from_secs(seconds))?;
        let client = self.0.links.as_ref().unwrap_or(&self.0.client);
        let request = client.get_object().bucket(&self.0.name).key(self.0.key(&keys::blob(key)));
        let request = request
            .set_response_content_disposition(disposition.map(str::to_owned))
            .set_response_content_type(media_type.map(str::to_owned));
        Ok(request.presigned(valid).await?.uri().to_owned())
    }

    /// A list has an error with a body, in which the reason stands; a HEAD has not.
    async fn probe(&self) -> Result<(), Result<SdkError<ListObjectsV2Error, HttpResponse>, Trouble>> {
        let list = self.0.client.list_objects_v2().bucket(&self.0.name).prefix(self.0.key("")).max_keys(1).send();
        match tokio::time::timeout(ANSWER_MAX, Box::pin(list)).await {
            Ok(answer) => answer.map(drop).map_err(Ok),
            Err(_) => Err(Err(Trouble::late(ANSWER_MAX))),
        }
    }
}

fn check(settings: &S3Settings) -> Result<(), OpenError> {
    let refuse = |what: String| Err(OpenError::Settings(what));
    if !settings.endpoint.starts_with("http://") && !settings.endpoint.starts_with("https://") {
        return refuse(format!("the endpoint {} must begin with http:// or https://", settings.endpoint));
    }
    if settings.bucket.is_empty() || settings.access_key_id.is_empty() || settings.secret_access_key.is_empty() {
        return refuse("a bucket, an access key and its secret are needed".to_owned());
    }
    if settings.flavor == Flavor::Oss && settings.path_style {
        return refuse("OSS takes no buckets in the path: path_style must be false".to_owned());
    }
    Ok(())
}

fn config(settings: &S3Settings) -> Config {
    let key = Credentials::new(&settings.access_key_id, &settings.secret_access_key, None, None, "configuration");
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(if settings.region.is_empty() { "us-east-1".to_owned() } else { settings.region.clone() }))
        .endpoint_url(&settings.endpoint)
        .force_path_style(settings.path_style)
        .credentials_provider(key)
        // Neither OSS nor older gateways take the checksums of S3; bodies are covered by the signature instead.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(FIRST_WAIT))
        .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT_MAX).build())
        // Whether anything moves is watched here, and by another measure.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(own) = prompt::client_for(&settings.endpoint).or_else(|| local_names::client_for(&settings.endpoint)) {
        config = config.http_client(own);
    }
    config.build()
}

fn explain(error: Result<SdkError<ListObjectsV2Error, HttpResponse>, Trouble>, settings: &S3Settings) -> OpenError {
    let endpoint = settings.endpoint.clone();
    let (bucket, access_key_id) = (settings.bucket.clone(), settings.access_key_id.clone());
    let error = match error {
        Ok(error) => error,
        Err(late) => return OpenError::Unreachable { endpoint, source: late.into() },
    };
    match (trouble::code(&error), trouble::status(&error)) {
        (Some("NoSuchBucket"), _) => OpenError::NoBucket { bucket, endpoint },
        (Some("InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken"), _) => {
            OpenError::Credentials { endpoint, access_key_id, source: error.into() }
        }
        (Some("AccessDenied"), _) => OpenError::Denied { bucket, access_key_id, source: error.into() },
        (_, Some(status)) if status < 500 => OpenError::NoStore { endpoint, source: error.into() },
        _ => OpenError::Unreachable { endpoint, source: error.into() },
    }
}
