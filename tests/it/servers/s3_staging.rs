use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use cairn_commands::ports::blobs::BlobStore;
use cairn_commands::ports::staging::{Staging, StagingError, contract};
use cairn_domain::Sha256;
use cairn_domain::blob::BlobKey;
use cairn_domain::upload::Part;
use cairn_infra::s3::S3Settings;
use cairn_oss_double::{Fault, Operation};
use futures_util::future::{join, join_all};
use futures_util::{StreamExt, stream};

use super::s3_stores::{MIB, Node, body, ceph, content, key_of, nodes, oss, plan, range, sdk, upload, whole_of};
use crate::harness::{until, until_async};

async fn passes_the_contract(settings: &S3Settings) {
    let node = Node::of(settings).await;
    contract::suite(&node.staging, &node.blobs, "s3").await;
}

#[tokio::test]
async fn staging_in_ceph_passes_the_contract() {
    let settings = ceph("staging-contract").await;
    passes_the_contract(&settings).await;
    assert_nothing_begun(&settings).await;
}

#[tokio::test]
async fn staging_in_oss_passes_the_contract() {
    let (double, settings) = oss();
    passes_the_contract(&settings).await;
    until("aborted uploads are gone", || double.open_multipart_uploads("bucket").is_empty().then_some(()));
    let left: Vec<_> = double.objects("bucket").into_iter().filter(|object| !object.key.starts_with("blobs/")).collect();
    assert_eq!(left, []);
}

/// No multipart upload is left in the store.
async fn assert_nothing_begun(settings: &S3Settings) {
    let client = sdk(settings);
    until_async("aborted uploads are gone", async || {
        let begun = client.list_multipart_uploads().bucket(&settings.bucket).send().await.unwrap();
        begun.uploads().is_empty().then_some(())
    })
    .await;
}

/// Each of two nodes takes every other part, in no order; a third one seals, a fourth one promotes.
async fn parts_of_many_nodes_become_a_blob(settings: &S3Settings) {
    let nodes = nodes(settings, 4).await;
    let bytes = content(1, 26 * MIB + 12_345);
    let parts = plan(&bytes, 6 * MIB);
    nodes[0].staging.open(upload(1), bytes.len() as u64).await.unwrap();
    nodes[1].staging.open(upload(1), bytes.len() as u64).await.unwrap();
    let mut sent = Vec::new();
    for index in [3, 0, 4, 1, 2] {
        sent.push(nodes[index % 2].send(upload(1), &bytes, parts[index], None).await);
    }
    sent.sort_by_key(|(part, _)| part.offset);
    assert_eq!(nodes[2].staging.seal(upload(1), &sent).await.unwrap(), whole_of(&bytes));
    assert_eq!(nodes[0].staging.seal(upload(1), &sent).await.unwrap(), whole_of(&bytes), "again, elsewhere");
    nodes[3].staging.promote(upload(1), key_of(&bytes)).await.unwrap();
    nodes[1].assert_blob(&bytes).await;
    assert_eq!(nodes[2].staging.list(Duration::ZERO).await.unwrap(), []);
    assert_nothing_begun(settings).await;
}

#[tokio::test]
async fn parts_of_many_nodes_become_a_blob_in_ceph() {
    parts_of_many_nodes_become_a_blob(&ceph("staging-nodes").await).await;
}

#[tokio::test]
async fn parts_of_many_nodes_become_a_blob_in_oss() {
    let (double, settings) = oss();
    parts_of_many_nodes_become_a_blob(&settings).await;
    assert_eq!(double.requests(Operation::UploadPart), 5, "every part went straight to its place");
    assert_eq!(double.requests(Operation::UploadPartCopy), 0);
}

