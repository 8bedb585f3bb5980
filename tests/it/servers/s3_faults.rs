//! An object store that loses answers, is late, or is away.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use cairn_commands::ports::blobs::BlobStore;
use cairn_commands::ports::staging::{Staging, StagingError};
use cairn_domain::blob::BlobKey;
use cairn_domain::upload::Part;
use cairn_domain::{Sha256, UploadId};
use cairn_oss_double::{Fault, Operation};
use cairn_servers::{ChaosProxy, shared};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, tcp};

use super::s3_stores::{MIB, Node, body, ceph, content, key_of, nodes, oss, plan, range, upload, whole_of};
use crate::harness::{REFUSED_WITHIN, until_async};

/// Repeats what failed because nothing is known, as the drive does.
async fn again<T>(mut call: impl AsyncFnMut() -> Result<T, StagingError>) -> T {
    for _ in 0..4 {
        match call().await {
            Ok(done) => return done,
            Err(StagingError::Unavailable(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    panic!("it never works");
}

/// Three uploads: whole, whole and large, and in parts.
async fn upload_all(node: &Node, number: u128) {
    for length in [1000, 20 * MIB] {
        let bytes = content(u64::try_from(number).unwrap(), length);
        let id = upload(number * 100 + length as u128);
        let whole = again(async || node.staging.receive(id, body(&bytes), u64::MAX).await).await;
        assert_eq!(whole, whole_of(&bytes));
        again(async || node.staging.promote(id, BlobKey::first(whole.sha256)).await).await;
        node.assert_blob(&bytes).await;
    }
    let bytes = content(u64::try_from(number).unwrap() + 1, 5 * MIB);
    let id = upload(number * 100);
    again(async || node.staging.open(id, bytes.len() as u64).await).await;
    let mut sent: Vec<(Part, Sha256)> = Vec::new();
    for part in plan(&bytes, 2 * MIB) {
        sent.push((part, again(async || node.staging.write_part(id, part, body(&range(&bytes, part)), None, None).await).await));
    }
    assert_eq!(again(async || node.staging.seal(id, &sent).await).await, whole_of(&bytes));
    again(async || node.staging.promote(id, key_of(&bytes)).await).await;
    node.assert_blob(&bytes).await;
}

/// Each kind of request fails in each way, once and often: files come whole all the same, and nothing is left.
#[tokio::test]
async fn faults_of_the_store_cost_time_and_no_file() {
    let (double, settings) = oss();
    let node = Node::of(&settings).await;
    let operations = [
        Operation::PutObject,
        Operation::HeadObject,
        Operation::CreateMultipartUpload,
        Operation::UploadPart,
        Operation::ListParts,
        Operation::CompleteMultipartUpload,
        Operation::CopyObject,
        Operation::DeleteObject,
        Operation::ListObjectsV2,
    ];
    let faults = [Fault::InternalError, Fault::SlowDown, Fault::CutRequest, Fault::LoseAnswer];
    let mut number = 0;
    for operation in operations {
        for fault in faults {
            number += 1;
            double.inject(operation, fault, 1);
            upload_all(&node, number).await;
            double.clear_faults();
        }
        number += 1;
        double.inject(operation, Fault::LoseAnswer, 4);
        upload_all(&node, number).await;
        double.clear_faults();
    }
    let left: Vec<_> = double.objects("bucket").into_iter().filter(|object| !object.key.starts_with("blobs/")).collect();
    assert_eq!(left, []);
}

/// What the store has although it could not say so goes with what is promoted, at once.
#[tokio::test]
async fn what_was_tried_in_vain_goes_with_what_was_not() {
    let (double, settings) = oss();
    let node = Node::of(&settings).await;
    let bytes = content(1, 9 * MIB);
    double.inject(Operation::CompleteMultipartUpload, Fault::LoseAnswer, 3);
    let refused = node.staging.receive(upload(1), body(&bytes), u64::MAX).await;
    assert!(matches!(refused, Err(StagingError::Unavailable(_))), "{refused:?}");
    assert_eq!(node.staging.receive(upload(1), body(&bytes), u64::MAX).await.unwrap(), whole_of(&bytes));
    node.staging.promote(upload(1), key_of(&bytes)).await.unwrap();
    let names = || double.objects("bucket").into_iter().map(|object| object.key).collect::<Vec<_>>();
    assert_eq!(names(), [node.blobs.address(key_of(&bytes))]);

    node.staging.open(upload(2), bytes.len() as u64).await.unwrap();
    let mut sent = Vec::new();
    for part in plan(&bytes, 3 * MIB) {
        sent.push(node.send(upload(2), &bytes, part, None).await);
    }
    let (other, aside) = (content(2, 3 * MIB), sent[0].0);
    double.inject(Operation::HeadObject, Fault::LoseAnswer, 3);
    let refused = node.staging.write_part(upload(2), aside, body(&other), None, Some(sent[0].1)).await;
    assert!(matches!(refused, Err(StagingError::Unavailable(_))), "{refused:?}");
    assert_eq!(node.staging.seal(upload(2), &sent).await.unwrap(), whole_of(&bytes));
    node.staging.promote(upload(2), key_of(&bytes)).await.unwrap();
    assert_eq!(names(), [node.blobs.address(key_of(&bytes))]);
}

/// A request of which nobody knows anything may be carried out much later. It can't harm what came after it.
#[tokio::test]
async fn a_part_that_comes_late_harms_nothing() {
    let (double, settings) = oss();
    let node = Node::of(&settings).await;
    let (late, kept) = (content(1, 4 * MIB), content(2, 4 * MIB));
    let parts = plan(&late, 2 * MIB);
    node.staging.open(upload(1), late.len() as u64).await.unwrap();
    double.inject(Operation::UploadPart, Fault::Hang, 1);
    let started = Instant::now();
    let refused = node.staging.write_part(upload(1), parts[0], body(&range(&late, parts[0])), None, None).await;
    assert!(matches!(refused, Err(StagingError::Unavailable(_))), "{refused:?}");
    assert!(started.elapsed() < REFUSED_WITHIN, "{:?}", started.elapsed());
    let mut sent = Vec::new();
    for part in &parts {
        sent.push(node.send(upload(1), &kept, *part, None).await);
    }
    double.release();
    assert_eq!(node.staging.seal(upload(1), &sent).await.unwrap(), whole_of(&kept));
    node.staging.promote(upload(1), key_of(&kept)).await.unwrap();
    node.assert_blob(&kept).await;
}

/// What the disk of the store has damaged is noticed by whoever reads it back, and heals when the bytes come again, to anybody.
#[tokio::test]
async fn damaged_parts_are_told_and_heal() {
    let (double, settings) = oss();
    let (first, second) = (Node::of(&settings).await, Node::of(&settings).await);
    let bytes = content(1, 5 * MIB);
    let parts = plan(&bytes, 60_000);
    first.staging.open(upload(1), bytes.len() as u64).await.unwrap();
    let mut sent = Vec::new();
    for part in &parts {
        sent.push(first.send(upload(1), &bytes, *part, None).await);
    }
    let name = format!("staging/{}/parts/60000-{}", upload(1), sent[1].1);
    double.corrupt("bucket", &name).unwrap();
    let refused = second.staging.seal(upload(1), &sent).await;
    assert!(matches!(refused, Err(StagingError::Damaged { .. })), "{refused:?}");
    first.send(upload(1), &bytes, parts[1], Some(sent[1].1)).await;
    assert_eq!(second.staging.seal(upload(1), &sent).await.unwrap(), whole_of(&bytes));
}

/// Cuts work off after a share of the time that it takes on this machine: the first time it is not cut off.
#[derive(Default)]
struct Cuts {
    took: Option<Duration>,
}

impl Cuts {
    /// True when it was not done by then.
    async fn cut<T>(&mut self, share: f64, work: impl Future<Output = Result<T, StagingError>>) -> bool {
        let limit = self.took.map_or(Duration::from_mins(1), |took| took.mul_f64(share));
        let started = Instant::now();
        let is_cut = tokio::time::timeout(limit, work).await.is_err();
        if !is_cut {
            let took = started.elapsed();
            self.took = Some(self.took.map_or(took, |before| before.min(took)));
        }
        is_cut
    }
}

/// A process dies at any moment of sealing or promoting; another one goes on.
#[tokio::test]
async fn sealing_and_promoting_may_be_cut_off_anywhere() {
    let (double, settings) = oss();
    let nodes = nodes(&settings, 3).await;
    let (mut cut, mut sealing, mut promoting) = (0, Cuts::default(), Cuts::default());
    for step in 0..=30_u32 {
        let share = f64::from(step) / 20.0;
        let (bytes, other) = (content(u64::from(step), 2 * MIB), content(1000 + u64::from(step), 2 * MIB));
        let (id, parts) = (upload(u128::from(step)), plan(&bytes, MIB / 2));
        nodes[0].staging.open(id, bytes.len() as u64).await.unwrap();
        let mut sent = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            if index == 1 {
                nodes[0].send(id, &other, *part, None).await;
            }
            sent.push(nodes[index % 2].send(id, &bytes, *part, None).await);
        }
        cut += usize::from(sealing.cut(share, nodes[0].staging.seal(id, &sent)).await);
        assert_eq!(nodes[1].staging.seal(id, &sent).await.unwrap(), whole_of(&bytes), "cut after {share} of the time");
        cut += usize::from(promoting.cut(share, nodes[0].staging.promote(id, key_of(&bytes))).await);
        nodes[2].staging.promote(id, key_of(&bytes)).await.unwrap();
        nodes[2].assert_blob(&bytes).await;
    }
    assert!(cut > 10, "only {cut} were cut off");
    let is_clean = async || {
        let left = double.objects("bucket").into_iter().filter(|object| !object.key.starts_with("blobs/")).count();
        (left == 0 && double.open_multipart_uploads("bucket").is_empty()).then_some(())
    };
    until_async("nothing is left", is_clean).await;
}

struct Scene {
    proxy: ChaosProxy,
    node: Node,
    number: u128,
    large: Bytes,
}

impl Scene {
    /// Every kind of call, and what it says.
    async fn refused(&mut self, what: &str) -> usize {
        self.number += 1;
        let id: UploadId = upload(self.number);
        let mut refused = 0;
        let mut judge = |call: &str, started: Instant, failed: bool| {
            assert!(started.elapsed() < REFUSED_WITHIN, "{what}: {call} took {:?}", started.elapsed());
            refused += usize::from(failed);
        };
        let started = Instant::now();
        judge("size", started, self.node.blobs.size(key_of(b"x")).await.is_err());
        let started = Instant::now();
        judge("reachable", started, self.node.store.reachable().await.is_err());
        let started = Instant::now();
        judge("receive", started, self.node.staging.receive(id, body(&Bytes::from("small")), 100).await.is_err());
        let started = Instant::now();
        judge("open", started, self.node.staging.open(id, 100 * MIB as u64).await.is_err());
        let started = Instant::now();
        judge("list", started, self.node.staging.list(Duration::ZERO).await.is_err());
        refused
    }

    async fn works(&mut self) -> bool {
        self.number += 1;
        let id = upload(self.number);
        let Ok(whole) = self.node.staging.receive(id, body(&self.large), u64::MAX).await else { return false };
        self.node.staging.promote(id, BlobKey::first(whole.sha256)).await.is_ok()
    }

    async fn endure(&mut self, what: &str, begin: impl FnOnce(&ChaosProxy)) {
        assert!(self.works().await, "before: {what}");
        begin(&self.proxy);
        assert!(self.refused(what).await > 0, "{what} was not noticed");
        self.proxy.pass();
        let ended = Instant::now();
        until_async("the store works again", async || self.works().await.then_some(())).await;
        assert!(ended.elapsed() < Duration::from_secs(30), "{what}: back after {:?}", ended.elapsed());
    }
}

#[tokio::test]
async fn a_bad_network_fails_in_time_and_comes_back() {
    let mut settings = ceph("faults-network").await;
    let target = shared::ceph().unwrap().socket_address();
    let proxy = ChaosProxy::start(target).unwrap();
    settings.endpoint = format!("http://{}", proxy.address());
    let node = Node::of(&settings).await;
    let mut scene = Scene { proxy, node, number: 0, large: content(1, 9 * MIB) };
    scene.endure("a black hole", ChaosProxy::black_hole).await;
    scene.endure("answers that get lost", ChaosProxy::half_open).await;
    let refuse = |proxy: &ChaosProxy| {
        proxy.refuse();
        proxy.reset_all();
    };
    scene.endure("refused connections", refuse).await;
    scene.endure("cut connections", |proxy| proxy.cut_after(200)).await;
    scene.node.assert_blob(&scene.large).await;
}

/// A way on which one bit of what a client sends turns over, once, a million bytes after its connection began.
async fn flipping(store: SocketAddr) -> (SocketAddr, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, has_flipped) = (listener.local_addr().unwrap(), Arc::<AtomicBool>::default());
    let flipped = has_flipped.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let ((from_client, mut to_client), (mut from_store, to_store)) =
                (client.into_split(), TcpStream::connect(store).await.unwrap().into_split());
            tokio::spawn(carry(from_client, to_store, has_flipped.clone()));
            tokio::spawn(async move { tokio::io::copy(&mut from_store, &mut to_client).await });
        }
    });
    (address, flipped)
}

