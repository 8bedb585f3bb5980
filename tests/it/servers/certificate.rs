//! A certificate of an authority that was made for the occasion.

use std::net::TcpListener;
use std::process::Command;

use tempfile::TempDir;

/// A certificate for `localhost`, its key, and the certificate of its authority, each in a file.
pub(super) struct Certificate(TempDir);

impl Certificate {
    /// None when there is no program to make one.
    pub(super) fn make() -> Option<Self> {
        let place = tempfile::tempdir().unwrap();
        let script = "set -e
            new='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
            openssl req -x509 $new -keyout ca.key -out ca.pem -days 30 -subj /CN=authority
            openssl req $new -keyout key.pem -out request.pem -subj /CN=localhost
            echo subjectAltName=DNS:localhost > names
            openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile names -out cert.pem";
        let made = Command::new("sh").args(["-c", script]).current_dir(place.path()).output();
        made.is_ok_and(|output| output.status.success()).then_some(Self(place))
    }

    /// To be shown.
    pub(super) fn certificate(&self) -> String {
        self.file("cert.pem")
    }

    pub(super) fn key(&self) -> String {
        self.file("key.pem")
    }

    /// To be believed.
    pub(super) fn authority(&self) -> String {
        self.file("ca.pem")
    }

    fn file(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }
}

/// A port that is free now.
pub(super) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
