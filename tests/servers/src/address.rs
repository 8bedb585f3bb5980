//! What every address of a server can do.

/// Where the server listens, and the same server behind a proxy. `$port` is the field that clients connect to.
macro_rules! reachable {
    ($address:ident, $port:ident) => {
        impl $address {
            /// The port that clients connect to.
            pub fn port(&self) -> u16 {
                self.$port
            }

            /// What a [`ChaosProxy`](crate::ChaosProxy) in front of it is started with.
            pub fn socket_address(&self) -> std::net::SocketAddr {
                (std::net::Ipv4Addr::LOCALHOST, self.$port).into()
            }

            /// The same server, reached through this proxy.
            #[must_use]
            pub fn through(&self, proxy: &crate::ChaosProxy) -> Self {
                Self { $port: proxy.address().port(), ..self.clone() }
            }
        }
    };
}
