//! The queue over TLS: a certificate must be of an authority that is known, and for the host of the URL.

use cairn_servers::RabbitMq;
use lapin::options::{BasicGetOptions, BasicPublishOptions};
use lapin::{BasicProperties, Connection, ConnectionProperties};

use super::certificate::{Certificate, free_port};
use super::start_errors::refused;
use crate::harness::{Drive, skipped, until_async};

#[tokio::test]
async fn tasks_come_and_go_over_tls_and_the_certificate_of_the_queue_is_checked() {
    let Some(certificate) = Certificate::make() else {
        return skipped("RabbitMQ over TLS", "openssl makes no certificate");
    };
    let port = free_port();
    let rabbitmq = RabbitMq::start_with(&format!(
        "listeners.ssl.local = 127.0.0.1:{port}\nssl_options.certfile = {}\nssl_options.keyfile = {}\nssl_options.cacertfile = {}\n\
         ssl_options.verify = verify_none\nssl_options.fail_if_no_peer_cert = false\n",
        certificate.certificate(),
        certificate.key(),
        certificate.authority(),
    ))
    .unwrap();
    let url = |host: &str| format!("amqps://{}:{}@{host}:{port}", rabbitmq.user(), rabbitmq.password());
    let authority = certificate.authority();
    let _drive = Drive::with(&[("CAIRN_QUEUE__URL", &url("localhost")), ("SSL_CERT_FILE", &authority)]);

    // It takes what nobody can read and publishes it again, elsewhere.
    let connection = Connection::connect(&rabbitmq.url(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    channel.basic_publish("uploadserver.trans".into(), "oss".into(), options, b"garbage", properties).await.unwrap().await.unwrap();
    let aside = until_async("it is set aside", async || {
        channel.basic_get("uploadserver.trans.oss.err".into(), BasicGetOptions { no_ack: true }).await.unwrap()
    });
    assert_eq!(aside.await.delivery.data, b"garbage");

    let told = refused(&[("CAIRN_QUEUE__URL", &url("localhost"))]);
    assert!(told.contains("queue.url") && told.contains("UnknownIssuer"), "of an authority that nobody knows: {told}");
    let told = refused(&[("CAIRN_QUEUE__URL", &url("127.0.0.1")), ("SSL_CERT_FILE", &authority)]);
    assert!(told.contains("queue.url") && told.contains("not valid for name"), "for another host: {told}");
}
