use sha2::Digest;

use super::stage::{sha256, stage};
use crate::Request;
use crate::instant::{Challenge, FastUpload, Offer, ProveError, offer, prove};
use crate::ports::views::ContentHash;

const CONTENT: &[u8] = b"a content that is worth not sending twice";

fn wish(content: ContentHash) -> FastUpload {
    FastUpload { content, size: CONTENT.len() as u64, name: "copy.txt".parse().expect("a name"), folder: None, replaces: None }
}

fn by_sha256() -> FastUpload {
    wish(ContentHash::Sha256(sha256(CONTENT)))
}

fn proof(challenge: &Challenge, content: &[u8]) -> cairn_domain::Sha256 {
    let mut hasher = sha2::Sha256::new_with_prefix(challenge.nonce);
    for range in &challenge.ranges {
        let start = range.offset as usize;
        hasher.update(&content[start..start + range.length as usize]);
    }
    cairn_domain::Sha256(hasher.finalize().into())
}

fn asked(offer: Offer) -> Challenge {
    match offer {
        Offer::Challenge(challenge) => challenge,
        Offer::Added(_) => panic!("not asked"),
    }
}

#[tokio::test]
async fn who_has_the_content_gets_another_entry_at_once() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    stage.upload(&alice, "first.txt", CONTENT).await.expect("stored");
    for content in [ContentHash::Sha256(sha256(CONTENT)), ContentHash::Sha1(cairn_domain::Sha1(sha1::Sha1::digest(CONTENT).into()))]
    {
        let offered = offer(&stage.drive, &stage.request(), &alice, wish(content)).await.expect("offered");
        let Offer::Added(file) = offered else { panic!("asked for proof") };
        assert_eq!(file.file.state.entry().expect("an entry").name.as_str(), "copy.txt");
    }
    assert_eq!(stage.names().await.iter().filter(|name| *name == "BlobStored").count(), 1);
}

/// The crash came between the entry and the record of the answer.
#[tokio::test]
async fn a_proof_under_a_key_is_answered_again_although_its_challenge_is_used() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let bob = stage.caller("bob").await;
    stage.upload(&alice, "first.txt", CONTENT).await.expect("stored");
    let challenge = asked(offer(&stage.drive, &stage.request(), &bob, by_sha256()).await.expect("offered"));
    let request = Request { keyed: true, ..stage.request() };
    let mut made = Vec::new();
    for _ in 0..2 {
        let file = prove(&stage.drive, &request, &bob, challenge.id, proof(&challenge, CONTENT)).await.expect("proved");
        made.push((file.file.state.entry().expect("an entry").clone(), file.file.version));
    }
    assert_eq!(made[0], made[1]);
    let other = Request { keyed: true, ..stage.request() };
    let again = prove(&stage.drive, &other, &bob, challenge.id, proof(&challenge, CONTENT)).await;
    assert!(matches!(again, Err(ProveError::UploadRequired)), "another request finds it used");
}

#[tokio::test]
async fn the_time_of_a_refusal_does_not_tell_whether_the_content_is_known() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let bob = stage.caller("bob").await;
    let unknown = asked(offer(&stage.drive, &stage.request(), &bob, by_sha256()).await.expect("offered"));
    stage.upload(&alice, "first.txt", CONTENT).await.expect("stored");
    let known = asked(offer(&stage.drive, &stage.request(), &bob, by_sha256()).await.expect("offered"));
    for challenge in [unknown.id, known.id, uuid::Uuid::nil()] {
        let asked_at = tokio::time::Instant::now();
        let refused = prove(&stage.drive, &stage.request(), &bob, challenge, sha256(b"no proof")).await;
        assert!(matches!(refused, Err(ProveError::UploadRequired)));
        assert!(asked_at.elapsed().as_millis() >= 250);
    }
}

#[tokio::test]
async fn who_proves_possession_gets_an_entry_without_sending() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let bob = stage.caller("bob").await;
    stage.upload(&alice, "first.txt", CONTENT).await.expect("stored");
    let challenge = asked(offer(&stage.drive, &stage.request(), &bob, by_sha256()).await.expect("offered"));
    let file = prove(&stage.drive, &stage.request(), &bob, challenge.id, proof(&challenge, CONTENT)).await.expect("proved");
    assert_eq!(file.file.state.entry().expect("an entry").added.owner, bob.account);
    let again = prove(&stage.drive, &stage.request(), &bob, challenge.id, proof(&challenge, CONTENT)).await;
    assert!(matches!(again, Err(ProveError::UploadRequired)), "a challenge is used once");
}

#[tokio::test]
async fn a_hash_alone_never_yields_a_file_and_nothing_is_told() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let bob = stage.caller("bob").await;
    let drive = &stage.drive;
    let unknown = asked(offer(drive, &stage.request(), &bob, by_sha256()).await.expect("offered"));
    let judged = prove(drive, &stage.request(), &bob, unknown.id, proof(&unknown, CONTENT)).await;
    assert!(matches!(judged, Err(ProveError::UploadRequired)), "unknown content");
    stage.upload(&alice, "first.txt", CONTENT).await.expect("stored");
    let known = asked(offer(drive, &stage.request(), &bob, by_sha256()).await.expect("offered"));
    assert_eq!(known.ranges, unknown.ranges, "known and unknown look alike");
    let judged = prove(drive, &stage.request(), &bob, known.id, sha256(b"a guess")).await;
    assert!(matches!(judged, Err(ProveError::UploadRequired)), "wrong proof");
    let judged = prove(drive, &stage.request(), &bob, known.id, proof(&known, CONTENT)).await;
    assert!(matches!(judged, Err(ProveError::UploadRequired)), "one try");
}

#[tokio::test]
async fn a_challenge_belongs_to_who_asked_and_to_its_minute() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let bob = stage.caller("bob").await;
    stage.upload(&alice, "first.txt", CONTENT).await.expect("stored");
    let drive = &stage.drive;
    let challenge = asked(offer(drive, &stage.request(), &bob, by_sha256()).await.expect("offered"));
    let stolen = prove(drive, &stage.request(), &alice, challenge.id, proof(&challenge, CONTENT)).await;
    assert!(matches!(stolen, Err(ProveError::UploadRequired)));
    let challenge = asked(offer(drive, &stage.request(), &bob, by_sha256()).await.expect("offered"));
    stage.clock.advance_seconds(61);
    let late = prove(drive, &stage.request(), &bob, challenge.id, proof(&challenge, CONTENT)).await;
    assert!(matches!(late, Err(ProveError::UploadRequired)));
}

#[tokio::test]
async fn another_size_is_another_content() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    stage.upload(&alice, "first.txt", CONTENT).await.expect("stored");
    let wish = FastUpload { size: 3, ..by_sha256() };
    asked(offer(&stage.drive, &stage.request(), &alice, wish).await.expect("offered"));
}
