//! Redis over TLS.

use cairn_servers::Redis;

use super::nodes::Keys;
use super::refused;
use crate::harness::{Drive, skipped};
use crate::servers::certificate::{Certificate, free_port};

#[tokio::test]
async fn a_certificate_is_checked() {
    let Some(certificate) = Certificate::make() else {
        return skipped("Redis over TLS", "openssl makes no certificate");
    };
    let redis = Redis::start().unwrap();
    let keys = Keys::of(&redis, "cairn:");
    let port = free_port().to_string();
    for (setting, value) in [
        ("tls-cert-file", certificate.certificate()),
        ("tls-key-file", certificate.key()),
        ("tls-ca-cert-file", certificate.authority()),
        ("tls-auth-clients", "no".to_owned()),
        ("tls-port", port.clone()),
    ] {
        keys.call(&["CONFIG", "SET", setting, &value]);
    }
    let url = |host: &str| format!("rediss://{host}:{port}/0");
    let drive = Drive::with(&[("CAIRN_CACHE__URL", &url("localhost")), ("SSL_CERT_FILE", &certificate.authority())]);
    let user = drive.user().await;
    user.get("/user/info").send().await.expect(200);
    assert!(keys.all().iter().any(|key| key.starts_with("cairn:session:")), "{:?}", keys.all());

    let told = refused(&url("localhost"));
    assert!(told.contains("UnknownIssuer"), "of an authority that nobody knows: {told}");
}
