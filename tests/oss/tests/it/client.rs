//! Clients as Cairn has them for OSS, and as it must not have them.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Builder, ConfigBag, Credentials, Intercept, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    RuntimeComponents, SharedHttpClient,
};
use aws_sdk_s3::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::{Client, Config};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns};
use aws_smithy_runtime_api::http::Response;
use cairn_oss_double::OssDouble;

/// The one bucket of most tests.
pub(crate) const BUCKET: &str = "bucket";

/// Finds every name on this machine.
#[derive(Clone, Debug)]
struct Loopback;

impl ResolveDns for Loopback {
    fn resolve_dns<'a>(&'a self, _name: &'a str) -> DnsFuture<'a> {
        DnsFuture::ready(Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]))
    }
}

fn on_this_machine() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build_with_resolver(Loopback)
}

/// A stand-in with an empty bucket, and a client for it.
pub(crate) fn started() -> (OssDouble, Client) {
    let double = OssDouble::start().unwrap();
    double.create_bucket(BUCKET).unwrap();
    let client = Client::from_conf(config(&double).build());
    (double, client)
}

/// What OSS needs. Tests count requests, so that nothing is tried again unless a test says so.
pub(crate) fn config(double: &OssDouble) -> Builder {
    default_config(double)
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
}

/// All as the SDK has it, but for where to go and as whom.
pub(crate) fn default_config(double: &OssDouble) -> Builder {
    Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("oss-cn-hangzhou"))
        .credentials_provider(credentials(double.access_key(), double.secret_key()))
        .endpoint_url(double.endpoint())
        .http_client(on_this_machine())
}

pub(crate) fn credentials(access_key: &str, secret_key: &str) -> Credentials {
    Credentials::new(access_key, secret_key, None, None, "test")
}

/// The CRC that came with the last answer; the SDK knows no such header.
#[derive(Clone, Debug, Default)]
pub(crate) struct SeenCrc(Arc<Mutex<Option<u64>>>);

impl SeenCrc {
    pub(crate) fn take(&self) -> Option<u64> {
        self.0.lock().unwrap().take()
    }
}

impl Intercept for SeenCrc {
    fn name(&self) -> &'static str {
        "SeenCrc"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let header = context.response().headers().get("x-oss-hash-crc64ecma");
        *self.0.lock().unwrap() = header.map(str::parse).transpose()?;
        Ok(())
    }
}

/// The status and the code that the service answered with.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug, E>(result: Result<T, SdkError<E, Response>>) -> (u16, String)
where
    E: ProvideErrorMetadata + std::fmt::Debug,
{
    match result.unwrap_err() {
        SdkError::ServiceError(error) => (error.raw().status().as_u16(), error.err().meta().code().unwrap_or_default().to_owned()),
        other => panic!("no answer of the service: {other:?}"),
    }
}
