//! How a client finds the stand-in, and how it must not.

use std::env;
use std::process::Command;

use aws_sdk_s3::config::{BehaviorVersion, Region, RequestChecksumCalculation};
use aws_sdk_s3::{Client, Config};
use aws_smithy_http_client::ConnectorBuilder;
use aws_smithy_http_client::proxy::ProxyConfig;
use cairn_oss_double::{ACCESS_KEY, SECRET_KEY};

use crate::client::{BUCKET, config, credentials, refused, started};
use crate::support::content;

/// What the SDK's default client does by itself with `HTTP_PROXY` in its environment.
#[tokio::test]
async fn it_is_a_proxy_to_itself() {
    let (double, _) = started();
    let proxy = format!("http://{}", double.address());
    let through_proxy = aws_smithy_http_client::Builder::new().build_with_connector_fn(move |_, _| {
        ConnectorBuilder::default().proxy_config(ProxyConfig::http(proxy.as_str()).unwrap()).build_http()
    });
    let client = Client::from_conf(config(&double).http_client(through_proxy).build());
    let bytes = content(1000, 1);
    client.put_object().bucket(BUCKET).key("a b").body(bytes.clone().into()).send().await.unwrap();
    let got = client.get_object().bucket(BUCKET).key("a b").send().await.unwrap();
    assert_eq!(got.body.collect().await.unwrap().into_bytes(), bytes);
}

/// So a whole program can be tested that nobody can give a resolver.
#[test]
fn a_program_finds_it_by_its_environment() {
    let (double, _) = started();
    let mut program = Command::new(env::current_exe().unwrap());
    program.args(["--ignored", "--exact", "addresses::a_program_with_the_default_http_client"]);
    program.env("HTTP_PROXY", format!("http://{}", double.address())).env("OSS_DOUBLE", double.endpoint());
    let output = program.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(double.objects(BUCKET).len(), 1);
}

#[tokio::test]
#[ignore = "needs the environment that its parent gives it"]
async fn a_program_with_the_default_http_client() {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("oss-cn-hangzhou"))
        .credentials_provider(credentials(ACCESS_KEY, SECRET_KEY))
        .endpoint_url(env::var("OSS_DOUBLE").unwrap())
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .build();
    Client::from_conf(config).put_object().bucket(BUCKET).key("key").send().await.unwrap();
}

#[tokio::test]
async fn a_bucket_in_the_path_is_refused() {
    let (double, _) = started();
    let client = Client::from_conf(config(&double).force_path_style(true).build());
    let forbidden = (403, "SecondLevelDomainForbidden".to_owned());
    assert_eq!(refused(client.put_object().bucket(BUCKET).key("key").send().await), forbidden);
    assert_eq!(refused(client.get_object().bucket(BUCKET).key("key").send().await), forbidden);
    assert_eq!(refused(client.list_objects_v2().bucket(BUCKET).send().await), forbidden);
    assert_eq!(double.objects(BUCKET), []);
}

/// The SDK takes an address of numbers for a server that knows no virtual hosts, whatever it is told.
#[tokio::test]
async fn an_endpoint_of_numbers_is_path_style_and_refused() {
    let (double, _) = started();
    let endpoint = format!("http://{}", double.address());
    let client = Client::from_conf(config(&double).endpoint_url(endpoint).force_path_style(false).build());
    let result = client.put_object().bucket(BUCKET).key("key").send().await;
    assert_eq!(refused(result), (403, "SecondLevelDomainForbidden".to_owned()));
}
