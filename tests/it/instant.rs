//! Instant upload: a hash is not possession.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::{Answer, Drive, File, User, content, sha1_hex, sha256_hex, shared};

async fn offer(user: &User, wish: &Value) -> Answer {
    user.post("/file/fastupload").json(wish).send().await
}

async fn challenge(user: &User, bytes: &[u8]) -> Value {
    let wish = json!({ "sha256": sha256_hex(bytes), "size": bytes.len(), "name": "instant.bin" });
    offer(user, &wish).await.expect(200).json()
}

fn proof(challenge: &Value, bytes: &[u8]) -> String {
    let mut hasher = Sha256::new_with_prefix(hex::decode(challenge["nonce"].as_str().unwrap()).unwrap());
    for range in challenge["ranges"].as_array().unwrap() {
        let number = |name: &str| usize::try_from(range[name].as_u64().unwrap()).unwrap();
        hasher.update(&bytes[number("offset")..][..number("length")]);
    }
    hex::encode(hasher.finalize())
}

async fn prove(user: &User, challenge: &Value, proof: &str) -> Answer {
    let answer = json!({ "challenge_id": challenge["challenge_id"], "proof": proof });
    user.post("/file/fastupload/prove").json(&answer).send().await
}

#[tokio::test]
async fn own_content_is_there_at_once() {
    let user = shared().user().await;
    let bytes = content(31, 20_000);
    let file = user.upload("first.bin", &bytes).await;
    for hash in [json!({ "sha256": file.sha256 }), json!({ "sha1": file.sha1 })] {
        let mut wish = json!({ "size": bytes.len(), "name": "second.bin" });
        wish.as_object_mut().unwrap().extend(hash.as_object().unwrap().clone());
        let second: File = offer(&user, &wish).await.expect(201).read_as();
        assert_eq!((second.name.as_str(), &second.sha256, second.size), ("second.bin", &file.sha256, file.size));
        assert_ne!(second.id, file.id);
        assert_eq!(user.download(&second.id).await, bytes);
    }
    let wrong_size = json!({ "sha256": file.sha256, "size": bytes.len() + 1, "name": "third.bin" });
    offer(&user, &wrong_size).await.expect(200);
}

#[tokio::test]
async fn whoever_holds_the_bytes_of_anothers_content_gets_a_file() {
    let drive = shared();
    let (owner, user) = (drive.user().await, drive.user().await);
    for size in [0, 1, 20_000, 3_000_000] {
        let bytes = content(32 + size as u64, size);
        owner.upload("theirs.bin", &bytes).await;
        let challenge = challenge(&user, &bytes).await;
        assert_eq!(challenge["nonce"].as_str().unwrap().len(), 64);
        assert!(challenge["expires_at"].is_string());
        let file: File = prove(&user, &challenge, &proof(&challenge, &bytes)).await.expect(201).read_as();
        assert_eq!((file.name.as_str(), file.size, file.sha256), ("instant.bin", size as u64, sha256_hex(&bytes)));
        assert_eq!(user.download(&file.id).await, bytes);
    }
}

#[tokio::test]
async fn a_sha1_is_enough_to_be_asked() {
    let drive = shared();
    let (owner, user) = (drive.user().await, drive.user().await);
    let bytes = content(33, 20_000);
    owner.upload("theirs.bin", &bytes).await;
    let wish = json!({ "sha1": sha1_hex(&bytes), "size": bytes.len(), "name": "a" });
    let challenge = offer(&user, &wish).await.expect(200).json();
    prove(&user, &challenge, &proof(&challenge, &bytes)).await.expect(201);
}

