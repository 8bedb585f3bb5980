//! The drive's memory does not grow with what passes through it.

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream;

use crate::harness::{Chance, Drive, File};

const CLIENTS: u64 = 32;
const PIECE: usize = 64 * 1024;
const PIECES: usize = 1024;
const RESIDENT_KIB_MAX: u64 = 96 * 1024;

/// The bytes of a client's file, made as they are sent.
fn pieces(seed: u64) -> impl Iterator<Item = Result<Bytes, std::io::Error>> {
    let mut chance = Chance::new(seed);
    (0..PIECES).map(move |_| {
        let word = chance.next().to_le_bytes();
        Ok(Bytes::from(word.repeat(PIECE / word.len())))
    })
}

fn expected_sha256(seed: u64) -> String {
    use sha2::Digest;
    let mut hasher = sha2::Sha256::new();
    pieces(seed).for_each(|piece| hasher.update(piece.unwrap()));
    hex::encode(hasher.finalize())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_two_clients_with_64_mib_each_stay_under_96_mib() {
    let drive = Drive::start();
    let user = drive.user().await;
    let before = drive.resident_peak_kib();
    let uploads = (0..CLIENTS).map(|seed| {
        let call = user.post("/file/upload").query("name", seed).header("content-type", "application/octet-stream");
        call.stream(stream::iter(pieces(seed))).send()
    });
    let files: Vec<File> = join_all(uploads).await.into_iter().map(|answer| answer.expect(201).read_as()).collect();
    let after = drive.resident_peak_kib();
    eprintln!("resident at most: {before} KiB before, {after} KiB after");
    assert!(after < RESIDENT_KIB_MAX, "{after} KiB, at most {RESIDENT_KIB_MAX}");
    for (seed, file) in (0..CLIENTS).zip(&files).step_by(11) {
        assert_eq!((file.size, &file.sha256), ((PIECE * PIECES) as u64, &expected_sha256(seed)));
    }
}
