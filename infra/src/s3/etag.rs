//! What an ETag says of the bytes, in the stores that make it as Amazon describes:
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html>. It is the MD5 of what came in one piece; of what came in parts the MD5
//! of their MD5s, and how many there were. Where a store encrypts with keys of others, and in some that are only alike, it says nothing.

use md5::{Digest, Md5};

use super::multipart::Sent;
use super::pieces::Pieces;

/// An ETag that has that form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Etag {
    md5: [u8; 16],
    /// None when it came in one piece.
    parts: Option<usize>,
}

impl Etag {
    /// None when it has another form.
    pub(super) fn parse(told: &str) -> Option<Self> {
        let told = told.trim_matches('"');
        let (md5, parts) = match told.split_once('-') {
            Some((md5, parts)) => (md5, Some(parts.parse().ok()?)),
            None => (told, None),
        };
        let mut bytes = [0; 16];
        hex::decode_to_slice(md5, &mut bytes).ok()?;
        Some(Self { md5: bytes, parts })
    }

    pub(super) fn of(bytes: &Pieces) -> Self {
        let mut md5 = Md5::new();
        bytes.iter().for_each(|piece| md5.update(piece));
        Self { md5: md5.finalize().into(), parts: None }
    }

    /// Of an object that was joined from these parts, in this order; none when their own ETags have another form. What the store says of a
    /// part it says of bytes whose SHA-256 it has compared with the one that was signed, so that nobody has to compute an MD5 of them.
    pub(super) fn of_joined(parts: &[Sent]) -> Option<Self> {
        let mut md5 = Md5::new();
        for part in parts {
            md5.update(Self::parse(&part.etag).filter(|etag| etag.parts.is_none())?.md5);
        }
        Some(Self { md5: md5.finalize().into(), parts: Some(parts.len()) })
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn sent(etag: &str) -> Sent {
        Sent { number: 1, etag: etag.to_owned(), size: 1 }
    }

    #[test]
    fn an_etag_says_what_the_bytes_are_or_nothing() {
        let of_hello = Etag::of(&Pieces::from(Bytes::from_static(b"hello")));
        for told in ["5d41402abc4b2a76b9719d911017c592", "\"5D41402ABC4B2A76B9719D911017C592\""] {
            assert_eq!(Etag::parse(told), Some(of_hello), "{told}");
        }
        for other in ["", "\"\"", "5d41", "5d41402abc4b2a76b9719d911017c592-", "x-1", "5d41402abc4b2a76b9719d911017c59g"] {
            assert_eq!(Etag::parse(other), None, "{other}");
        }
    }

    /// As `printf 5d41402abc4b2a76b9719d911017c5927d793037a0760186574b0282f2f435e7 | xxd -r -p | md5sum` says.
    #[test]
    fn that_of_parts_is_made_of_theirs() {
        let (hello, world) = (sent("\"5d41402abc4b2a76b9719d911017c592\""), sent("7d793037a0760186574b0282f2f435e7"));
        let joined = Etag::of_joined(&[hello.clone(), world.clone()]);
        assert_eq!(joined, Etag::parse("\"065947336a2f2a95ba8899f3675c3be6-2\""));
        assert_ne!(joined, Etag::of_joined(&[world, hello.clone()]));
        assert_eq!(Etag::of_joined(&[hello, sent("\"of-another-kind\"")]), None);
    }
}
