//! Many at once, and the one who is late.

use std::collections::HashMap;
use std::sync::Mutex;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_late_writer_does_not_touch_what_was_sealed() {
    let scene = Scene::new();
    let length = 2_000_000;
    let (slow, fast) = (content(1, length), content(2, length));
    let part = plan(&slow, length)[0];
    scene.staging.open(upload(1), length as u64).await.unwrap();
    let (held, is_taken, let_go) = held_body(&slow.slice(..length / 2), &slow.slice(length / 2..));
    let staging = scene.staging.clone();
    let late = tokio::spawn(async move { staging.write_part(upload(1), part, held, None, None).await });
    is_taken.await.unwrap();
    let parts = [scene.write(upload(1), &fast, part, None).await];
    assert_eq!(scene.staging.seal(upload(1), &parts).await.unwrap(), whole_of(&fast));
    let_go.send(()).unwrap();
    let refused = late.await.unwrap();
    assert!(matches!(refused, Err(StagingError::Unavailable(_))), "{refused:?}");

    assert!(std::fs::read(scene.parts(upload(1)).join("data")).unwrap() == fast);
    scene.staging.promote(upload(1), key_of(&fast)).await.unwrap();
    scene.assert_blob(&fast).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn discarding_does_not_wait_for_a_writer() {
    let scene = Scene::new();
    let bytes = content(1, 2_000_000);
    let part = plan(&bytes, 2_000_000)[0];
    for aside in [false, true] {
        scene.staging.open(upload(1), 2_000_000).await.unwrap();
        if aside {
            scene.write(upload(1), &bytes, part, None).await;
        }
        let (held, is_taken, let_go) = held_body(&bytes.slice(..1_000_000), &bytes.slice(1_000_000..));
        let staging = scene.staging.clone();
        let late = tokio::spawn(async move { staging.write_part(upload(1), part, held, None, None).await });
        is_taken.await.unwrap();
        scene.staging.discard(upload(1)).await.unwrap();
        assert_eq!(scene.names("staging"), [""; 0]);
        // The same id begins anew: the late writer has nothing to do with it.
        scene.staging.open(upload(1), 2_000_000).await.unwrap();
        let_go.send(()).unwrap();
        let refused = late.await.unwrap();
        assert!(matches!(refused, Err(StagingError::Absent(_))), "{refused:?}");
        assert_eq!(scene.names(&format!("staging/{}", upload(1))), ["data", "prefix"]);
        scene.staging.discard(upload(1)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_content_promoted_by_many_at_once_is_one_blob() {
    let scene = Arc::new(Scene::new());
    let bytes = content(1, 300_000);
    let tasks: Vec<_> = (0..16)
        .map(|number| {
            let (scene, bytes) = (scene.clone(), bytes.clone());
            tokio::spawn(async move {
                let whole = scene.staging.receive(upload(number), body(&bytes), u64::MAX).await.unwrap();
                scene.staging.promote(upload(number), BlobKey::first(whole.sha256)).await.unwrap();
                scene.assert_blob(&bytes).await;
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(scene.names("staging"), [""; 0]);
}

const PARTS: usize = 6;
const PART_BYTES: usize = 90_000;
const VERSIONS: u64 = 4;

type Snapshot = (Vec<(Part, Sha256)>, Vec<u8>);

/// Stands for the log: the last recorded digest of each part, and which version it is.
#[derive(Default)]
struct Log(Mutex<HashMap<u64, (Sha256, u64)>>);

impl Log {
    fn taken(&self, part: Part) -> Option<Sha256> {
        self.0.lock().unwrap().get(&part.offset).map(|(sha256, _)| *sha256)
    }

    /// The parts as recorded, and the content that they make; none before all of them came.
    fn snapshot(&self, plan: &[Part]) -> Option<Snapshot> {
        let log = self.0.lock().unwrap();
        let mut parts = Vec::new();
        let mut bytes = Vec::new();
        for part in plan {
            let (sha256, version) = log.get(&part.offset)?;
            parts.push((*part, *sha256));
            bytes.extend_from_slice(&range(&content(*version, PARTS * PART_BYTES), *part));
        }
        Some((parts, bytes))
    }
}

/// Writers with every kind of knowledge and luck, and sealers amid them: whatever was recorded is what is sealed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_recorded_is_what_is_sealed_whoever_wrote_meanwhile() {
    let scene = Arc::new(Scene::new());
    let log = Arc::new(Log::default());
    let plan = plan(&content(0, PARTS * PART_BYTES), PART_BYTES);
    scene.staging.open(upload(1), (PARTS * PART_BYTES) as u64).await.unwrap();
    let tasks: Vec<_> = (0..6).map(|seed| tokio::spawn(write_at_random(scene.clone(), log.clone(), plan.clone(), seed))).collect();
    let sealer = tokio::spawn(seal_again_and_again(scene.clone(), log.clone(), plan.clone()));
    for task in tasks {
        task.await.unwrap();
    }
    sealer.await.unwrap();
    let (parts, bytes) = log.snapshot(&plan).unwrap();
    assert_eq!(scene.staging.seal(upload(1), &parts).await.unwrap(), whole_of(&bytes));
    scene.staging.promote(upload(1), key_of(&bytes)).await.unwrap();
    scene.assert_blob(&bytes.into()).await;
    assert_eq!(scene.names("staging"), [""; 0]);
}

async fn write_at_random(scene: Arc<Scene>, log: Arc<Log>, plan: Vec<Part>, seed: u64) {
    for (step, choice) in content(1000 + seed, 4 * 60).chunks_exact(4).enumerate() {
        // Every part at least once, then any.
        let index = if step < PARTS { (step + seed as usize) % PARTS } else { usize::from(choice[0]) % PARTS };
        let part = plan[index];
        let version = u64::from(choice[1]) % VERSIONS;
        // Now and then the caller has read the log long ago.
        let taken = if choice[2] % 4 == 0 { None } else { log.taken(part) };
        let bytes = range(&content(version, PARTS * PART_BYTES), part);
        if choice[3] % 5 == 0 {
            let (held, is_taken, _let_go) = held_body(&bytes.slice(1..), &Bytes::new());
            let write = scene.staging.write_part(upload(1), part, held, None, taken);
            tokio::select! {
                result = write => panic!("the body has not ended: {result:?}"),
                _ = is_taken => continue,
            }
        }
        match scene.staging.write_part(upload(1), part, body(&bytes), None, taken).await {
            Ok(sha256) => drop(log.0.lock().unwrap().insert(part.offset, (sha256, version))),
            Err(StagingError::Unavailable(_)) if step >= PARTS => {}
            Err(error) => panic!("{error:?}"),
        }
    }
}

async fn seal_again_and_again(scene: Arc<Scene>, log: Arc<Log>, plan: Vec<Part>) {
    for _ in 0..40 {
        if let Some((parts, bytes)) = log.snapshot(&plan) {
            assert_eq!(scene.staging.seal(upload(1), &parts).await.unwrap(), whole_of(&bytes));
        }
        tokio::task::yield_now().await;
    }
}