/// The same part, sent to two nodes at once with different bytes: whichever the log names, in whatever order, it is found.
async fn racing_versions_are_all_found(settings: &S3Settings) {
    let nodes = nodes(settings, 3).await;
    let versions = [content(1, 13 * MIB), content(2, 13 * MIB), content(3, 13 * MIB)];
    let parts = plan(&versions[0], 6 * MIB);
    nodes[0].staging.open(upload(1), versions[0].len() as u64).await.unwrap();
    let mut sent: Vec<Vec<(Part, Sha256)>> = vec![Vec::new(); 3];
    for part in &parts {
        let writes = versions.iter().zip(&nodes).map(|(version, node)| node.send(upload(1), version, *part, None));
        join_all(writes).await.into_iter().enumerate().for_each(|(version, one)| sent[version].push(one));
    }
    for (version, node) in [(0, 1), (1, 2), (2, 0), (0, 0), (2, 1)] {
        let whole = nodes[node].staging.seal(upload(1), &sent[version]).await.unwrap();
        assert_eq!(whole, whole_of(&versions[version]), "version {version}");
    }
    let mixed = [sent[0][0], sent[1][1], sent[2][2]];
    let bytes = [(0, parts[0]), (1, parts[1]), (2, parts[2])].map(|(version, part): (usize, Part)| range(&versions[version], part));
    let bytes = Bytes::from(bytes.concat());
    assert_eq!(nodes[2].staging.seal(upload(1), &mixed).await.unwrap(), whole_of(&bytes));
    // After sealing, others may still come, to anybody.
    let late = nodes[1].send(upload(1), &bytes, parts[0], Some(sent[1][0].1)).await;
    assert_eq!(late, mixed[0]);
    let newer = content(4, 13 * MIB);
    let newer_part = nodes[1].send(upload(1), &newer, parts[1], None).await;
    let last = [mixed[0], newer_part, mixed[2]];
    let bytes = Bytes::from([range(&bytes, parts[0]), range(&newer, parts[1]), range(&bytes, parts[2])].concat());
    assert_eq!(nodes[2].staging.seal(upload(1), &last).await.unwrap(), whole_of(&bytes));
    nodes[0].staging.promote(upload(1), key_of(&bytes)).await.unwrap();
    nodes[0].assert_blob(&bytes).await;
    assert_eq!(nodes[0].staging.list(Duration::ZERO).await.unwrap(), []);
    assert_nothing_begun(settings).await;
}

#[tokio::test]
async fn racing_versions_are_all_found_in_ceph() {
    racing_versions_are_all_found(&ceph("staging-races").await).await;
}

#[tokio::test]
async fn racing_versions_are_all_found_in_oss() {
    let (_double, settings) = oss();
    racing_versions_are_all_found(&settings).await;
}

/// Small parts, and parts too large for memory, and a node of its own for each.
#[tokio::test]
async fn parts_of_any_size_become_a_blob() {
    let settings = ceph("staging-sizes").await;
    let nodes = nodes(&settings, 2).await;
    for (number, part_bytes, length) in
        [(1, 700_000, 3 * MIB + 5), (2, 2 * MIB, 23 * MIB), (3, 20 * MIB, 45 * MIB), (4, 9 * MIB, 9 * MIB)]
    {
        let bytes = content(number, length);
        let id = upload(u128::from(number));
        nodes[0].staging.open(id, length as u64).await.unwrap();
        let parts = plan(&bytes, part_bytes);
        let writes = parts.iter().enumerate().map(|(index, part)| nodes[index % 2].send(id, &bytes, *part, None));
        let sent: Vec<_> = stream::iter(writes).buffered(3).collect().await;
        assert_eq!(nodes[1].staging.seal(id, &sent).await.unwrap(), whole_of(&bytes), "parts of {part_bytes}");
        nodes[0].staging.promote(id, key_of(&bytes)).await.unwrap();
        nodes[0].assert_blob(&bytes).await;
    }
    assert_eq!(nodes[0].staging.list(Duration::ZERO).await.unwrap(), []);
    assert_nothing_begun(&settings).await;
}

