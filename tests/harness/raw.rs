//! A connection on which anything can be sent, also what no client would send.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

pub(crate) struct RawConnection(TcpStream);

impl RawConnection {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let connection = TcpStream::connect(address).expect("a connection");
        connection.set_read_timeout(Some(Duration::from_secs(40))).expect("a timeout");
        connection.set_write_timeout(Some(Duration::from_secs(40))).expect("a timeout");
        Self(connection)
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).expect("the drive takes the bytes");
    }

    /// False when the drive has closed the connection.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.write_all(bytes.as_ref()).is_ok()
    }

    /// Some bytes of what has come.
    pub(crate) fn receive(&mut self, bytes_max: usize) -> Vec<u8> {
        let mut buffer = vec![0; bytes_max];
        let count = self.0.read(&mut buffer).expect("the drive sends");
        buffer.truncate(count);
        buffer
    }

    /// Everything up to the end of the connection.
    pub(crate) fn receive_all(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        // A reset after the answer is an end as well.
        if let Err(error) = self.0.read_to_end(&mut all) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "the drive neither answered nor closed");
        }
        all
    }

    /// The whole answer as text, for short ones.
    pub(crate) fn answer(&mut self) -> String {
        String::from_utf8_lossy(&self.receive_all()).into_owned()
    }

    /// Nothing more will be sent. The drive may have closed the connection before.
    pub(crate) fn finish(&self) {
        if let Err(error) = self.0.shutdown(Shutdown::Write) {
            assert_eq!(error.kind(), std::io::ErrorKind::NotConnected);
        }
    }
}
