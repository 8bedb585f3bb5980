//! Which addresses anybody on the internet could ask, so that the drive may ask them for anybody.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Ranges of IPv4 that are not the internet: what the IANA registry of special-purpose addresses (RFC 6890) calls not globally reachable, multicast
/// (RFC 5771), the relays of 6to4 (RFC 7526), and the one public address at which a cloud (Azure) talks to its own machines.
const SPECIAL_V4: [([u8; 4], u32); 17] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([168, 63, 129, 16], 32),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
    ([255, 255, 255, 255], 32),
];

/// All that is given out for the internet so far (RFC 4291 section 2.4); what is outside of it is special: loopback, v4-mapped, NAT64, unique local,
/// link-local, multicast.
const GLOBAL_UNICAST_V6: ([u16; 8], u32) = ([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// What is special within it: the protocols of the IETF, Teredo among them (RFC 2928), documentation (RFC 3849, RFC 9637), and 6to4, which leads to an
/// address of IPv4 (RFC 3056).
const SPECIAL_V6: [([u16; 8], u32); 4] = [
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    ([0x2001, 0x0db8, 0, 0, 0, 0, 0, 0], 32),
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];

/// True for an address of the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !SPECIAL_V4.iter().any(|(network, bits)| same_v4(address, Ipv4Addr::from(*network), *bits))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let within = |(network, bits): &([u16; 8], u32)| same_v6(address, Ipv6Addr::from(*network), *bits);
    within(&GLOBAL_UNICAST_V6) && !SPECIAL_V6.iter().any(within)
}

/// Whether the first bits of both are the same.
pub(super) fn same_v4(one: Ipv4Addr, other: Ipv4Addr, bits: u32) -> bool {
    let differing = one.to_bits() ^ other.to_bits();
    differing.leading_zeros() >= bits
}

/// Whether the first bits of both are the same.
pub(super) fn same_v6(one: Ipv6Addr, other: Ipv6Addr, bits: u32) -> bool {
    let differing = one.to_bits() ^ other.to_bits();
    differing.leading_zeros() >= bits
}
