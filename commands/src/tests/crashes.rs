//! The log fails at each append in turn, before or after its effect, and the process starts again. Whatever was begun is then
//! finished or gone, and nothing is half there.

use std::sync::Arc;
use std::time::Duration;

use cairn_domain::{FileId, Position};

use super::breaking::{BreakingLog, Effects};
use super::stage::{body, caller_of, ports_over, read, request, sha256, sign_in_wish, sign_up_wish, upload};
use crate::account::{sign_in, sign_up};
use crate::drive::Secret;
use crate::ports::checkpoints::MemoryCheckpoints;
use crate::ports::event_store::EventStore;
use crate::sagas::finish_begun;
use crate::share::{CreateShare, SaveShare, create, new_token, save};
use crate::upload::{PartSent, StartUpload, WholeUpload, complete, receive_part, receive_whole, start, store_whole, sweep_staging};
use crate::{Caller, Drive, Limits, Ports};

struct Crash {
    log: Arc<BreakingLog>,
    ports: Ports,
}

impl Crash {
    fn at(append: i64, effect: bool) -> Self {
        let log = Arc::new(BreakingLog::new(Effects::breaking_at(append, effect)));
        Self { ports: ports_over(log.clone()), log }
    }

    /// A process: what it remembers is its own, what it stored is not.
    fn process(&self) -> Arc<Drive> {
        Drive::new(self.ports.clone(), Limits::default(), Secret([7; 32]))
    }

    /// The process after the crash, as it is when it takes its first request.
    async fn restarted(&self) -> Arc<Drive> {
        self.log.effects.mend();
        let drive = self.process();
        finish_begun(&drive, &MemoryCheckpoints::default(), 0).await.expect("finished");
        sweep_staging(&drive, Duration::ZERO).await.expect("swept");
        drive
    }

    async fn names(&self) -> Vec<String> {
        let events = self.log.read_all(Position::START, usize::MAX).await.expect("the log reads");
        events.into_iter().map(|event| event.name).collect()
    }

    async fn count(&self, name: &str) -> usize {
        self.names().await.iter().filter(|known| *known == name).count()
    }
}

fn count_of(names: &[String], name: &str) -> usize {
    names.iter().filter(|known| *known == name).count()
}

async fn alice(drive: &Drive) -> Option<Caller> {
    person(drive, "alice").await
}

async fn person(drive: &Drive, name: &str) -> Option<Caller> {
    sign_up(drive, &request(drive), sign_up_wish(name)).await.ok()?;
    let signed_in = sign_in(drive, &request(drive), sign_in_wish(name, "correct horse")).await.ok()?;
    Some(caller_of(drive, &signed_in).await)
}

/// Alice shares a file, and Bob saves it.
async fn share_and_save(drive: &Drive) -> Option<()> {
    let (alice, bob) = (person(drive, "alice").await?, person(drive, "bob").await?);
    let (uploading, sharing) = (request(drive), request(drive));
    upload(drive, &uploading, &alice, "a.txt", b"hello").await.ok()?;
    let file = FileId(uploading.new_file().0);
    let token = new_token(drive, &sharing, &alice);
    let wish = CreateShare { file, password: None, expires_at: None, max_downloads: None };
    create(drive, &sharing, &alice, token, wish).await.ok()?;
    let wish = SaveShare { token, password: None, folder: None };
    save(drive, &request(drive), &bob, wish).await.ok().map(drop)
}

#[tokio::test]
async fn what_is_saved_of_a_share_is_whole_or_absent() {
    let (mut cut_off, mut done) = (0, false);
    for append in 0.. {
        for effect in [false, true] {
            let crash = Crash::at(append, effect);
            done = share_and_save(&crash.process()).await.is_some();
            let begun = crash.count("ShareSaved").await;
            cut_off += usize::from(!done && begun == 1);
            crash.restarted().await;
            let (merged, added) = (crash.count("FileMerged").await, crash.count("FileAdded").await);
            assert_eq!(added, merged + begun, "append {append}, effect {effect}");
        }
        if done {
            break;
        }
    }
    assert!(cut_off > 2, "{cut_off}");
}

/// Alice uploads over a file of hers.
async fn replace(drive: &Drive) -> Option<()> {
    let alice = alice(drive).await?;
    let uploading = request(drive);
    upload(drive, &uploading, &alice, "a.txt", b"hello").await.ok()?;
    let received = receive_whole(drive, &alice, false, body(b"other"), None).await.ok()?;
    let replaces = Some(uploading.new_file());
    let wish = WholeUpload { name: "a.txt".parse().expect("a name"), folder: None, content_type: None, replaces };
    store_whole(drive, &request(drive), &alice, received, wish).await.ok().map(drop)
}

