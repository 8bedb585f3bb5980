//! Redis over TLS, with a certificate of an authority that was made for the occasion.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use cairn_servers::Redis;

use super::nodes::Keys;
use super::refused;
use crate::harness::{Drive, skipped};

/// A certificate for `localhost` (`cert.pem`, `key.pem`) and its authority's (`ca.pem`). False when there is no program to make one.
fn certify(directory: &Path) -> bool {
    let script = "set -e
        new='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
        openssl req -x509 $new -keyout ca.key -out ca.pem -days 30 -subj /CN=authority
        openssl req $new -keyout key.pem -out request.pem -subj /CN=localhost
        echo subjectAltName=DNS:localhost > names
        openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile names -out cert.pem";
    Command::new("sh").args(["-c", script]).current_dir(directory).output().is_ok_and(|output| output.status.success())
}

#[tokio::test]
async fn a_certificate_is_checked() {
    let place = tempfile::tempdir().unwrap();
    if !certify(place.path()) {
        return skipped("Redis over TLS", "openssl makes no certificate");
    }
    let redis = Redis::start().unwrap();
    let keys = Keys::of(&redis, "cairn:");
    let file = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    for (setting, value) in [
        ("tls-cert-file", file("cert.pem")),
        ("tls-key-file", file("key.pem")),
        ("tls-ca-cert-file", file("ca.pem")),
        ("tls-auth-clients", "no".to_owned()),
        ("tls-port", port.clone()),
    ] {
        keys.call(&["CONFIG", "SET", setting, &value]);
    }
    let url = |host: &str| format!("rediss://{host}:{port}/0");
    let drive = Drive::with(&[("CAIRN_CACHE__URL", &url("localhost")), ("SSL_CERT_FILE", &file("ca.pem"))]);
    let user = drive.user().await;
    user.get("/user/info").send().await.expect(200);
    assert!(keys.all().iter().any(|key| key.starts_with("cairn:session:")), "{:?}", keys.all());

    let told = refused(&url("localhost"));
    assert!(told.contains("UnknownIssuer"), "of an authority that nobody knows: {told}");
}
