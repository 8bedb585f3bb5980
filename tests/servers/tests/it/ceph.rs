use std::process::Command;

use cairn_servers::{Ceph, CephAddress};

use crate::life::live;

/// A signed request; gives the status and the body.
fn call(server: &CephAddress, secret_key: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--max-time", "60", "--aws-sigv4", "aws:amz:default:s3", "--write-out", "\n%{http_code}"]);
    // Debian's curl signs the digest of the body, but does not say so in a header, as S3 wants it.
    curl.args(["--header", "x-amz-content-sha256: UNSIGNED-PAYLOAD", "--data-binary", body]);
    curl.args(["--user", &format!("{}:{secret_key}", server.access_key())]);
    let output = curl.args(["--request", method, &format!("{}{path}", server.endpoint())]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), body.to_owned())
}

fn put(server: &CephAddress) {
    assert_eq!(call(server, server.secret_key(), "PUT", "/kept", ""), (200, String::new()));
    assert_eq!(call(server, server.secret_key(), "PUT", "/kept/object", "data"), (200, String::new()));
}

#[test]
fn a_ceph_keeps_what_it_was_given() {
    live(Ceph::start().unwrap(), put, |server| {
        call(server, server.secret_key(), "GET", "/kept/object", "") == (200, "data".to_owned())
    });
}

#[test]
fn a_ceph_refuses_a_wrong_secret() {
    let (status, answer) = call(&Ceph::start().unwrap(), "wrong", "GET", "/", "");
    assert!(status == 403 && answer.contains("SignatureDoesNotMatch"), "{answer}");
}
