//! Names below `localhost` mean this machine (RFC 6761 section 6.3), also where the system's resolver knows `localhost` alone: buckets that
//! stand in the host of a URL are such names when the store runs here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use aws_sdk_s3::config::SharedHttpClient;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns};

const HERE: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

#[derive(Debug, Clone)]
struct ThisMachine;

impl ResolveDns for ThisMachine {
    fn resolve_dns<'a>(&'a self, _: &'a str) -> DnsFuture<'a> {
        DnsFuture::ready(Ok(HERE.into()))
    }
}

/// A client for an endpoint on this machine; none for any other.
pub(super) fn client_for(endpoint: &str) -> Option<SharedHttpClient> {
    let tls = Provider::Rustls(CryptoMode::AwsLc);
    let host = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    let host = host.split(['/', ':']).next().unwrap_or_default();
    is_here(host).then(|| aws_smithy_http_client::Builder::new().tls_provider(tls).build_with_resolver(ThisMachine))
}

/// Of a name that means this machine; none of any other.
pub(super) fn addresses(host: &str) -> Option<[IpAddr; 2]> {
    is_here(host).then_some(HERE)
}

fn is_here(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_below_localhost_are_here() {
        for here in ["http://localhost", "http://localhost:9000", "https://oss.localhost:80/", "http://A.LocalHost."] {
            assert!(client_for(here).is_some(), "{here}");
        }
        for elsewhere in
            ["http://notlocalhost", "http://localhost.example.org", "https://127.0.0.1:80", "http://oss.example.org/localhost"]
        {
            assert!(client_for(elsewhere).is_none(), "{elsewhere}");
        }
    }
}
