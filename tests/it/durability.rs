//! The drive is killed again and again while several clients send whole files and files in parts. After each start every
//! acknowledged file and part is there with its digest, a file is absent or whole, and nothing else is to be seen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::{Chance, Drive, File, Upload, User, content, sha256_hex};

const ROUNDS: usize = 8;
const CLIENTS: u64 = 4;
const PART: usize = 40_000;
/// The whole test, so that it stays quick on a busy machine.
const TIME_MAX: Duration = Duration::from_secs(30);

/// What the clients sent and what was acknowledged to them.
#[derive(Default)]
struct Ledger {
    /// Digests of everything that was ever begun to be sent as a whole file.
    begun: BTreeSet<String>,
    /// Acknowledged files: id and digest.
    files: BTreeMap<String, String>,
    /// Uploads in parts, as their clients know them.
    uploads: BTreeMap<String, Parts>,
}

struct Parts {
    bytes: Vec<u8>,
    /// Parts that were acknowledged.
    acknowledged: BTreeSet<u64>,
    /// Whether it was ever asked to be completed.
    completing: bool,
}

type Shared = Arc<Mutex<Ledger>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_every_kill() {
    let mut chance = Chance::from_environment();
    let ledger = Shared::default();
    let mut drive = Drive::start();
    let mut user = drive.user().await;
    let started = Instant::now();
    for round in 0..ROUNDS {
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            clients.spawn(keep_sending(user.clone(), ledger.clone(), chance.fork()));
        }
        // The moment of the kill is chance; it is not waited for anything.
        let moment = Duration::from_millis(50 + chance.below(900));
        tokio::time::sleep(moment).await;
        drive.kill();
        clients.join_all().await;
        drive.start_again();
        user = user.back_on(&drive);
        check(&user, &ledger).await;
        eprintln!("round {round}: killed after {moment:?}; {} files", ledger.lock().unwrap().files.len());
        if started.elapsed() > TIME_MAX {
            break;
        }
    }
    finish(&drive, &user, &ledger).await;
}

/// Sends until the drive is gone.
async fn keep_sending(user: User, ledger: Shared, mut chance: Chance) {
    loop {
        let sent = if chance.below(3) == 0 {
            send_in_parts(&user, &ledger, &mut chance).await
        } else {
            send_whole(&user, &ledger, &mut chance).await
        };
        if sent.is_err() {
            return;
        }
    }
}

async fn send_whole(user: &User, ledger: &Shared, chance: &mut Chance) -> reqwest::Result<()> {
    let size = usize::try_from(chance.below(300_000)).unwrap();
    let bytes = content(chance.next(), size);
    let sha256 = sha256_hex(&bytes);
    ledger.lock().unwrap().begun.insert(sha256.clone());
    let answer = user.raw_upload("whole.bin", bytes).try_send().await?.expect(201);
    ledger.lock().unwrap().files.insert(answer.read_as::<File>().id, sha256);
    Ok(())
}

async fn send_in_parts(user: &User, ledger: &Shared, chance: &mut Chance) -> reqwest::Result<()> {
    let count = 2 + chance.below(4);
    let bytes = content(chance.next(), usize::try_from(count).unwrap() * PART - 17);
    let wish = json!({ "name": format!("{}.bin", chance.next()), "size": bytes.len(), "part_size": PART });
    let answer = user.post("/file/mpupload/init").json(&wish).try_send().await?.expect(201);
    let id = answer.read_as::<Upload>().upload_id;
    let parts = Parts { bytes: bytes.clone(), acknowledged: BTreeSet::new(), completing: false };
    ledger.lock().unwrap().uploads.insert(id.clone(), parts);
    let with_parts = |change: &dyn Fn(&mut Parts)| change(ledger.lock().unwrap().uploads.get_mut(&id).unwrap());
    let first = chance.below(count);
    for index in (0..count).map(|n| (n + first) % count + 1) {
        let part = bytes.chunks(PART).nth(usize::try_from(index).unwrap() - 1).unwrap().to_vec();
        user.part(&id, index, part).try_send().await?.expect(200);
        with_parts(&|parts| {
            parts.acknowledged.insert(index);
        });
    }
    with_parts(&|parts| parts.completing = true);
    let call = user.post("/file/mpupload/complete").json(&json!({ "upload_id": id }));
    let file: File = call.try_send().await?.expect(201).read_as();
    ledger.lock().unwrap().files.insert(file.id, sha256_hex(&bytes));
    Ok(())
}

/// Looks at everything that is to be seen, and that everything acknowledged is among it.
async fn check(user: &User, ledger: &Shared) {
    let seen: BTreeMap<String, File> = user.list("limit=1000").await.into_iter().map(|file| (file.id.clone(), file)).collect();
    let (files, allowed) = expectations(&ledger.lock().unwrap());
    for (id, sha256) in &files {
        let file = seen.get(id).unwrap_or_else(|| panic!("the acknowledged file {id} is gone"));
        assert_eq!(&file.sha256, sha256);
    }
    for file in seen.values() {
        assert!(allowed.contains(&file.sha256), "nobody sent this: {file:?}");
        let bytes = user.download(&file.id).await;
        assert_eq!((bytes.len() as u64, sha256_hex(&bytes)), (file.size, file.sha256.clone()), "{file:?}");
    }
    check_parts(user, ledger).await;
}

/// The files that must be there, and the digests of those that may be.
fn expectations(ledger: &Ledger) -> (BTreeMap<String, String>, BTreeSet<String>) {
    let completing = ledger.uploads.values().filter(|parts| parts.completing).map(|parts| sha256_hex(&parts.bytes));
    (ledger.files.clone(), ledger.begun.iter().cloned().chain(completing).collect())
}

async fn check_parts(user: &User, ledger: &Shared) {
    let known: Vec<(String, BTreeSet<u64>, bool)> = {
        let ledger = ledger.lock().unwrap();
        let uploads = ledger.uploads.iter();
        uploads.map(|(id, parts)| (id.clone(), parts.acknowledged.clone(), parts.completing)).collect()
    };
    for (id, acknowledged, completing) in known {
        let status = user.status(&id).await;
        let there: BTreeSet<u64> = status.received.iter().flat_map(|[first, last]| *first..=*last).collect();
        assert!(there.is_superset(&acknowledged), "parts that were acknowledged are gone: {acknowledged:?}, {status:?}");
        assert!(status.state == "open" || completing && status.state == "merged", "{status:?}");
    }
}

/// Every upload that is still open can be ended well, and then nothing is left in staging.
async fn finish(drive: &Drive, user: &User, ledger: &Shared) {
    for open in user.open_uploads().await {
        let Some(bytes) = ledger.lock().unwrap().uploads.get(&open.upload_id).map(|parts| parts.bytes.clone()) else {
            // Begun, but its client never heard of it.
            user.cancel(&open.upload_id).await.expect(204);
            continue;
        };
        for index in open.missing.iter().flat_map(|[first, last]| *first..=*last) {
            let part = bytes.chunks(PART).nth(usize::try_from(index).unwrap() - 1).unwrap().to_vec();
            user.part(&open.upload_id, index, part).send().await.expect(200);
        }
        let file: File = user.complete(&open.upload_id).await.expect(201).read_as();
        assert_eq!(sha256_hex(&user.download(&file.id).await), sha256_hex(&bytes));
    }
    assert_eq!(drive.files_in("staging"), Vec::<std::path::PathBuf>::new());
    let contents: BTreeSet<String> = user.list("limit=1000").await.into_iter().map(|file| file.sha256).collect();
    let blobs: BTreeSet<String> =
        drive.files_in("blobs").iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(blobs, contents);
}