#[tokio::test]
async fn parts_that_came_through_one_process_are_not_read_again() {
    let (double, settings) = oss();
    let node = Node::of(&settings).await;
    let bytes = content(1, 21 * MIB);
    node.staging.open(upload(1), bytes.len() as u64).await.unwrap();
    let writes = plan(&bytes, 2 * MIB).into_iter().map(|part| node.send(upload(1), &bytes, part, None));
    let sent: Vec<_> = stream::iter(writes.collect::<Vec<_>>()).buffered(4).collect().await;
    let before = double.requests(Operation::GetObject);
    assert_eq!(node.staging.seal(upload(1), &sent).await.unwrap(), whole_of(&bytes));
    assert_eq!(double.requests(Operation::GetObject), before);
    assert_eq!(double.requests(Operation::ListParts), 0, "nobody else can have sent any");
    assert_eq!(double.requests(Operation::UploadPart), sent.len());
    node.staging.promote(upload(1), key_of(&bytes)).await.unwrap();
    node.assert_blob(&bytes).await;
    let left: Vec<_> = double.objects("bucket").into_iter().map(|object| object.key).collect();
    assert_eq!(left, [node.blobs.address(key_of(&bytes))]);
}

/// The one who seals takes the first version that it sees of a part at the same moment: the part is either joined or aside, never lost.
#[tokio::test]
async fn a_part_that_comes_while_its_process_seals_is_found() {
    let (_double, settings) = oss();
    let nodes = nodes(&settings, 2).await;
    // How long sealing takes here tells the first one.
    let mut took = Duration::ZERO;
    for step in 0..20_u32 {
        let id = upload(u128::from(step));
        let (first, second) = (content(u64::from(step), 4 * MIB), content(1_000 + u64::from(step), 4 * MIB));
        let parts = plan(&first, MIB);
        nodes[0].staging.open(id, first.len() as u64).await.unwrap();
        // A version that stands in for another one goes aside, and takes no slot.
        let mut sent = vec![nodes[1].send(id, &first, parts[0], Some(Sha256([0; 32]))).await];
        for part in &parts[1..] {
            sent.push(nodes[0].send(id, &first, *part, None).await);
        }
        let come = async {
            tokio::time::sleep(took * step / 15).await;
            nodes[0].send(id, &second, parts[0], None).await
        };
        let started = Instant::now();
        let seal = async {
            let sealed = nodes[0].staging.seal(id, &sent).await;
            (sealed, started.elapsed())
        };
        let ((sealed, elapsed), came) = join(seal, come).await;
        assert_eq!(sealed.unwrap(), whole_of(&first), "step {step}");
        if step == 0 {
            took = elapsed;
        }
        sent[0] = came;
        let mixed = Bytes::from([range(&second, parts[0]), first.slice(MIB..)].concat());
        assert_eq!(nodes[0].staging.seal(id, &sent).await.unwrap(), whole_of(&mixed), "step {step}");
        nodes[1].staging.promote(id, key_of(&mixed)).await.unwrap();
        nodes[1].assert_blob(&mixed).await;
    }
}

/// As soon as an upload is being closed, a part goes aside at once. On Ceph it would have to be joined besides.
#[tokio::test]
async fn a_part_that_comes_while_its_process_closes_goes_aside_at_once() {
    let (double, settings) = oss();
    let nodes = nodes(&settings, 2).await;
    let (first, second) = (content(1, 4 * MIB), content(2, 4 * MIB));
    let parts = plan(&first, MIB);
    nodes[0].staging.open(upload(1), first.len() as u64).await.unwrap();
    let mut sent = vec![nodes[1].send(upload(1), &first, parts[0], Some(Sha256([0; 32]))).await];
    for part in &parts[1..] {
        sent.push(nodes[0].send(upload(1), &first, *part, None).await);
    }
    double.inject(Operation::PutObject, Fault::Hang, 1);
    let sealing = tokio::spawn({
        let (node, sent) = (nodes[0].clone(), sent.clone());
        async move { node.staging.seal(upload(1), &sent).await }
    });
    until_async("it is being closed", async || (double.hanging() == 1).then_some(())).await;
    let before = double.requests(Operation::UploadPart);
    let came = nodes[0].send(upload(1), &second, parts[0], None).await;
    assert_eq!(double.requests(Operation::UploadPart), before);
    double.release();
    assert_eq!(sealing.await.unwrap().unwrap(), whole_of(&first));
    let mixed = Bytes::from([range(&second, parts[0]), first.slice(MIB..)].concat());
    let sent = [&[came], &sent[1..]].concat();
    assert_eq!(nodes[1].staging.seal(upload(1), &sent).await.unwrap(), whole_of(&mixed));
}