async fn carry(mut from: tcp::OwnedReadHalf, mut to: tcp::OwnedWriteHalf, has_flipped: Arc<AtomicBool>) {
    let (mut buffer, mut carried) = (vec![0; 64 * 1024], 0);
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        carried += length;
        if carried > MIB && !has_flipped.swap(true, Ordering::SeqCst) {
            buffer[length - 1] ^= 1;
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

/// The hash that we sign is the one that the store compares: nothing else would notice, since nobody reads what was hashed as it came.
#[tokio::test]
async fn what_arrives_as_something_else_is_refused_and_comes_again() {
    let mut settings = ceph("flipped").await;
    let store: SocketAddr = settings.endpoint.trim_start_matches("http://").parse().unwrap();
    let bytes = content(1, 20 * MIB);
    for in_parts in [true, false] {
        let (address, has_flipped) = flipping(store).await;
        settings.endpoint = format!("http://{address}");
        let node = Node::of(&settings).await;
        let id = upload(u128::from(in_parts));
        let whole = if in_parts {
            node.staging.open(id, bytes.len() as u64).await.unwrap();
            let mut sent = Vec::new();
            for part in plan(&bytes, 8 * MIB) {
                let write = async || node.staging.write_part(id, part, body(&range(&bytes, part)), None, None).await;
                sent.push((part, again(write).await));
            }
            node.staging.seal(id, &sent).await.unwrap()
        } else {
            again(async || node.staging.receive(id, body(&bytes), u64::MAX).await).await
        };
        assert!(has_flipped.load(Ordering::SeqCst));
        assert_eq!(whole, whole_of(&bytes));
        node.staging.promote(id, key_of(&bytes)).await.unwrap();
        node.assert_blob(&bytes).await;
    }
}
