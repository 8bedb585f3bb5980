//! A saved hash goes on anywhere, and a damaged one nowhere.

use proptest::prelude::*;

use super::{content_and_cuts, content_of, engines, pieces, reference};
use crate::engine::{Chain, Engine};
use crate::{BadState, Hasher, SavedState};

#[test]
fn a_hash_saved_at_any_byte_goes_on_to_the_same_digests() -> Result<(), BadState> {
    let content = content_of(300);
    for cut in 0..=content.len() {
        for (saving, resuming) in every_pair() {
            let saved = saved_after(saving, &content[..cut]).to_bytes();
            let mut hasher = Hasher::resume_on(resuming, &SavedState::from_bytes(&saved)?)?;
            assert_eq!(hasher.bytes_seen(), cut as u64);
            hasher.update(&content[cut..]);
            assert_eq!(hasher.finish(), reference(&content), "cut at {cut}");
        }
    }
    Ok(())
}

#[test]
fn both_implementations_save_the_same_record() {
    let content = content_of(1000);
    for length in 0..=content.len() {
        let [best, portable] = engines().map(|engine| saved_after(engine, &content[..length]).to_bytes());
        assert_eq!(best, portable, "{length} bytes");
    }
}

#[test]
fn the_record_of_version_one_never_changes() -> Result<(), BadState> {
    let golden = [
        // CAIRNDG, version 1.
        "434149524e444701",
        // 67 bytes seen.
        "0000000000000043",
        // SHA-256 after one block.
        "f98d23909f9c8a0513f7fc9aea111baaf05ca83c2cb242fc3e6589a63da9e29e",
        // SHA-1 after one block.
        "51862ea748ca3bd4d2c661f09f00ab466867fc6d",
        // three bytes wait, of 64.
        "65e870",
        &"00".repeat(61),
        // The checksum.
        "29ae53491d42d1ffd87d401acd4dbf13",
    ]
    .concat();
    let saved = saved_after(Engine::detect(), &content_of(67));
    let record = saved.to_bytes();
    assert_eq!(super::hex(&record), golden);
    assert_eq!(SavedState::from_bytes(&record)?, saved);
    Ok(())
}

#[test]
fn one_altered_byte_anywhere_is_refused() {
    let record = saved_after(Engine::detect(), &content_of(100)).to_bytes();
    for at in 0..record.len() {
        for bit in 0..8 {
            let mut altered = record;
            altered[at] ^= 1 << bit;
            let expected = if at < 8 { BadState::Format } else { BadState::Checksum };
            assert_eq!(SavedState::from_bytes(&altered), Err(expected), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn a_record_torn_at_any_byte_or_too_long_is_refused() {
    let record = saved_after(Engine::detect(), &content_of(100)).to_bytes();
    for length in 0..record.len() {
        let expected = if length < 8 { BadState::Format } else { BadState::Size { actual: length } };
        assert_eq!(SavedState::from_bytes(&record[..length]), Err(expected));

        // A file system may also leave zeros where the tail was never written.
        let mut zeroed = record;
        zeroed[length..].fill(0);
        assert!(SavedState::from_bytes(&zeroed).is_err(), "{length} bytes written");
    }
    let too_long = [&record[..], &[0]].concat();
    assert_eq!(SavedState::from_bytes(&too_long), Err(BadState::Size { actual: SavedState::BYTES + 1 }));
}

#[test]
fn a_state_that_no_content_has_is_refused_though_its_checksum_matches() -> Result<(), BadState> {
    let saved = saved_after(Engine::detect(), &content_of(100));
    let zeros = [0; 64];
    let impossible = [
        ("a chain without a block", SavedState { bytes_seen: 36, ..saved.clone() }),
        ("bytes that do not wait", SavedState { bytes_seen: 64, ..saved.clone() }),
        ("too many bytes", SavedState { bytes_seen: 1 << 61, buffer: zeros, ..saved.clone() }),
        ("as many as a number holds", SavedState { bytes_seen: u64::MAX, ..saved.clone() }),
    ];
    for (why, state) in impossible {
        let read = SavedState::from_bytes(&state.to_bytes())?;
        assert_eq!(Hasher::resume(&read).err(), Some(BadState::Impossible), "{why}");
    }
    Ok(())
}

#[test]
fn the_longest_content_resumes_and_takes_its_last_bytes_without_a_panic() -> Result<(), BadState> {
    let longest = SavedState { chain: Chain::INITIAL, bytes_seen: (1 << 61) - 64, buffer: [0; 64] };
    for engine in engines() {
        let mut hasher = Hasher::resume_on(engine, &longest)?;
        hasher.update(&[7; 63]);
        assert_eq!(hasher.bytes_seen(), (1 << 61) - 1);
        Hasher::resume_on(engine, &hasher.save())?;
        hasher.update(&[7; 200]);
        hasher.finish();
    }
    Ok(())
}

#[test]
fn the_reasons_read_well() {
    assert_eq!(BadState::Format.to_string(), "this is not a saved hash of version 1");
    assert_eq!(BadState::Size { actual: 9 }.to_string(), "a saved hash has 148 bytes, this has 9");
}

proptest! {
    #[test]
    fn a_hash_that_restarts_at_every_cut_has_the_reference_digests((content, cuts) in content_and_cuts()) {
        let engines = engines();
        let mut hasher = Hasher::start_on(engines[0]);
        for (turn, piece) in pieces(&content, &cuts).into_iter().enumerate() {
            hasher.update(piece);
            let saved = SavedState::from_bytes(&hasher.save().to_bytes())?;
            hasher = Hasher::resume_on(engines[turn % 2], &saved)?;
        }
        prop_assert_eq!(hasher.finish(), reference(&content));
    }

    #[test]
    fn hostile_bytes_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(SavedState::from_bytes(&bytes).is_err());
    }

    /// Whoever can write the record can also write its checksum: then it may resume, but it must not panic.
    #[test]
    fn a_forged_record_never_panics(
        sha256 in any::<[u32; 8]>(),
        sha1 in any::<[u32; 5]>(),
        bytes_seen in any::<u64>(),
        waiting in any::<[u8; 32]>(),
        more in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut buffer = [0; 64];
        buffer[..32].copy_from_slice(&waiting);
        let forged = SavedState { chain: Chain { sha256, sha1 }, bytes_seen, buffer };
        let read = SavedState::from_bytes(&forged.to_bytes())?;
        prop_assert_eq!(&read, &forged);
        for engine in engines() {
            if let Ok(mut hasher) = Hasher::resume_on(engine, &read) {
                hasher.update(&more);
                hasher.save().to_bytes();
                hasher.finish();
            }
        }
    }

    #[test]
    fn an_altered_record_is_refused(
        content in any::<Vec<u8>>(),
        changes in proptest::collection::vec((0..SavedState::BYTES, 1_u8..), 1..5),
    ) {
        let record = saved_after(Engine::detect(), &content).to_bytes();
        let mut altered = record;
        for (at, change) in changes {
            altered[at] ^= change;
        }
        prop_assert_eq!(SavedState::from_bytes(&altered).is_ok(), altered == record);
    }
}

fn saved_after(engine: Engine, content: &[u8]) -> SavedState {
    let mut hasher = Hasher::start_on(engine);
    hasher.update(content);
    hasher.save()
}

/// Who saves and who resumes.
fn every_pair() -> impl Iterator<Item = (Engine, Engine)> {
    engines().into_iter().flat_map(|saving| engines().map(|resuming| (saving, resuming)))
}