/// Two processes seal at once, and one of them lays out anew and joins while the other one asks: the later layout is the true one.
#[tokio::test]
async fn who_seals_too_late_goes_by_the_layout_that_was_joined() {
    let (double, settings) = oss();
    let nodes = nodes(&settings, 2).await;
    let bytes = content(1, 4 * MIB);
    nodes[0].staging.open(upload(1), bytes.len() as u64).await.unwrap();
    let mut sent = Vec::new();
    for part in plan(&bytes, MIB) {
        sent.push(nodes[0].send(upload(1), &bytes, part, None).await);
    }
    double.inject(Operation::ListParts, Fault::Hang, 1);
    let late = tokio::spawn({
        let (node, sent) = (nodes[1].clone(), sent.clone());
        async move { node.staging.seal(upload(1), &sent).await }
    });
    until_async("it asks", async || (double.hanging() == 1).then_some(())).await;
    assert_eq!(nodes[0].staging.seal(upload(1), &sent).await.unwrap(), whole_of(&bytes));
    // As if the last part had come after the first layout.
    let (client, layout) = (sdk(&settings), format!("staging/{}/layout", upload(1)));
    let put = async |key: &str, layout: &serde_json::Value| {
        client.put_object().bucket("bucket").key(key).body(layout.to_string().into_bytes().into()).send().await.unwrap();
    };
    let written = client.get_object().bucket("bucket").key(&layout).send().await.unwrap().body.collect().await.unwrap();
    let mut written: serde_json::Value = serde_json::from_slice(&written.into_bytes()).unwrap();
    written["number"] = 1.into();
    put(&format!("{layout}-1"), &written).await;
    written["number"] = 0.into();
    written["pieces"].as_array_mut().unwrap().pop();
    put(&layout, &written).await;
    double.release();
    assert_eq!(late.await.unwrap().unwrap(), whole_of(&bytes));
    nodes[1].staging.promote(upload(1), key_of(&bytes)).await.unwrap();
    nodes[1].assert_blob(&bytes).await;
    let is_clean = async || {
        let left = double.objects("bucket").into_iter().filter(|object| !object.key.starts_with("blobs/")).count();
        (left == 0).then_some(())
    };
    until_async("nothing is left", is_clean).await;
}

/// It was on its way to another process when the upload was closed, and is there before the parts are joined: Ceph refuses to join what is
/// not all.
#[tokio::test]
async fn a_part_that_comes_between_the_look_and_the_joining_stops_nothing() {
    let settings = ceph("staging-between").await;
    let nodes = nodes(&settings, 2).await;
    let bytes = content(1, 20 * MIB);
    nodes[0].staging.open(upload(1), bytes.len() as u64).await.unwrap();
    let mut sent = Vec::new();
    for part in plan(&bytes, 8 * MIB) {
        sent.push(nodes[0].send(upload(1), &bytes, part, None).await);
    }
    // With a number of a slot that nobody has claimed it is not looked for.
    let client = sdk(&settings);
    let begun = client.list_multipart_uploads().bucket(&settings.bucket).send().await.unwrap();
    let [begun] = begun.uploads() else { panic!("{begun:?}") };
    let late = client.upload_part().bucket(&settings.bucket).set_key(begun.key.clone()).set_upload_id(begun.upload_id.clone());
    late.part_number(2).body(content(2, 8 * MIB).into()).send().await.unwrap();
    for node in &nodes {
        assert_eq!(node.staging.seal(upload(1), &sent).await.unwrap(), whole_of(&bytes));
    }
    nodes[0].staging.promote(upload(1), key_of(&bytes)).await.unwrap();
    nodes[1].assert_blob(&bytes).await;
    assert_eq!(nodes[1].staging.list(Duration::ZERO).await.unwrap(), []);
    assert_nothing_begun(&settings).await;
}