#[tokio::test]
async fn a_new_version_is_whole_or_absent() {
    let (mut cut_off, mut done) = (0, false);
    for append in 0.. {
        for effect in [false, true] {
            let crash = Crash::at(append, effect);
            done = replace(&crash.process()).await.is_some();
            let begun = crash.count("FileMerged").await == 2;
            cut_off += usize::from(!done && begun);
            crash.restarted().await;
            let after = (crash.count("FileAdded").await, crash.count("FileReplaced").await);
            if begun {
                assert_eq!(after, (2, 1), "append {append}, effect {effect}");
            } else {
                assert_eq!(after.1, 0, "append {append}, effect {effect}");
            }
        }
        if done {
            break;
        }
    }
    assert!(cut_off > 2, "{cut_off}");
}

#[tokio::test]
async fn a_sign_up_is_whole_or_absent() {
    for effect in [false, true] {
        for append in 0..2 {
            let crash = Crash::at(append, effect);
            let drive = crash.process();
            sign_up(&drive, &request(&drive), sign_up_wish("alice")).await.expect_err("it crashed");
            crash.restarted().await;
            let names = crash.names().await;
            let claims = count_of(&names, "UsernameClaimed");
            assert_eq!(claims, count_of(&names, "AccountRegistered"), "append {append}, effect {effect}");
            assert_eq!(claims, usize::from(append > 0 || effect), "append {append}, effect {effect}");
        }
    }
}

#[tokio::test]
async fn a_whole_upload_is_whole_or_absent() {
    for effect in [false, true] {
        // Three appends make the account and the session, three more the file.
        for append in 3..6 {
            let crash = Crash::at(append, effect);
            let drive = crash.process();
            let caller = alice(&drive).await.expect("an account");
            upload(&drive, &request(&drive), &caller, "a.txt", b"hello").await.expect_err("it crashed");
            let drive = crash.restarted().await;
            let names = crash.names().await;
            let committed = usize::from(append > 3 || effect);
            for name in ["FileMerged", "BlobStored", "BlobReferenced", "FileAdded"] {
                assert_eq!(count_of(&names, name), committed, "{name}, append {append}, effect {effect}");
            }
            if committed == 1 {
                assert_eq!(read(&drive, sha256(b"hello"), 5).await, b"hello");
            }
            assert!(drive.ports().staging.list(Duration::ZERO).await.expect("a list").is_empty());
        }
    }
}

#[tokio::test]
async fn an_upload_in_parts_keeps_every_acknowledged_part_and_completes_later() {
    for effect in [false, true] {
        // Start, two parts, then merge, blob and entry.
        for append in 3..9 {
            let crash = Crash::at(append, effect);
            let drive = crash.process();
            let caller = alice(&drive).await.expect("an account");
            let acknowledged = in_parts(&drive, &caller).await;
            assert!(acknowledged.is_none(), "it crashed");
            let drive = crash.restarted().await;
            in_parts(&drive, &caller).await.expect("it goes on from where it was");
            assert_eq!(read(&drive, sha256(b"01234567"), 8).await, b"01234567");
            // A file that was merged before the crash is not met again by a new start, so a second one may stand beside it.
            let files = crash.count("FileAdded").await;
            assert_eq!(files, crash.count("FileMerged").await);
            assert_eq!(crash.count("BlobStored").await, 1);
            assert!(drive.ports().staging.list(Duration::ZERO).await.expect("a list").is_empty());
        }
    }
}

/// Starts or finds the upload, sends what is missing and completes it; none when something on the way failed.
async fn in_parts(drive: &Drive, caller: &Caller) -> Option<()> {
    let wish = StartUpload {
        name: "a.bin".parse().expect("a name"),
        folder: None,
        size: 8,
        sha256: Some(sha256(b"01234567")),
        sha1: None,
        part_bytes: Some(4),
        replaces: None,
    };
    let status = start(drive, &request(drive), caller, wish).await.ok()?.status;
    for (first, last) in status.missing {
        for index in first..=last {
            let bytes = if index == 1 { b"0123" } else { b"4567" };
            let sent = PartSent { upload: status.id, index, body: body(bytes), announced_bytes: Some(4), sha256: None };
            receive_part(drive, &request(drive), caller, sent).await.ok()?;
        }
    }
    complete(drive, &request(drive), caller, status.id).await.ok().map(|_| ())
}

#[tokio::test]
async fn the_sweep_never_takes_the_only_bytes_of_a_merged_upload() {
    // The append of FileMerged has its effect, but its answer is lost: the bytes still wait in staging.
    let crash = Crash::at(3, true);
    let drive = crash.process();
    let caller = alice(&drive).await.expect("an account");
    upload(&drive, &request(&drive), &caller, "a.txt", b"hello").await.expect_err("it crashed");
    crash.log.effects.mend();
    let drive = crash.process();
    assert_eq!(sweep_staging(&drive, Duration::ZERO).await.expect("swept"), 0);
    finish_begun(&drive, &MemoryCheckpoints::default(), 0).await.expect("finished");
    assert_eq!(read(&drive, sha256(b"hello"), 5).await, b"hello");
}
