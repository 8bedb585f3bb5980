//! What a digest is, against known vectors and the `sha1` and `sha2` crates, on every implementation here.

mod saving;
mod speed;

use proptest::prelude::*;
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use crate::engine::Engine;
use crate::{Digests, Hasher, Implementation, implementation};

#[test]
fn the_vectors_of_the_standards_hold() {
    let million = vec![b'a'; 1_000_000];
    let two_blocks = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    let vectors: [(&[u8], &str, &str); 4] = [
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (
            two_blocks,
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
        ),
        (&million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
    ];
    for (content, sha256, sha1) in vectors {
        for engine in engines() {
            let digests = in_one_piece(engine, content);
            assert_eq!(hex(&digests.sha256), sha256);
            assert_eq!(hex(&digests.sha1), sha1);
        }
    }
}

#[test]
fn every_length_up_to_four_blocks_is_padded_as_the_reference_does() {
    let content = content_of(256);
    for length in 0..=content.len() {
        for engine in engines() {
            assert_eq!(in_one_piece(engine, &content[..length]), reference(&content[..length]), "{length} bytes");
        }
    }
}

#[test]
fn a_content_is_the_same_however_it_is_aligned() {
    let bytes = content_of(4096 + 16);
    for offset in 0..16 {
        let content = &bytes[offset..offset + 4096];
        for engine in engines() {
            assert_eq!(in_one_piece(engine, content), reference(content), "{offset} bytes off");
        }
    }
}

#[test]
fn the_implementation_said_is_the_one_taken() {
    assert_eq!(implementation(), Hasher::new().engine.implementation());
    assert_eq!(Hasher::portable().engine.implementation(), Implementation::Portable);
    assert_eq!(Implementation::ShaNi.to_string(), "sha-ni");
    assert_eq!(Implementation::Portable.to_string(), "portable");
}

#[test]
fn debugging_a_hasher_shows_no_content() {
    let mut hasher = Hasher::default();
    hasher.update(b"secret");
    assert_eq!(format!("{hasher:?}"), "Hasher { bytes_seen: 6, .. }");
    assert_eq!(format!("{:?}", hasher.save()), "SavedState { bytes_seen: 6, .. }");
}

proptest! {
    #[test]
    fn any_content_in_any_pieces_has_the_reference_digests((content, cuts) in content_and_cuts()) {
        for engine in engines() {
            let mut hasher = Hasher::start_on(engine);
            for piece in pieces(&content, &cuts) {
                hasher.update(piece);
            }
            prop_assert_eq!(hasher.bytes_seen(), content.len() as u64);
            prop_assert_eq!(hasher.finish(), reference(&content));
        }
    }

    #[test]
    fn a_clone_goes_its_own_way((content, cuts) in content_and_cuts(), other in any::<Vec<u8>>()) {
        let cut = cuts[0];
        for engine in engines() {
            let mut hasher = Hasher::start_on(engine);
            hasher.update(&content[..cut]);
            let mut clone = hasher.clone();
            clone.update(&other);
            hasher.update(&content[cut..]);
            prop_assert_eq!(clone.finish(), reference(&[&content[..cut], &other].concat()));
            prop_assert_eq!(hasher.finish(), reference(&content));
        }
    }
}

/// The best engine of this processor and the portable one; the same twice where there is only that.
fn engines() -> [Engine; 2] {
    [Engine::detect(), Engine::Portable]
}

/// A content of up to 20,000 bytes (more than one turn of the portable engine) with up to eight sorted places to cut it.
fn content_and_cuts() -> impl Strategy<Value = (Vec<u8>, Vec<usize>)> {
    prop_oneof![3 => 0_usize..=300, 1 => 0_usize..=20_000]
        .prop_flat_map(|length| (proptest::collection::vec(any::<u8>(), length), proptest::collection::vec(0..=length, 1..=8)))
        .prop_map(|(content, mut cuts)| {
            cuts.sort_unstable();
            (content, cuts)
        })
}

fn pieces<'content>(content: &'content [u8], cuts: &[usize]) -> Vec<&'content [u8]> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for &cut in cuts {
        pieces.push(&content[from..cut]);
        from = cut;
    }
    pieces.push(&content[from..]);
    pieces
}

fn content_of(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 131 % 251) as u8).collect()
}

fn in_one_piece(engine: Engine, content: &[u8]) -> Digests {
    let mut hasher = Hasher::start_on(engine);
    hasher.update(content);
    hasher.finish()
}

fn reference(content: &[u8]) -> Digests {
    Digests { sha256: Sha256::digest(content).into(), sha1: Sha1::digest(content).into() }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}
