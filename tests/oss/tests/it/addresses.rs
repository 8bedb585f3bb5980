//! How a client finds the stand-in, and how it must not.

use aws_sdk_s3::Client;
use aws_smithy_http_client::ConnectorBuilder;
use aws_smithy_http_client::proxy::ProxyConfig;

use crate::client::{BUCKET, config, refused, started};
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
