//! The whole-file hashes of the parts that are there without a gap from the start, as far as they have got.
//!
//! The state is bound to the parts by a chain of their digests: it counts only if the log names the very
//! same parts. So it may be old, lost or torn: then the bytes are read once more, and that is all.

use cairn_commands::ports::staging::Whole;
use cairn_digest::{Hasher, SavedState};
use cairn_domain::upload::Part;
use cairn_domain::{Sha1, Sha256};
use sha2::Digest;

/// The hashes up to some part's end.
#[derive(Clone, Default)]
pub(crate) struct Prefix {
    hasher: Hasher,
    chain: [u8; 32],
}

/// A hash state, the chain, and the first half of the SHA-256 of both.
pub(crate) const RECORD_BYTES: usize = SavedState::BYTES + 32 + 16;
const CHAIN_AT: usize = SavedState::BYTES;
const CHECKSUM_AT: usize = CHAIN_AT + 32;

impl Prefix {
    /// How far it has got, in bytes from the start of the file.
    pub(crate) fn position(&self) -> u64 {
        self.hasher.bytes_seen()
    }

    /// Takes the next bytes of the next part.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
    }

    /// All bytes of the part were taken.
    pub(crate) fn end_part(&mut self, part: Part, sha256: Sha256) {
        self.chain = link(self.chain, part, sha256);
    }

    /// How many of the parts it covers; none when it covers others than these.
    pub(crate) fn covered(&self, parts: &[(Part, Sha256)]) -> Option<usize> {
        let (mut position, mut chain) = (0, [0; 32]);
        let mut count = 0;
        for (part, sha256) in parts.iter().take_while(|(part, _)| part.offset < self.position()) {
            position = part.offset + part.length;
            chain = link(chain, *part, *sha256);
            count += 1;
        }
        (position == self.position() && chain == self.chain).then_some(count)
    }

    /// The digests, if these were all the bytes.
    pub(crate) fn whole(&self) -> Whole {
        let digests = self.hasher.clone().finish();
        Whole { size: self.position(), sha256: Sha256(digests.sha256), sha1: Sha1(digests.sha1) }
    }

    /// As it is kept in a file: torn or altered, it is refused.
    pub(crate) fn to_record(&self) -> [u8; RECORD_BYTES] {
        let mut record = [0; RECORD_BYTES];
        record[..CHAIN_AT].copy_from_slice(&self.hasher.save().to_bytes());
        record[CHAIN_AT..CHECKSUM_AT].copy_from_slice(&self.chain);
        let checksum = sha2::Sha256::digest(&record[..CHECKSUM_AT]);
        record[CHECKSUM_AT..].copy_from_slice(&checksum[..16]);
        record
    }

    /// None when it is no record, or not as it was.
    pub(crate) fn from_record(record: &[u8]) -> Option<Self> {
        let record: &[u8; RECORD_BYTES] = record.try_into().ok()?;
        let checksum = sha2::Sha256::digest(&record[..CHECKSUM_AT]);
        if record[CHECKSUM_AT..] != checksum[..16] {
            return None;
        }
        let saved = SavedState::from_bytes(&record[..CHAIN_AT]).ok()?;
        let mut chain = [0; 32];
        chain.copy_from_slice(&record[CHAIN_AT..CHECKSUM_AT]);
        Some(Self { hasher: Hasher::resume(&saved).ok()?, chain })
    }
}

fn link(chain: [u8; 32], part: Part, sha256: Sha256) -> [u8; 32] {
    let mut next = sha2::Sha256::new();
    next.update(chain);
    next.update(part.offset.to_be_bytes());
    next.update(part.length.to_be_bytes());
    next.update(sha256.0);
    next.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: (Part, Sha256) = (Part { offset: 0, length: 3 }, Sha256([1; 32]));
    const SECOND: (Part, Sha256) = (Part { offset: 3, length: 2 }, Sha256([2; 32]));

    fn prefix() -> Prefix {
        let mut prefix = Prefix::default();
        prefix.update(b"abc");
        prefix.end_part(FIRST.0, FIRST.1);
        prefix
    }

    #[test]
    fn a_record_goes_there_and_back_and_goes_on() {
        let mut resumed = Prefix::from_record(&prefix().to_record()).expect("a record");
        resumed.update(b"de");
        resumed.end_part(SECOND.0, SECOND.1);
        assert_eq!(resumed.whole().size, 5);
        assert_eq!(resumed.whole().sha256, Sha256(sha2::Sha256::digest(b"abcde").into()));
        assert_eq!(resumed.covered(&[FIRST, SECOND]), Some(2));
    }

    #[test]
    fn a_torn_or_altered_record_is_refused() {
        let record = prefix().to_record();
        assert!(Prefix::from_record(&[]).is_none());
        assert!(Prefix::from_record(&record[..RECORD_BYTES - 1]).is_none());
        for at in 0..RECORD_BYTES {
            let mut altered = record;
            altered[at] ^= 1;
            assert!(Prefix::from_record(&altered).is_none(), "byte {at}");
        }
    }

    #[test]
    fn it_counts_only_for_the_very_same_parts() {
        assert_eq!(Prefix::default().covered(&[FIRST, SECOND]), Some(0));
        assert_eq!(Prefix::default().covered(&[]), Some(0));
        assert_eq!(prefix().covered(&[FIRST]), Some(1));
        assert_eq!(prefix().covered(&[FIRST, SECOND]), Some(1));
        assert_eq!(prefix().covered(&[]), None);
        assert_eq!(prefix().covered(&[SECOND]), None);
        assert_eq!(prefix().covered(&[(FIRST.0, SECOND.1), SECOND]), None);
        assert_eq!(prefix().covered(&[(Part { offset: 0, length: 4 }, FIRST.1)]), None);
    }
}
