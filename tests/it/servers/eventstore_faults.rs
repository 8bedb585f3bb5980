//! The server of the log goes away in every way there is, while people work. The read tables are files.

use std::time::Duration;

use cairn_eventstore_double::{Double, Fault, Method};
use cairn_servers::ChaosProxy;

use crate::harness::{Endurance, Output, command};

struct Ground {
    double: Double,
    proxy: ChaosProxy,
}

async fn scene() -> Endurance<Ground> {
    let double = Double::start().unwrap();
    let proxy = ChaosProxy::start(double.address()).unwrap();
    let url = format!("esdb://{}?tls=false", proxy.address());
    Endurance::new(Ground { double, proxy }, &[("CAIRN_LOG__URL", &url), ("CAIRN_VIEWS__URL", "sqlite")]).await
}

#[tokio::test]
async fn a_bad_network_costs_time_and_no_file() {
    let mut scene = scene().await;
    scene.endure("a black hole", |on| on.proxy.black_hole(), |on| on.proxy.pass()).await;
    scene.endure("answers that get lost", |on| on.proxy.half_open(), |on| on.proxy.pass()).await;
    let refuse = |on: &mut Ground| {
        on.proxy.refuse();
        on.proxy.reset_all();
    };
    scene.endure("refused connections", refuse, |on| on.proxy.pass()).await;
    scene.endure("cut connections", |on| on.proxy.cut_after(200), |on| on.proxy.pass()).await;
    scene.check().await;
}

#[tokio::test]
async fn a_network_that_comes_and_goes_costs_time_and_no_file() {
    let mut scene = scene().await;
    for milliseconds in [150, 1_000] {
        let what = format!("a network that comes and goes every {milliseconds} ms");
        scene.suffer_on_and_off(&what, |on| on.proxy.flap(Duration::from_millis(milliseconds))).await;
        scene.recover(&what, |on| on.proxy.pass()).await;
    }
    scene.check().await;
}

#[tokio::test]
async fn a_server_that_freezes_stops_hangs_or_refuses_costs_time_and_no_file() {
    let mut scene = scene().await;
    scene.endure("a frozen server", |on| on.double.freeze(), |on| on.double.thaw()).await;
    let again = |on: &mut Ground| on.double.restart().unwrap();
    scene.endure("a stopped server", |on| on.double.stop(), again).await;
    let well = |on: &mut Ground| {
        on.double.clear_faults();
        on.double.release();
    };
    let hang = |on: &mut Ground| on.double.inject(usize::MAX, Method::BatchAppend, Fault::Hang);
    scene.endure("appends that hang", hang, well).await;
    let unready = |on: &mut Ground| {
        for method in [Method::ServerFeatures, Method::Read, Method::BatchAppend] {
            on.double.inject(usize::MAX, method, Fault::Unavailable);
        }
    };
    scene.endure("a server that is not ready", unready, well).await;
    let late = |on: &mut Ground| on.double.inject(usize::MAX, Method::BatchAppend, Fault::OperationTimedOut);
    scene.endure("appends that too few nodes confirm", late, well).await;
    scene.check().await;
}

#[tokio::test]
async fn whoever_asks_whether_the_drive_is_ready_is_told_what_is_away() {
    let mut scene = scene().await;
    scene.readiness(&["log"], |on| on.proxy.black_hole(), |on| on.proxy.pass()).await;
}

#[tokio::test]
async fn an_address_that_will_not_do_is_one_message_and_exit_code_2() {
    let double = Double::start().unwrap();
    let data = tempfile::tempdir().unwrap();
    let url = double.url();
    for (url, said) in [
        ("esdb://admin:hunter2@127.0.0.1:1?tls=false".to_owned(), "nobody listens"),
        (url.replace("tls=false", "tls=true"), "with TLS"),
        (url.replace("tls=false", "tls=perhaps"), "log.url"),
    ] {
        let mut command = command();
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data.path()).env("CAIRN_LOG__URL", &url);
        let output = Output::of(&mut command);
        assert_eq!(output.code, Some(2), "{output:?}");
        assert!(output.stderr.contains(said) && !output.stderr.contains("hunter2"), "{output:?}");
    }
}

/// Read tables that show more than the log has are those of another log.
#[tokio::test]
async fn a_drive_does_not_start_over_an_emptied_server() {
    let mut scene = scene().await;
    assert_eq!(scene.upload().await.0.status, 201);
    scene.drive.stop();
    scene.ground.double.stop();
    let emptied = Double::start_on(scene.ground.double.address()).unwrap();
    let started = scene.drive.cairn(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(started.code, Some(2), "{started:?}");
    assert!(started.stderr.contains("ahead") || started.stderr.contains("log"), "{started:?}");
    assert_eq!(emptied.event_count(), 0);
}