#[tokio::test]
async fn one_that_is_given_up_elsewhere_takes_nothing_more() {
    let settings = ceph("staging-given-up").await;
    let nodes = nodes(&settings, 2).await;
    for (number, part_bytes) in [(1, 6 * MIB), (2, MIB)] {
        let bytes = content(1, 12 * MIB);
        let parts = plan(&bytes, part_bytes);
        let id = upload(number);
        nodes[0].staging.open(id, bytes.len() as u64).await.unwrap();
        nodes[0].send(id, &bytes, parts[0], None).await;
        nodes[1].send(id, &bytes, parts[1], None).await;
        nodes[1].staging.discard(id).await.unwrap();
        let refused = nodes[0].staging.write_part(id, parts[1], body(&range(&bytes, parts[1])), None, None).await;
        assert!(matches!(refused, Err(StagingError::Absent(absent)) if absent == id), "{refused:?}");
        assert_eq!(nodes[0].staging.list(Duration::ZERO).await.unwrap(), []);
    }
    assert_nothing_begun(&settings).await;
}

#[tokio::test]
async fn everybody_opens_the_same_upload() {
    let settings = ceph("staging-opening").await;
    let nodes = nodes(&settings, 4).await;
    let opened = join_all(nodes.iter().map(|node| node.staging.open(upload(1), 20 * MIB as u64))).await;
    assert!(opened.iter().all(Result::is_ok), "{opened:?}");
    let begun = sdk(&settings).list_multipart_uploads().bucket(&settings.bucket).send().await.unwrap();
    assert_eq!(begun.uploads().len(), 1);
    assert!(nodes[0].staging.open(upload(1), 7).await.is_err());
    nodes[3].staging.discard(upload(1)).await.unwrap();
    assert_nothing_begun(&settings).await;
}

/// What breaks off or goes away leaves nothing that would be paid for.
#[tokio::test]
async fn what_does_not_come_whole_leaves_nothing() {
    let (double, settings) = oss();
    let node = Arc::new(Node::of(&settings).await);
    let bytes = content(1, 20 * MIB);
    let broken = body(&bytes).chain(stream::iter([Err(std::io::ErrorKind::ConnectionReset.into())])).boxed();
    let refused = node.staging.receive(upload(1), broken, u64::MAX).await;
    assert!(matches!(refused, Err(StagingError::Body(_))), "{refused:?}");
    assert_eq!(double.open_multipart_uploads("bucket"), []);

    let stalled = body(&bytes).chain(stream::pending()).boxed();
    let gone = node.clone();
    let receiving = tokio::spawn(async move { gone.staging.receive(upload(2), stalled, u64::MAX).await });
    until_async("parts have come", async || (!double.open_multipart_uploads("bucket").is_empty()).then_some(())).await;
    receiving.abort();
    until_async("they are gone", async || double.open_multipart_uploads("bucket").is_empty().then_some(())).await;
    assert_eq!(double.objects("bucket"), []);
    assert_eq!(node.staging.list(Duration::ZERO).await.unwrap(), []);
}

/// A file is many times larger than the memory that may be used for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_does_not_grow_with_a_file() {
    const PIECES: usize = 1536;
    const GROWTH_KIB_MAX: u64 = 64 * 1024;
    let node = Node::of(&ceph("staging-memory").await).await;
    let piece = content(1, MIB / 4);
    let pieces = stream::iter((0..PIECES).map(move |_| Ok(piece.clone()))).boxed();
    let before = resident_peak_kib();
    let whole = node.staging.receive(upload(1), pieces, u64::MAX).await.unwrap();
    let after = resident_peak_kib();
    assert_eq!(whole.size, (PIECES * MIB / 4) as u64);
    assert!(after - before < GROWTH_KIB_MAX, "{before} KiB before, {after} KiB after");
    node.staging.promote(upload(1), BlobKey::first(whole.sha256)).await.unwrap();
    assert_eq!(node.blobs.size(BlobKey::first(whole.sha256)).await.unwrap(), Some(whole.size));
}

pub(super) fn resident_peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}
