//! The object store goes away in every way there is, while people work: what needs no content goes on.

use std::time::Duration;

use cairn_servers::{Ceph, CephAddress, ChaosProxy, shared};

use super::s3_stores::make_bucket;
use crate::harness::{Endurance, Output, command};

struct Ground {
    ceph: Ceph,
    proxy: ChaosProxy,
}

fn settings<'a>(ceph: &'a CephAddress, endpoint: &'a str, bucket: &'a str) -> [(&'a str, &'a str); 8] {
    [
        ("CAIRN_STORES__CEPH__KIND", "s3"),
        ("CAIRN_STORES__CEPH__ENDPOINT", endpoint),
        ("CAIRN_STORES__CEPH__BUCKET", bucket),
        ("CAIRN_STORES__CEPH__ACCESS_KEY_ID", ceph.access_key()),
        ("CAIRN_STORES__CEPH__SECRET_ACCESS_KEY", ceph.secret_key()),
        ("CAIRN_STORES__CEPH__PATH_STYLE", "true"),
        ("CAIRN_STORES__CEPH__FLAVOR", "ceph"),
        ("CAIRN_POLICY__LAND", "ceph"),
    ]
}

async fn scene() -> Endurance<Ground> {
    let ceph = Ceph::start().unwrap();
    make_bucket(&ceph, "faults").await;
    let proxy = ChaosProxy::start(ceph.socket_address()).unwrap();
    let (address, endpoint) = ((*ceph).clone(), format!("http://{}", proxy.address()));
    Endurance::new(Ground { ceph, proxy }, &settings(&address, &endpoint, "faults")).await
}

/// Lists need no content, and whoever asks is told what is away.
async fn endure(scene: &mut Endurance<Ground>, what: &str, begin: impl FnOnce(&mut Ground), end: impl FnOnce(&mut Ground)) {
    scene.suffer(what, begin).await;
    assert!(scene.user.list("limit=1000").await.contains(scene.last()), "{what}");
    scene.readiness(&["blobs", "staging"], |_| {}, end).await;
    scene.recover(what, |_| {}).await;
}

#[tokio::test]
async fn a_bad_network_costs_time_and_no_file() {
    let mut scene = scene().await;
    endure(&mut scene, "a black hole", |on| on.proxy.black_hole(), |on| on.proxy.pass()).await;
    endure(&mut scene, "answers that get lost", |on| on.proxy.half_open(), |on| on.proxy.pass()).await;
    let refuse = |on: &mut Ground| {
        on.proxy.refuse();
        on.proxy.reset_all();
    };
    endure(&mut scene, "refused connections", refuse, |on| on.proxy.pass()).await;
    scene.check().await;
}

#[tokio::test]
async fn a_network_that_comes_and_goes_costs_time_and_no_file() {
    let mut scene = scene().await;
    for milliseconds in [150, 1_000] {
        let what = format!("a network that comes and goes every {milliseconds} ms");
        scene.suffer_on_and_off(&what, |on| on.proxy.flap(Duration::from_millis(milliseconds))).await;
        assert!(scene.user.list("limit=1000").await.contains(scene.last()), "{what}");
        scene.recover(&what, |on| on.proxy.pass()).await;
    }
    scene.check().await;
}

#[tokio::test]
async fn a_store_that_freezes_stops_or_dies_costs_time_and_no_file() {
    let mut scene = scene().await;
    endure(&mut scene, "a frozen store", |on| on.ceph.freeze(), |on| on.ceph.thaw()).await;
    endure(&mut scene, "a stopped store", |on| on.ceph.stop().unwrap(), |on| on.ceph.start_again().unwrap()).await;
    endure(&mut scene, "a killed store", |on| on.ceph.kill(), |on| on.ceph.start_again().unwrap()).await;
    scene.check().await;
}

#[tokio::test]
async fn a_store_that_can_not_be_used_is_one_message_at_the_start() {
    let ceph = shared::ceph().unwrap();
    let place = tempfile::tempdir().unwrap();
    let refused = |endpoint: &str, bucket: &str, secret: &str| {
        let mut serve = command();
        serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(place.path().join("data"));
        serve.envs(settings(&ceph, endpoint, bucket)).env("CAIRN_STORES__CEPH__SECRET_ACCESS_KEY", secret);
        let refused = Output::of(&mut serve);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert_eq!(refused.stderr.lines().count(), 1, "{refused:?}");
        assert!(refused.stderr.contains("[stores.ceph]") && !refused.stderr.contains("hunter2"), "{refused:?}");
        refused.stderr
    };
    assert!(refused(&ceph.endpoint(), "no-such-bucket", ceph.secret_key()).contains("there is no bucket no-such-bucket"));
    assert!(refused(&ceph.endpoint(), "no-such-bucket", "hunter2").contains("secret"));
    assert!(refused("http://127.0.0.1:9", "bucket", "hunter2").contains("can't be reached"));
    assert!(refused("127.0.0.1", "bucket", "hunter2").contains("127.0.0.1"));
}
