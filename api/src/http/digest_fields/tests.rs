use poem::http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::*;

/// SHA-256 of nothing.
const EMPTY: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64,
    0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];
const FIELD: &str = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";

fn read(lines: &[&str]) -> Result<Option<[u8; 32]>, Problem> {
    let headers: HeaderMap = lines.iter().map(|line| (CONTENT_DIGEST, HeaderValue::from_bytes(line.as_bytes()).unwrap())).collect();
    sha256(&headers, &CONTENT_DIGEST)
}

#[test]
fn sha_256_is_found_among_others() {
    for lines in [
        &[FIELD][..],
        &["sha-512=:AAAA:, sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"],
        &["md5=:AAAA:", FIELD],
        &["unixsum=30637", FIELD],
        &["a=\"x, sha-256=:AAAA:\", sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:;p=1"],
        &["sha-256=:AAAA:", FIELD],
    ] {
        assert_eq!(read(lines).unwrap(), Some(EMPTY), "{lines:?}");
    }
}

#[test]
fn other_algorithms_alone_state_nothing() {
    for lines in [&[][..], &["sha-512=:AAAA:"], &[""]] {
        assert_eq!(read(lines).unwrap(), None, "{lines:?}");
    }
}

#[test]
fn a_malformed_field_is_refused() {
    for line in [
        "sha-256",
        "sha-256=",
        "sha-256=::",
        "sha-256=:AAAA:",
        "sha-256=:!!!!:",
        "sha-256=\"47DEQ\"",
        "sha-256=47DEQ",
        "sha-256=(:AAAA:)",
        "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "=:AAAA:",
        "sha-256=?1",
        "SHA-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:",
        "sha-512=:AAAA:,",
        "ü",
    ] {
        let problem = read(&[line]).unwrap_err();
        assert_eq!((problem.kind().status, problem.kind().code), (400, "malformed_digest"), "{line}");
    }
}

#[test]
fn a_digest_is_written_as_a_byte_sequence() {
    assert_eq!(field_value(&EMPTY), FIELD);
}

proptest! {
    #[test]
    fn what_is_written_is_read(digest in any::<[u8; 32]>()) {
        let headers: HeaderMap = [(REPR_DIGEST, field_value(&digest))].into_iter().collect();
        prop_assert_eq!(sha256(&headers, &REPR_DIGEST).unwrap(), Some(digest));
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "[ -~]{0,60}") {
        let _ = read(&[&text]);
    }
}