#[tokio::test]
async fn whether_a_content_is_known_is_not_told() {
    let drive = shared();
    let (owner, user) = (drive.user().await, drive.user().await);
    let bytes = content(34, 2_000_000);
    owner.upload("theirs.bin", &bytes).await;
    let known = challenge(&user, &bytes).await;
    let other = content(35, 2_000_000);
    let unknown = challenge(&user, &other).await;
    let shape = |challenge: &Value| {
        let ranges: Vec<Value> = challenge["ranges"].as_array().unwrap().iter().map(|range| range["length"].clone()).collect();
        (challenge.as_object().unwrap().keys().cloned().collect::<Vec<_>>(), ranges)
    };
    assert_eq!(shape(&known), shape(&unknown));
    let answers = [
        prove(&user, &unknown, &proof(&unknown, &other)).await,
        prove(&user, &known, &"0".repeat(64)).await,
        // Used up by the wrong answer.
        prove(&user, &known, &proof(&known, &bytes)).await,
        prove(&user, &json!({ "challenge_id": "0b7cf7d6-52c1-4c5e-9f5b-6f9c0f3f7a01" }), &"0".repeat(64)).await,
    ];
    let told = |answer: &Answer| {
        let mut problem = answer.problem(409, "upload_required");
        problem["request_id"].take();
        problem
    };
    assert!(answers.iter().all(|answer| told(answer) == told(&answers[0])));
    assert_eq!(user.list("").await, []);
}

#[tokio::test]
async fn a_challenge_is_for_whom_it_was_made() {
    let drive = shared();
    let (owner, user, thief) = (drive.user().await, drive.user().await, drive.user().await);
    let bytes = content(36, 20_000);
    owner.upload("theirs.bin", &bytes).await;
    let challenge = challenge(&user, &bytes).await;
    prove(&thief, &challenge, &proof(&challenge, &bytes)).await.problem(409, "upload_required");
    assert_eq!(thief.list("").await, []);
}

#[tokio::test]
async fn of_many_answers_at_once_one_counts() {
    let drive = shared();
    let (owner, user) = (drive.user().await, drive.user().await);
    let bytes = content(37, 20_000);
    owner.upload("theirs.bin", &bytes).await;
    let challenge = challenge(&user, &bytes).await;
    let proof = proof(&challenge, &bytes);
    let answers = futures_util::future::join_all((0..6).map(|_| prove(&user, &challenge, &proof))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert_eq!(user.list("").await.len(), 1);
}

/// No time is left to answer: the drive is told so by its configuration.
#[tokio::test]
async fn an_expired_challenge_is_no_better_than_a_wrong_answer() {
    let drive = Drive::with(&[("CAIRN_LIMITS__CHALLENGE_EXPIRES_SECONDS", "0")]);
    let (owner, user) = (drive.user().await, drive.user().await);
    let bytes = content(38, 20_000);
    owner.upload("theirs.bin", &bytes).await;
    let challenge = challenge(&user, &bytes).await;
    prove(&user, &challenge, &proof(&challenge, &bytes)).await.problem(409, "upload_required");
}

#[tokio::test]
async fn an_entry_that_is_purged_is_no_possession() {
    let user = shared().user().await;
    let bytes = content(39, 20_000);
    let file = user.upload("mine.bin", &bytes).await;
    user.post("/file/delete").json(&json!({ "id": file.id, "purge": true })).send().await.expect(204);
    let wish = json!({ "sha256": file.sha256, "size": bytes.len(), "name": "again.bin" });
    let answer = offer(&user, &wish).await.expect(200).json();
    assert!(answer["challenge_id"].is_string(), "{answer}");
}

#[tokio::test]
async fn offers_that_make_no_sense_are_refused() {
    let user = shared().user().await;
    let sha256 = "0".repeat(64);
    offer(&user, &json!({ "size": 1, "name": "a" })).await.problem(422, "invalid");
    offer(&user, &json!({ "sha256": "short", "size": 1, "name": "a" })).await.invalid("sha256");
    offer(&user, &json!({ "sha1": sha256, "size": 1, "name": "a" })).await.invalid("sha1");
    offer(&user, &json!({ "sha256": sha256, "size": -1, "name": "a" })).await.invalid("size");
    offer(&user, &json!({ "sha256": sha256, "size": 1, "name": "../a" })).await.invalid("name");
    prove(&user, &json!({ "challenge_id": "x" }), &sha256).await.invalid("challenge_id");
    prove(&user, &json!({ "challenge_id": "0b7cf7d6-52c1-4c5e-9f5b-6f9c0f3f7a01" }), "short").await.invalid("proof");
}
